//! Signing notes with an Ed25519 key. In: a seed and text; out: signatures. C2SP signed-note, section "Ed25519
//! signatures". RFC 8032 signatures are deterministic: a signature can be made again and need not be stored.

use ed25519_dalek::{Signer as _, SigningKey};

use crate::note::{KeyName, NoteSignature, NoteText, VerifierKey, VerifierKeyError};

/// A log's private key. It has no `Debug`, and its bytes are wiped when it is dropped.
pub struct NoteSigner {
    key: SigningKey,
    verifier: VerifierKey,
}

impl NoteSigner {
    /// The signer with the private key `seed` (RFC 8032, section 5.1.5), named `name`.
    ///
    /// # Errors
    /// [`VerifierKeyError::InvalidKey`] if the public key is of small order, which no seed is known to give.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::ed25519(name, key.verifying_key().as_bytes())?;
        Ok(Self { key, verifier })
    }

    /// The key that verifies its signatures.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs `text`.
    #[must_use]
    pub fn sign(&self, text: &NoteText) -> NoteSignature {
        let signature = self.key.sign(text.as_str().as_bytes()).to_bytes().to_vec();
        NoteSignature::new(&self.verifier, signature)
    }
}
