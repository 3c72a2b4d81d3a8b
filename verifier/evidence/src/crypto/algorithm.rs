//! How certificates and CRLs are signed: each algorithm by the one encoding of its identifier that is accepted.
//!
//! In: an AlgorithmIdentifier. Out: a [`SignatureAlgorithm`], if it is one of these byte for byte.

use der::Encode;
use rustls_pki_types::{AlgorithmIdentifier, alg_id};
use x509_cert::spki::AlgorithmIdentifierOwned;

/// How certificates and CRLs of some vendor are signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 5758, ecdsa-with-SHA256).
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384 (RFC 5758, ecdsa-with-SHA384).
    EcdsaP384Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 4055, section 5, sha256WithRSAEncryption).
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 bytes of salt (RFC 4055, section 3.1), in DER.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt (RFC 4055, section 3.1), in DER.
    RsaPssSha384,
    /// The same with the trailer field spelled out, which DER forbids of a default, and which AMD's CAs and its
    /// certificates until 2023 do.
    RsaPssSha384Trailer,
}

impl SignatureAlgorithm {
    /// Every algorithm.
    const ALL: &'static [Self] = &[
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha384Trailer,
    ];

    /// The contents of the AlgorithmIdentifier.
    pub(crate) const fn identifier(self) -> AlgorithmIdentifier {
        match self {
            Self::EcdsaP256Sha256 => alg_id::ECDSA_SHA256,
            Self::EcdsaP384Sha384 => alg_id::ECDSA_SHA384,
            Self::RsaPkcs1Sha256 => alg_id::RSA_PKCS1_SHA256,
            Self::RsaPkcs1Sha384 => alg_id::RSA_PKCS1_SHA384,
            Self::RsaPkcs1Sha512 => alg_id::RSA_PKCS1_SHA512,
            Self::RsaPssSha256 => alg_id::RSA_PSS_SHA256,
            Self::RsaPssSha384 => alg_id::RSA_PSS_SHA384,
            Self::RsaPssSha384Trailer => RSA_PSS_SHA384_TRAILER,
        }
    }

    /// The algorithm that is named; `None` for any other, and for any other spelling.
    pub(crate) fn of(identifier: &AlgorithmIdentifierOwned) -> Option<Self> {
        let der = identifier.to_der().ok()?;
        // None of them has 128 bytes or more: the header is a tag and one byte of length.
        let (_, contents) = der.split_first_chunk::<2>()?;
        Self::ALL.iter().copied().find(|algorithm| algorithm.identifier().as_ref() == contents)
    }
}

/// id-RSASSA-PSS with `hashAlgorithm` SHA-384, `maskGenAlgorithm` MGF1 with SHA-384, `saltLength` 48 and `trailerField` 1.
const RSA_PSS_SHA384_TRAILER: AlgorithmIdentifier = AlgorithmIdentifier::from_slice(&[
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A, 0x30, 0x39, // id-RSASSA-PSS
    0xA0, 0x0F, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
    0x00, // SHA-384
    0xA1, 0x1C, 0x30, 0x1A, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08, // MGF1
    0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, // SHA-384
    0xA2, 0x03, 0x02, 0x01, 0x30, // salt
    0xA3, 0x03, 0x02, 0x01, 0x01, // trailer
]);
