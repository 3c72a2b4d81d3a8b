//! How OCSP identifies certificates (RFC 6960, section 4.1.1): by digests of the issuer's name and key, and a serial number.
//!
//! In: a certificate and its issuer. Out: a [`CertId`]. SHA-384 is what questions are asked with, and SHA-256 is known as
//! well; SHA-1, which RFC 5019 prefers, is not, since two issuers with one digest could be made.

use der::oid::ObjectIdentifier;

use crate::{
    crypto::Crypto,
    x509::{Certificate, Outline},
};

/// A digest of identifiers.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
}

impl HashAlgorithm {
    pub(crate) const ALL: [Self; 2] = [Self::Sha384, Self::Sha256];

    /// id-sha256, id-sha384 (RFC 5754, section 2).
    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
            Self::Sha384 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
        }
    }

    fn digest(self, crypto: &dyn Crypto, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => crypto.sha256(&[bytes]).to_vec(),
            Self::Sha384 => crypto.sha384(&[bytes]).to_vec(),
        }
    }
}

/// The identifier of a certificate.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct CertId {
    pub(crate) algorithm: HashAlgorithm,
    /// Of the issuer's name in DER.
    pub(crate) issuer_name: Vec<u8>,
    /// Of the bits of the issuer's key.
    pub(crate) issuer_key: Vec<u8>,
    /// The content of the INTEGER.
    pub(crate) serial: Vec<u8>,
}

impl CertId {
    /// The identifier of a certificate that `issuer` issued.
    pub(crate) fn of(
        crypto: &dyn Crypto,
        algorithm: HashAlgorithm,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Option<Self> {
        // The name as it stands in the bytes: encoding it again need not give the same.
        let outline = Outline::of(&issuer.der)?;
        Some(Self {
            algorithm,
            issuer_name: algorithm.digest(crypto, outline.subject(&issuer.der)),
            issuer_key: algorithm.digest(crypto, issuer.public_key.bits()?),
            serial: certificate.serial.clone(),
        })
    }

    /// Whether it is of a certificate that this one issued.
    pub(crate) fn is_of_issuer(&self, crypto: &dyn Crypto, issuer: &Certificate) -> bool {
        Self::of(crypto, self.algorithm, issuer, issuer)
            .is_some_and(|own| (own.issuer_name, own.issuer_key) == (self.issuer_name.clone(), self.issuer_key.clone()))
    }
}
