//! Ed25519 signatures (RFC 8032). Each kind of message begins with a name of its own, so that no signature for one is a
//! signature for another.

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use thiserror::Error;

use crate::malformed::{Fault, Malformed};

/// A signature: 64 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signature(pub [u8; 64]);

/// A signature does not verify.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the signature does not verify")]
pub struct BadSignature;

impl Signature {
    /// Signs a message of a kind.
    pub(crate) fn of(key: &SigningKey, domain: &[u8], message: &[u8]) -> Self {
        Self(key.sign(&[domain, message].concat()).to_bytes())
    }

    /// Verifies strictly: canonical encodings, no key and no commitment of small order.
    pub(crate) fn verify(&self, key: &VerifyingKey, domain: &[u8], message: &[u8]) -> Result<(), BadSignature> {
        let signature = ed25519_dalek::Signature::from_bytes(&self.0);
        key.verify_strict(&[domain, message].concat(), &signature).map_err(|_| BadSignature)
    }
}

/// A public key that can verify at all: on the curve, and not of small order.
pub(crate) fn public_key(bytes: &[u8; 32], what: &'static str) -> Result<VerifyingKey, Malformed> {
    let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
    key.ok_or(Malformed::new(what, Fault::Field(what)))
}
