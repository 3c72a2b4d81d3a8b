//! RustCrypto: the provider for WebAssembly, and the second opinion in tests.

use p384::ecdsa::{DerSignature, Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey, pkcs1::DecodeRsaPublicKey, traits::SignatureScheme};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{BadSignature, Crypto, RsaKey, SignatureAlgorithm};

/// The RustCrypto crates.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Crypto for RustCrypto {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
    }

    fn sha384(&self, parts: &[&[u8]]) -> [u8; 48] {
        parts.iter().fold(Sha384::new(), Sha384::chain_update).finalize().into()
    }

    fn sha512(&self, parts: &[&[u8]]) -> [u8; 64] {
        parts.iter().fold(Sha512::new(), Sha512::chain_update).finalize().into()
    }

    fn path_algorithm(&self, algorithm: SignatureAlgorithm) -> &'static dyn SignatureVerificationAlgorithm {
        match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => &EcdsaP256Sha256,
            SignatureAlgorithm::EcdsaP384Sha384 => &EcdsaP384Sha384,
            SignatureAlgorithm::RsaPkcs1Sha256 => &RsaPkcs1(SignatureAlgorithm::RsaPkcs1Sha256),
            SignatureAlgorithm::RsaPkcs1Sha384 => &RsaPkcs1(SignatureAlgorithm::RsaPkcs1Sha384),
            SignatureAlgorithm::RsaPkcs1Sha512 => &RsaPkcs1(SignatureAlgorithm::RsaPkcs1Sha512),
            SignatureAlgorithm::RsaPssSha256 => &RsaPssSha256,
            SignatureAlgorithm::RsaPssSha384 => &RsaPssSha384(SignatureAlgorithm::RsaPssSha384),
            SignatureAlgorithm::RsaPssSha384Trailer => &RsaPssSha384(SignatureAlgorithm::RsaPssSha384Trailer),
        }
    }

    fn verify_p256_sha256(
        &self,
        public_key: &[u8],
        digest: &[u8; 32],
        signature: &[u8; 64],
    ) -> Result<(), BadSignature> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).map_err(|_| BadSignature)?;
        let signature = p256::ecdsa::Signature::from_slice(signature).map_err(|_| BadSignature)?;
        key.verify_prehash(digest, &signature).map_err(|_| BadSignature)
    }

    fn verify_p384_sha384(
        &self,
        public_key: &[u8],
        digest: &[u8; 48],
        signature: &[u8; 96],
    ) -> Result<(), BadSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| BadSignature)?;
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
        key.verify_prehash(digest, &signature).map_err(|_| BadSignature)
    }

    fn rsa_key(&self, public_key: &[u8]) -> Box<dyn RsaKey> {
        Box::new(RustCryptoRsaKey::read(public_key))
    }
}

/// An RSA key, if it could be read.
#[derive(Debug)]
struct RustCryptoRsaKey(Option<RsaPublicKey>);

impl RustCryptoRsaKey {
    fn read(public_key: &[u8]) -> Self {
        Self(RsaPublicKey::from_pkcs1_der(public_key).ok())
    }

    fn verify(&self, scheme: impl SignatureScheme, digest: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let key = self.0.as_ref().ok_or(BadSignature)?;
        key.verify(scheme, digest, signature).map_err(|_| BadSignature)
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.2) over a digest.
    fn verify_pkcs1(&self, prefix: &[u8], digest: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let padding = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: prefix.into() };
        self.verify(padding, digest, signature)
    }
}

impl RsaKey for RustCryptoRsaKey {
    fn verify_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify_pkcs1(SHA256_DIGEST_INFO, &Sha256::digest(message), signature)
    }

    fn verify_pss_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signature)
    }

    fn verify_pss_sha384(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify(Pss::<Sha384>::new(), &Sha384::digest(message), signature)
    }
}

/// DigestInfo of SHA-256, SHA-384 and SHA-512 (RFC 8017, section 9.2, note 1), without the digest.
const SHA256_DIGEST_INFO: &[u8] = b"\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
const SHA384_DIGEST_INFO: &[u8] = b"\x30\x41\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30";
const SHA512_DIGEST_INFO: &[u8] = b"\x30\x51\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

/// RSASSA-PKCS1-v1_5 with one of three hashes, for the path validator.
#[derive(Debug)]
struct RsaPkcs1(SignatureAlgorithm);

impl SignatureVerificationAlgorithm for RsaPkcs1 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.identifier()
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = RustCryptoRsaKey::read(public_key);
        let verified = match self.0 {
            SignatureAlgorithm::RsaPkcs1Sha256 => key.verify_pkcs1_sha256(message, signature),
            SignatureAlgorithm::RsaPkcs1Sha384 => {
                key.verify_pkcs1(SHA384_DIGEST_INFO, &Sha384::digest(message), signature)
            }
            SignatureAlgorithm::RsaPkcs1Sha512 => {
                key.verify_pkcs1(SHA512_DIGEST_INFO, &Sha512::digest(message), signature)
            }
            _ => Err(BadSignature),
        };
        verified.map_err(|_| InvalidSignature)
    }
}

/// ecdsa-with-SHA384 under a P-384 key, for the path validator.
#[derive(Debug)]
struct EcdsaP384Sha384;

impl SignatureVerificationAlgorithm for EcdsaP384Sha384 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::try_from(signature).map_err(|_| InvalidSignature)?;
        key.verify_prehash(&Sha384::digest(message), &signature).map_err(|_| InvalidSignature)
    }
}

/// RSASSA-PSS with SHA-256 under an RSA key, for the path validator.
#[derive(Debug)]
struct RsaPssSha256;

impl SignatureVerificationAlgorithm for RsaPssSha256 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_PSS_SHA256
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = RustCryptoRsaKey::read(public_key);
        key.verify_pss_sha256(message, signature).map_err(|BadSignature| InvalidSignature)
    }
}

/// RSASSA-PSS with SHA-384 under an RSA key, for the path validator, in either spelling.
#[derive(Debug)]
struct RsaPssSha384(SignatureAlgorithm);

impl SignatureVerificationAlgorithm for RsaPssSha384 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.identifier()
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = RustCryptoRsaKey::read(public_key);
        key.verify_pss_sha384(message, signature).map_err(|BadSignature| InvalidSignature)
    }
}

/// ecdsa-with-SHA256 under a P-256 key, for the path validator.
#[derive(Debug)]
struct EcdsaP256Sha256;

impl SignatureVerificationAlgorithm for EcdsaP256Sha256 {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = p256::ecdsa::DerSignature::try_from(signature).map_err(|_| InvalidSignature)?;
        key.verify_prehash(&Sha256::digest(message), &signature).map_err(|_| InvalidSignature)
    }
}
