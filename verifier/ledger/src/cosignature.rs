//! Cosignatures: a cosigner's statement of when it saw a checkpoint that is consistent with all it saw before. In: a
//! checkpoint and a time; out: the bytes that are signed, and the signature. C2SP tlog-cosignature.
//!
//! Verification is [`crate::Note::verify`] with a key of type 0x04 or 0x06.

use ed25519_dalek::{Signer as _, SigningKey};

use crate::{
    Checkpoint, Hash, VerifierKey,
    merkle::Subtree,
    note::{KeyName, NoteSignature, VerifierKeyError},
};

/// The latest time that a cosignature may state, in seconds since the Unix epoch: 2^63 − 1.
pub const MAX_TIME: u64 = (1 << 63) - 1;

/// A cosigner's private key for Ed25519 cosignatures. It has no `Debug`, and its bytes are wiped when it is dropped.
///
/// The signed message does not name the cosigner: one key must not serve two.
pub struct Cosigner {
    key: SigningKey,
    verifier: VerifierKey,
}

impl Cosigner {
    /// The cosigner with the private key `seed` (RFC 8032, section 5.1.5), named `name`.
    ///
    /// # Errors
    /// [`VerifierKeyError::InvalidKey`] if the public key is of small order, which no seed is known to give.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::ed25519_cosignature(name, key.verifying_key().as_bytes())?;
        Ok(Self { key, verifier })
    }

    /// The key that verifies its cosignatures.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Cosigns `checkpoint` at `time`, in seconds since the Unix epoch.
    ///
    /// That the checkpoint is the log's, and consistent with the last one cosigned, is for the caller to have checked.
    ///
    /// # Errors
    /// [`CosignatureError::Time`].
    pub fn cosign(&self, checkpoint: &Checkpoint, time: u64) -> Result<NoteSignature, CosignatureError> {
        let message = ed25519_message(checkpoint, time)?;
        let signature = self.key.sign(&message).to_bytes();
        let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
        Ok(NoteSignature::new(&self.verifier, bytes))
    }
}

/// What an Ed25519 cosignature of `checkpoint` signs, its extension lines included.
///
/// # Errors
/// [`CosignatureError::Time`].
pub fn ed25519_message(checkpoint: &Checkpoint, time: u64) -> Result<Vec<u8>, CosignatureError> {
    check_time(time)?;
    Ok(format!("cosignature/v1\ntime {time}\n{checkpoint}").into_bytes())
}

/// What an ML-DSA-44 cosignature of `checkpoint` signs. Its extension lines are not covered.
///
/// # Errors
/// [`CosignatureError`].
pub fn ml_dsa_44_message(cosigner: &KeyName, checkpoint: &Checkpoint, time: u64) -> Result<Vec<u8>, CosignatureError> {
    let whole = Subtree::prefix(checkpoint.size());
    ml_dsa_44_subtree_message(cosigner, checkpoint.origin(), whole, &checkpoint.root(), time)
}

/// What an ML-DSA-44 cosignature of the subtree `subtree` with the root `root` signs. `time` is 0 where the cosigner
/// does not say that this is the largest tree it has seen, and always for a subtree that does not start at leaf 0.
///
/// # Errors
/// [`CosignatureError`].
pub fn ml_dsa_44_subtree_message(
    cosigner: &KeyName,
    origin: &str,
    subtree: Subtree,
    root: &Hash,
    time: u64,
) -> Result<Vec<u8>, CosignatureError> {
    check_time(time)?;
    if subtree.start() != 0 && time != 0 {
        return Err(CosignatureError::SubtreeTime { start: subtree.start(), time });
    }
    let length = |text: &str| u8::try_from(text.len()).map_err(|_| CosignatureError::NameTooLong { have: text.len() });
    let mut message = b"subtree/v1\n\0".to_vec();
    message.push(length(cosigner.as_str())?);
    message.extend(cosigner.as_str().as_bytes());
    message.extend(time.to_be_bytes());
    message.push(length(origin)?);
    message.extend(origin.as_bytes());
    message.extend(subtree.start().to_be_bytes());
    message.extend(subtree.end().to_be_bytes());
    message.extend(root.as_bytes());
    Ok(message)
}

/// Parts a `timestamped_signature` into the time and the signature itself.
pub(crate) fn split_time(bytes: &[u8]) -> Result<(u64, &[u8]), CosignatureError> {
    let (time, signature) = bytes.split_first_chunk().ok_or(CosignatureError::TooShort { have: bytes.len() })?;
    Ok((u64::from_be_bytes(*time), signature))
}

const fn check_time(time: u64) -> Result<(), CosignatureError> {
    if time > MAX_TIME { Err(CosignatureError::Time { time }) } else { Ok(()) }
}

/// Why something cannot be a cosignature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CosignatureError {
    /// Not even the time is all there.
    #[error("{have} bytes are too few for the time of a cosignature")]
    TooShort {
        /// The length of the signature in bytes.
        have: usize,
    },
    /// The time is beyond [`MAX_TIME`].
    #[error("the cosignature's time {time} is beyond 2^63 - 1")]
    Time {
        /// The time, in seconds since the Unix epoch.
        time: u64,
    },
    /// A cosignature of a subtree that does not start at leaf 0 states a time.
    #[error("a cosignature of a subtree from leaf {start} states the time {time}")]
    SubtreeTime {
        /// The index of the subtree's first leaf.
        start: u64,
        /// The time, in seconds since the Unix epoch.
        time: u64,
    },
    /// The cosigner's name or the log's origin does not fit the message.
    #[error("a cosigner's name or an origin of {have} bytes is longer than 255")]
    NameTooLong {
        /// Its length in bytes.
        have: usize,
    },
}
