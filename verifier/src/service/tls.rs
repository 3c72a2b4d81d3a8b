//! TLS. In: PEM files; out: what the server speaks: TLS 1.2 and 1.3, by rustls with aws-lc. The files may be replaced while
//! the service runs, as whoever renews certificates does: connections that are made after [`Certificates::reload`] get the
//! new one, and a pair that does not fit changes nothing.

use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::config::Tls;

/// The longest PEM file in bytes.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is none of this kind.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Key and certificate do not make a server.
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The certificate with its key, as the files were last read.
pub struct Certificates {
    files: Tls,
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(files: &Tls) -> Result<Self, TlsError> {
        Ok(Self { files: files.clone(), current: RwLock::new(Arc::new(certified(files)?)) })
    }

    /// Reads both again. If they cannot be used, those that were there stay.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let read = Arc::new(certified(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// What the server speaks.
    ///
    /// # Errors
    /// [`TlsError::Rustls`].
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.with_no_client_auth().with_cert_resolver(self.clone()))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// The pair in the files; a key that is not the certificate's is an error.
fn certified(files: &Tls) -> Result<CertifiedKey, TlsError> {
    let Tls { certificate, key } = files;
    let chain = read(certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|reason| error(certificate, &reason))?;
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|reason| error(key, &reason))?;
    Ok(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?)
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    let length = fs::metadata(path).map_err(|reason| error(path, &reason))?.len();
    if length > MAX_PEM_BYTES {
        return Err(error(path, &"too long for a PEM file"));
    }
    fs::read(path).map(zeroize::Zeroizing::new).map_err(|reason| error(path, &reason))
}

fn error(path: &Path, reason: &dyn fmt::Display) -> TlsError {
    TlsError::File { file: path.display().to_string(), reason: reason.to_string() }
}
