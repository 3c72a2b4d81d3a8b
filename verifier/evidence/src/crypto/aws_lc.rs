//! AWS-LC: the native provider.

use std::sync::OnceLock;

use aws_lc_rs::{
    digest::{self, Digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RsaParameters, UnparsedPublicKey,
    },
};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

use super::{BadSignature, Crypto, RsaKey, SignatureAlgorithm};

/// AWS-LC through `aws-lc-rs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Crypto for AwsLc {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        hash(&digest::SHA256, parts)
    }

    fn sha384(&self, parts: &[&[u8]]) -> [u8; 48] {
        hash(&digest::SHA384, parts)
    }

    fn sha512(&self, parts: &[&[u8]]) -> [u8; 64] {
        hash(&digest::SHA512, parts)
    }

    fn path_algorithm(&self, algorithm: SignatureAlgorithm) -> &'static dyn SignatureVerificationAlgorithm {
        match algorithm {
            SignatureAlgorithm::EcdsaP256Sha256 => webpki::aws_lc_rs::ECDSA_P256_SHA256,
            SignatureAlgorithm::EcdsaP384Sha384 => webpki::aws_lc_rs::ECDSA_P384_SHA384,
            SignatureAlgorithm::RsaPkcs1Sha256 => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
            SignatureAlgorithm::RsaPkcs1Sha384 => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
            SignatureAlgorithm::RsaPkcs1Sha512 => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
            SignatureAlgorithm::RsaPssSha256 => webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            SignatureAlgorithm::RsaPssSha384 => webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
            SignatureAlgorithm::RsaPssSha384Trailer => &RsaPssSha384Trailer,
        }
    }

    fn verify_p256_sha256(
        &self,
        public_key: &[u8],
        digest: &[u8; 32],
        signature: &[u8; 64],
    ) -> Result<(), BadSignature> {
        let digest = Digest::import_less_safe(digest, &digest::SHA256).map_err(|_| BadSignature)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key)
            .verify_digest(&digest, signature)
            .map_err(|_| BadSignature)
    }

    fn verify_p384_sha384(
        &self,
        public_key: &[u8],
        digest: &[u8; 48],
        signature: &[u8; 96],
    ) -> Result<(), BadSignature> {
        // The digest is also the evidence id, so it is computed once and handed over ("less safe" only in that AWS-LC
        // cannot know where it came from).
        let digest = Digest::import_less_safe(digest, &digest::SHA384).map_err(|_| BadSignature)?;
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public_key)
            .verify_digest(&digest, signature)
            .map_err(|_| BadSignature)
    }

    fn rsa_key(&self, public_key: &[u8]) -> Box<dyn RsaKey> {
        Box::new(AwsLcRsaKey { public_key: public_key.to_vec(), ..AwsLcRsaKey::default() })
    }
}

/// An RSA key, which AWS-LC reads for one algorithm at a time: for each when it is first asked for.
#[derive(Debug, Default)]
struct AwsLcRsaKey {
    public_key: Vec<u8>,
    pkcs1_sha256: ReadKey,
    pss_sha256: ReadKey,
    pss_sha384: ReadKey,
}

/// A key for one algorithm, if it could be read.
type ReadKey = OnceLock<Option<ParsedPublicKey>>;

impl AwsLcRsaKey {
    fn verify(
        &self,
        read: &ReadKey,
        algorithm: &'static RsaParameters,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), BadSignature> {
        let key = read.get_or_init(|| ParsedPublicKey::new(algorithm, &self.public_key).ok());
        let key = key.as_ref().ok_or(BadSignature)?;
        key.verify_sig(message, signature).map_err(|_| BadSignature)
    }
}

impl RsaKey for AwsLcRsaKey {
    fn verify_pkcs1_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify(&self.pkcs1_sha256, &RSA_PKCS1_2048_8192_SHA256, message, signature)
    }

    fn verify_pss_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify(&self.pss_sha256, &RSA_PSS_2048_8192_SHA256, message, signature)
    }

    fn verify_pss_sha384(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify(&self.pss_sha384, &RSA_PSS_2048_8192_SHA384, message, signature)
    }
}

fn hash<const N: usize>(algorithm: &'static digest::Algorithm, parts: &[&[u8]]) -> [u8; N] {
    let mut context = digest::Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    let mut output = [0; N];
    output.copy_from_slice(context.finish().as_ref());
    output
}

/// RSASSA-PSS with the trailer field spelled out, for the path validator, which knows the shorter spelling only.
#[derive(Debug)]
struct RsaPssSha384Trailer;

impl SignatureVerificationAlgorithm for RsaPssSha384Trailer {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        SignatureAlgorithm::RsaPssSha384Trailer.identifier()
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA384, public_key)
            .verify(message, signature)
            .map_err(|_| InvalidSignature)
    }
}
