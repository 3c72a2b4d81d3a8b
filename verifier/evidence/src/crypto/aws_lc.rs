//! AWS-LC: the native provider.

use aws_lc_rs::{
    digest::{self, Digest},
    signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey},
};
use rustls_pki_types::SignatureVerificationAlgorithm;

use super::{BadSignature, Crypto, SignatureAlgorithm};

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

    fn path_algorithm(&self, algorithm: SignatureAlgorithm) -> &'static dyn SignatureVerificationAlgorithm {
        match algorithm {
            SignatureAlgorithm::EcdsaP384Sha384 => webpki::aws_lc_rs::ECDSA_P384_SHA384,
        }
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
