//! Certificates and keys, from files and from the system.

use std::{error::Error, path::Path};

use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Identity, Roots};
use crate::PostgresError;

/// The roots that are asked for, at least one.
pub(super) fn roots(roots: &Roots) -> Result<RootCertStore, PostgresError> {
    match roots {
        Roots::Pem(path) => of_file(path),
        Roots::System => of_system(),
    }
}

fn of_file(path: &Path) -> Result<RootCertStore, PostgresError> {
    const WHAT: &str = "the root certificates";
    let mut store = RootCertStore::empty();
    for certificate in certificates(WHAT, path)? {
        store.add(certificate).map_err(unusable(WHAT, path))?;
    }
    Ok(store)
}

/// Systems keep certificates that nobody can use, beside those that everybody needs.
fn of_system() -> Result<RootCertStore, PostgresError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (usable, unusable) = store.add_parsable_certificates(found.certs);
    tracing::debug!(usable, unusable, errors = ?found.errors, "read the root certificates of the system");
    if usable > 0 {
        return Ok(store);
    }
    let why = found.errors.into_iter().next().map(Into::into);
    Err(PostgresError::TlsFile {
        what: "what the system has of root certificates",
        path: None,
        source: why.unwrap_or_else(|| "there is none".into()),
    })
}

/// Our own certificate with those that lead to its root, and its key.
pub(super) fn identity(
    identity: &Identity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PostgresError> {
    let certificates = certificates("our own certificate", &identity.certificates)?;
    let key = PrivateKeyDer::from_pem_file(&identity.key)
        .map_err(unusable("the key of our own certificate", &identity.key))?;
    Ok((certificates, key))
}

/// The certificates of a file, at least one.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(unusable(what, path))?;
    match certificates.is_empty() {
        true => Err(unusable(what, path)("there is no certificate in it")),
        false => Ok(certificates),
    }
}

fn unusable<E: Into<Box<dyn Error + Send + Sync>>>(
    what: &'static str,
    path: &Path,
) -> impl Fn(E) -> PostgresError {
    move |why| PostgresError::TlsFile { what, path: Some(path.to_owned()), source: why.into() }
}
