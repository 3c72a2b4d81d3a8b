//! TLS over any stream, ending here, inside the TEE (rustls with AWS-LC). Trusted are one pinned authority, or Mozilla's.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use thiserror::Error;
use tokio_rustls::TlsConnector;

use super::{BoxStream, Dial, Dialling};

/// Why there is no TLS.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The authority's file.
    #[error("the authority's file holds no certificate that can be trusted")]
    Authority,
    /// The name is none.
    #[error("{0} is no name for a server")]
    Name(String),
    /// rustls.
    #[error(transparent)]
    Configuration(#[from] rustls::Error),
}

/// TLS to one server name, over streams of another kind.
pub struct Tls<D> {
    inner: D,
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl<D: Dial> Tls<D> {
    /// TLS over `inner` to the server `name`. `authority`: PEM certificates, the only ones that are trusted; none stands for
    /// Mozilla's list.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn new(inner: D, name: &str, authority: Option<&[u8]>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        match authority {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|_| TlsError::Authority)?;
                    roots.add(certificate).map_err(|_| TlsError::Authority)?;
                }
            }
        }
        if roots.is_empty() {
            return Err(TlsError::Authority);
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))?;
        Ok(Self { inner, name, connector: TlsConnector::from(Arc::new(config)) })
    }
}

impl<D: Dial> Dial for Tls<D> {
    fn dial(&self) -> Dialling<'_> {
        Box::pin(async move {
            let stream: BoxStream = self.inner.dial().await?;
            let stream = self.connector.connect(self.name.clone(), stream).await.map_err(io::Error::other)?;
            let stream: BoxStream = Box::new(stream);
            Ok(stream)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Tls, TlsError};
    use crate::transport::Address;

    #[test]
    fn a_file_without_certificates_trusts_nobody() {
        let address: Address = "localhost:443".parse().unwrap();
        let tls = |name, authority| Tls::new(address.clone(), name, authority).map(|_| ());
        assert!(tls("localhost", None).is_ok());
        assert!(matches!(tls("localhost", Some(b"".as_slice())), Err(TlsError::Authority)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(tls("localhost", Some(broken.as_slice())), Err(TlsError::Authority)));
        assert!(matches!(tls("no name", None), Err(TlsError::Name(_))));
    }
}
