//! Encryption: what is asked for, and what comes of it with and without the feature.

#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls")]
mod end_point;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod unverified;
#[cfg(not(feature = "tls"))]
mod without;

#[cfg(feature = "tls")]
pub(crate) use connector::{Connector, connector, is_not_offered, is_untrusted};
#[cfg(not(feature = "tls"))]
pub(crate) use without::{Connector, connector, is_not_offered, is_untrusted};

use std::path::PathBuf;

/// Whom to trust where connections are encrypted (cargo feature `tls`), and who we are.
///
/// Whether they are, the URL's `sslmode` says:
///
/// | `sslmode` | with the feature `tls` | without |
/// |---|---|---|
/// | `disable` | never | never |
/// | `prefer`, or nothing | where the server can; whose server it is is not looked at. With [`Roots::Pem`] as `require` | never; [`Roots::Pem`] is refused |
/// | `require` | always, and the server has to show a certificate that the roots have signed for the name in the URL | refused |
///
/// So `prefer` keeps out who listens, and not who pretends to be the server; `require` here is what `verify-full` is elsewhere.
/// A unix socket is never encrypted.
///
/// Where a password is checked by SCRAM over TLS, it is bound to the certificate: nobody in between can pass it on.
///
/// ```
/// use eventstore_postgres::{PostgresConfig, Roots, Tls};
///
/// let tls = Tls { roots: Roots::Pem("certificates/internal.pem".into()), ..Tls::default() };
/// let config = PostgresConfig { tls, ..PostgresConfig::default() };
/// # let _ = config;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whose signature under the server's certificate is believed.
    pub roots: Roots,
    /// A certificate of our own, for servers that ask for one.
    pub identity: Option<Identity>,
}

/// Whose signature under a server's certificate is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those that the operating system trusts.
    #[default]
    System,
    /// Those in a file of certificates in PEM, and no others.
    Pem(PathBuf),
}

/// A certificate of our own, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and behind it those that lead to the root.
    pub certificates: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC1, without a password.
    pub key: PathBuf,
}
