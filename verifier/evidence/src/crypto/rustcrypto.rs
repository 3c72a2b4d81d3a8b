//! RustCrypto: the provider for WebAssembly, and the second opinion in tests.

use p384::ecdsa::{DerSignature, Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey, pkcs1::DecodeRsaPublicKey};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{BadSignature, Crypto, SignatureAlgorithm};

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

    fn verify_rsa_pkcs1_sha256(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let key = RsaPublicKey::from_pkcs1_der(public_key).map_err(|_| BadSignature)?;
        let padding = Pkcs1v15Sign { hash_len: Some(32), prefix: SHA256_DIGEST_INFO.into() };
        key.verify(padding, &Sha256::digest(message), signature).map_err(|_| BadSignature)
    }
}

/// DigestInfo of SHA-256 (RFC 8017, section 9.2, note 1), without the digest.
const SHA256_DIGEST_INFO: &[u8] =
    &[0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

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
        let key = RsaPublicKey::from_pkcs1_der(public_key).map_err(|_| InvalidSignature)?;
        let digest = Sha384::digest(message);
        key.verify(Pss::<Sha384>::new(), &digest, signature).map_err(|_| InvalidSignature)
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
