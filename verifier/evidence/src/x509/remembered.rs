//! Signatures on paths that were verified before. A list of revoked certificates stands on every path below its issuer, so that
//! a new leaf under a known issuer would cost the list's signature again.
//!
//! In: an algorithm. Out: the same algorithm, which asks the caller's cache first. What is remembered is that this very
//! signature verifies under this very key; all else about list and certificate is checked each time.

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::issuers::{SignatureId, VerifiedIssuers};
use crate::crypto::Crypto;

/// An algorithm that verifies a signature once.
#[derive(Debug)]
pub(super) struct Remembered<'a> {
    pub(super) algorithm: &'static dyn SignatureVerificationAlgorithm,
    pub(super) crypto: &'a dyn Crypto,
    pub(super) issuers: &'a dyn VerifiedIssuers,
}

impl SignatureVerificationAlgorithm for Remembered<'_> {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let (signature_algorithm, key_algorithm) = (self.signature_alg_id(), self.public_key_alg_id());
        let fields = [signature_algorithm.as_ref(), key_algorithm.as_ref(), public_key, message, signature];
        // With their lengths before them, no two sets of fields are one text.
        let lengths = fields.map(|field| field.len().to_be_bytes());
        let domain: &[u8] = b"prooftrail/path-signature/v1";
        let parts: Vec<&[u8]> = [domain, lengths.as_flattened()].into_iter().chain(fields).collect();
        let id = SignatureId(self.crypto.sha256(&parts));
        if !self.issuers.knows_signature(&id) {
            self.algorithm.verify_signature(public_key, message, signature)?;
            self.issuers.insert_signature(id);
        }
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}
