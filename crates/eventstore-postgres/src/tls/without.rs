//! Without the feature nothing is encrypted, and whoever asks for it hears so.

use tokio_postgres::{
    Config, NoTls, Socket,
    config::SslMode,
    tls::{MakeTlsConnect, NoTlsError, NoTlsStream},
};

use super::{Roots, Tls};
use crate::PostgresError;

/// Makes connections that are not encrypted. A type of its own, so that it is used as the one with the feature is.
#[derive(Clone, Debug)]
pub(crate) struct Connector(NoTls);

impl MakeTlsConnect<Socket> for Connector {
    type Stream = NoTlsStream;
    type TlsConnect = NoTls;
    type Error = NoTlsError;

    fn make_tls_connect(&mut self, host: &str) -> Result<NoTls, NoTlsError> {
        MakeTlsConnect::<Socket>::make_tls_connect(&mut self.0, host)
    }
}

/// # Errors
///
/// [`PostgresError::TlsFeature`], when more was asked for than an attempt.
pub(crate) fn connector(settings: &mut Config, tls: &Tls) -> Result<Connector, PostgresError> {
    let is_required = match settings.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Prefer => tls.roots != Roots::System || tls.identity.is_some(),
        _ => true,
    };
    if is_required { Err(PostgresError::TlsFeature) } else { Ok(Connector(NoTls)) }
}

pub(crate) fn is_not_offered(_: &tokio_postgres::Error) -> bool {
    false
}

pub(crate) fn is_untrusted(_: &tokio_postgres::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use super::*;

    fn asked(url: &str, tls: &Tls) -> Result<Connector, PostgresError> {
        connector(&mut url.parse().unwrap(), tls)
    }

    #[test]
    fn what_has_to_be_encrypted_is_refused_and_the_feature_named() {
        let pem = Tls { roots: Roots::Pem("roots.pem".into()), ..Tls::default() };
        for (url, tls) in [
            ("postgresql://h/db?sslmode=require", &Tls::default()),
            ("postgresql://h/db?sslmode=require", &pem),
            ("postgresql://h/db", &pem),
        ] {
            let refused = asked(url, tls).unwrap_err();
            assert!(refused.to_string().contains("the feature `tls`"), "{refused}");
        }
    }

    #[test]
    fn what_need_not_be_encrypted_is_not() {
        let pem = Tls { roots: Roots::Pem("roots.pem".into()), ..Tls::default() };
        assert!(asked("postgresql://h/db", &Tls::default()).is_ok());
        assert!(asked("postgresql://h/db?sslmode=prefer", &Tls::default()).is_ok());
        assert!(asked("postgresql://h/db?sslmode=disable", &pem).is_ok());
    }
}
