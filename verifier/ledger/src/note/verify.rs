//! Verifying a note. In: a note and the keys one knows; out: its text with the signatures of those keys, or the reason.
//! C2SP signed-note, section "Signatures"; C2SP tlog-cosignature for the cosignature types.
//!
//! Signatures of unknown keys are ignored. A signature that names a known key must verify, or the whole note is refused,
//! however many others verify: no legitimate party produces such a note. Several signatures of one key are all
//! verified and all reported; whoever counts signers counts keys.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{
    Checkpoint,
    checkpoint::CheckpointError,
    cosignature::{self, CosignatureError},
    note::{KeyId, KeyName, Note, NoteSignature, NoteText, VerifierKey, verifier_key::PublicKey},
};

impl Note {
    /// Verifies every signature that names one of `keys`.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify<'a>(&'a self, keys: &[&'a VerifierKey]) -> Result<VerifiedNote<'a>, VerifyError> {
        let mut signatures = Vec::new();
        for signature in &self.signatures {
            let mut named =
                keys.iter().copied().filter(|key| key.name() == signature.name() && key.id() == signature.id());
            let Some(key) = named.next() else { continue };
            let context =
                |reason| VerifyError::Signature { name: signature.name().clone(), id: signature.id(), reason };
            // The id is four bytes: two keys can share it, and then the note does not say which one signed.
            if named.any(|other| other != key) {
                return Err(context(SignatureError::AmbiguousKey));
            }
            let time = verify_signature(&self.text, signature, key).map_err(context)?;
            signatures.push(VerifiedSignature { key, time });
        }
        if signatures.is_empty() {
            return Err(VerifyError::NoKnownSignature);
        }
        Ok(VerifiedNote { text: &self.text, signatures })
    }
}

/// A note's text with the signatures over it that verified, at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedNote<'a> {
    text: &'a NoteText,
    signatures: Vec<VerifiedSignature<'a>>,
}

impl<'a> VerifiedNote<'a> {
    /// The text that was signed.
    #[must_use]
    pub const fn text(&self) -> &'a NoteText {
        self.text
    }

    /// The signatures that verified, in the order of the note. One key may have several.
    #[must_use]
    pub fn signatures(&self) -> &[VerifiedSignature<'a>] {
        &self.signatures
    }
}

/// A signature that verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct VerifiedSignature<'a> {
    /// The key that made it.
    pub key: &'a VerifierKey,
    /// When it was made, in seconds since the Unix epoch, as the signer says. Only cosignatures say it, and one of
    /// ML-DSA-44 need not.
    pub time: Option<u64>,
}

/// Verifies one signature and returns the time it states.
fn verify_signature(
    text: &NoteText,
    signature: &NoteSignature,
    key: &VerifierKey,
) -> Result<Option<u64>, SignatureError> {
    match &key.key {
        PublicKey::Ed25519(public_key) => {
            verify_ed25519(public_key, text.as_str().as_bytes(), signature.bytes())?;
            Ok(None)
        }
        PublicKey::Ed25519Cosignature(public_key) => {
            let (time, bytes) = cosignature::split_time(signature.bytes())?;
            let message = cosignature::ed25519_message(&Checkpoint::parse(text)?, time)?;
            verify_ed25519(public_key, &message, bytes)?;
            Ok(Some(time))
        }
        #[cfg(feature = "ml-dsa")]
        PublicKey::MlDsa44Cosignature(public_key) => {
            let (time, bytes) = cosignature::split_time(signature.bytes())?;
            let message = cosignature::ml_dsa_44_message(key.name(), &Checkpoint::parse(text)?, time)?;
            verify_ml_dsa_44(public_key, &message, bytes)?;
            Ok((time != 0).then_some(time))
        }
    }
}

fn verify_ed25519(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let bytes = signature
        .try_into()
        .map_err(|_| SignatureError::Length { have: signature.len(), need: Signature::BYTE_SIZE })?;
    key.verify_strict(message, &Signature::from_bytes(bytes)).map_err(|_| SignatureError::Invalid)
}

#[cfg(feature = "ml-dsa")]
fn verify_ml_dsa_44(
    key: &[u8; super::verifier_key::ML_DSA_44_KEY_BYTES],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    use ml_dsa::{EncodedSignature, MlDsa44, Signature, VerifyingKey};

    const SIGNATURE_BYTES: usize = 2420;
    let encoded = EncodedSignature::<MlDsa44>::try_from(signature)
        .map_err(|_| SignatureError::Length { have: signature.len(), need: SIGNATURE_BYTES })?;
    let signature = Signature::<MlDsa44>::decode(&encoded).ok_or(SignatureError::Invalid)?;
    let key = VerifyingKey::<MlDsa44>::decode(&(*key).into());
    // FIPS 204's context is empty; the message begins with its own label.
    if key.verify_with_context(message, &[], &signature) { Ok(()) } else { Err(SignatureError::Invalid) }
}

/// Why a note is refused although it is well-formed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// No signature is by a known key.
    #[error("no known key has signed the note")]
    NoKnownSignature,
    /// A signature that names a known key does not verify.
    #[error("the signature of {name} with key id {id}: {reason}")]
    Signature {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
        /// What is wrong with it.
        reason: SignatureError,
    },
}

/// What is wrong with one signature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is not by that key over this text.
    #[error("it does not verify")]
    Invalid,
    /// It has not the length of its type.
    #[error("it has {have} bytes instead of {need}")]
    Length {
        /// Its length in bytes.
        have: usize,
        /// The length of such signatures in bytes.
        need: usize,
    },
    /// Two different known keys share the name and id.
    #[error("two known keys have this name and id")]
    AmbiguousKey,
    /// The time of a cosignature, or what it signs, is not as the format demands.
    #[error(transparent)]
    Cosignature(#[from] CosignatureError),
    /// The key signs checkpoints, and the text is none.
    #[error("the text is not a checkpoint: {0}")]
    NotACheckpoint(#[from] CheckpointError),
}
