//! Whom certificates must come from.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

/// Why there are no authorities.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field holds")]
pub enum AuthoritiesError {
    /// No file of authorities, or not one.
    #[error("cannot read the authorities in {}: {source}", path.display())]
    File { path: PathBuf, source: pem::Error },
    /// One of them does not hold.
    #[error("{} has a certificate that cannot be an authority: {source}", path.display())]
    Certificate { path: PathBuf, source: rustls::Error },
    /// The file has none.
    #[error("{} has no certificate in PEM form", path.display())]
    Empty { path: PathBuf },
    /// The machine has none.
    #[error(
        "this machine has no authorities to verify certificates by: install ca-certificates, or \
         name a file"
    )]
    System,
}

/// The authorities of a PEM file, or those of the system.
///
/// # Errors
/// There are none, or they cannot be read.
pub fn roots(file: Option<&Path>) -> Result<Arc<RootCertStore>, AuthoritiesError> {
    file.map_or_else(system_roots, file_roots)
}

fn file_roots(path: &Path) -> Result<Arc<RootCertStore>, AuthoritiesError> {
    let unreadable = |source| AuthoritiesError::File { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|source| AuthoritiesError::Certificate { path: path.to_owned(), source })?;
    }
    if roots.is_empty() {
        return Err(AuthoritiesError::Empty { path: path.to_owned() });
    }
    Ok(Arc::new(roots))
}

/// The machine's authorities: read once for all that are in use at a time, and again when none has
/// been.
fn system_roots() -> Result<Arc<RootCertStore>, AuthoritiesError> {
    static SHARED: Mutex<Weak<RootCertStore>> = Mutex::new(Weak::new());
    // A panic elsewhere leaves nothing half done here.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(roots) = shared.upgrade() {
        return Ok(roots);
    }
    let mut roots = RootCertStore::empty();
    // Single files that cannot be used are no reason not to use the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(AuthoritiesError::System);
    }
    let roots = Arc::new(roots);
    *shared = Arc::downgrade(&roots);
    Ok(roots)
}
