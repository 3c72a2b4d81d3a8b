//! The release key: an Ed25519 key pair of the service, apart from the log's. Anyone can seal to a public key, so the agent
//! opens nothing that this key did not sign; its public half is in the agent's measured image or configuration.

use ed25519_dalek::{SigningKey, VerifyingKey};

use crate::{
    cbor::Writer,
    digest::sha256,
    malformed::Malformed,
    signature::{BadSignature, Signature, public_key},
};

/// What stands before the message.
const DOMAIN: &[u8] = b"prooftrail/release-signature/v1\0";

/// The private half. It has no `Debug` and is wiped when dropped.
pub struct ReleaseKey(SigningKey);

/// The public half: 32 bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ReleasePublic(VerifyingKey);

/// `[S, SHA-256(sealed)]`.
fn message(terms: &[u8], sealed_sha256: &[u8; 32]) -> Vec<u8> {
    let mut out = Writer::array(2);
    out.bytes(terms).bytes(sealed_sha256);
    out.finish()
}

impl ReleaseKey {
    /// The key with that seed: 32 bytes of chance. The caller wipes its own copy.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> ReleasePublic {
        ReleasePublic(self.0.verifying_key())
    }

    /// Signs encoded terms and a sealed key.
    #[must_use]
    pub fn sign(&self, terms: &[u8], sealed: &[u8]) -> Signature {
        Signature::of(&self.0, DOMAIN, &message(terms, &sha256(&[sealed])))
    }
}

impl ReleasePublic {
    /// The key with those bytes.
    ///
    /// # Errors
    /// [`Malformed`] where they are no point of the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Malformed> {
        public_key(bytes, "release key").map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Verifies the signature over encoded terms and a sealed key.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, terms: &[u8], sealed: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.verify_digest(terms, &sha256(&[sealed]), signature)
    }

    /// The same for whoever has only the sealed key's SHA-256, as the ledger's record does.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify_digest(
        &self,
        terms: &[u8],
        sealed_sha256: &[u8; 32],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        signature.verify(&self.0, DOMAIN, &message(terms, sealed_sha256))
    }
}
