//! The proof key: an Ed25519 key pair that the agent makes in TEE memory. The hardware signs its public half within the
//! context; it then signs what came of the release.

use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::{
    malformed::Malformed,
    proof_record::{ProofRecord, SignedProofRecord},
    session::SessionRequest,
    signature::{BadSignature, Signature, public_key},
};

/// The private half. It has no `Debug` and is wiped when dropped.
pub struct ProofKey(SigningKey);

/// The public half: 32 bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ProofPublic(VerifyingKey);

impl ProofKey {
    /// The key with that seed: 32 bytes of chance. The caller wipes its own copy.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> ProofPublic {
        ProofPublic(self.0.verifying_key())
    }

    /// Signs a record.
    #[must_use]
    pub fn sign(&self, record: &ProofRecord) -> SignedProofRecord {
        SignedProofRecord::signed_by(&self.0, record)
    }

    /// Signs a session's request for a further witness.
    #[must_use]
    pub fn sign_request(&self, request: &SessionRequest) -> Signature {
        Signature::of(&self.0, SessionRequest::DOMAIN, &request.encode())
    }
}

impl ProofPublic {
    /// The key with those bytes.
    ///
    /// # Errors
    /// [`Malformed`] where they are no point of the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        public_key(bytes, "proof key").map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Verifies a session's request.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify_request(&self, request: &SessionRequest, signature: &Signature) -> Result<(), BadSignature> {
        signature.verify(&self.0, SessionRequest::DOMAIN, &request.encode())
    }

    pub(crate) const fn key(&self) -> &VerifyingKey {
        &self.0
    }
}
