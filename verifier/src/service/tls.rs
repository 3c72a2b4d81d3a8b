//! TLS. In: PEM files; out: what the server speaks: TLS 1.2 and 1.3, by rustls with aws-lc.

use std::{fs, path::Path, sync::Arc};

use rustls::{ServerConfig, crypto::aws_lc_rs};
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

/// Reads certificate and key.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(tls: &Tls) -> Result<ServerConfig, TlsError> {
    let Tls { certificate, key } = tls;
    let chain = read(certificate)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|reason| error(certificate, &reason))?;
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|reason| error(key, &reason))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_no_client_auth().with_single_cert(chain, key)?)
}

fn read(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    let length = fs::metadata(path).map_err(|reason| error(path, &reason))?.len();
    if length > MAX_PEM_BYTES {
        return Err(error(path, &"too long for a PEM file"));
    }
    fs::read(path).map(zeroize::Zeroizing::new).map_err(|reason| error(path, &reason))
}

fn error(path: &Path, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { file: path.display().to_string(), reason: reason.to_string() }
}
