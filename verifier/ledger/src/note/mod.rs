//! Signed notes: text with the signatures of one or more keys. In: bytes and the keys one knows; out: the text with the
//! signatures that verified, or the reason. C2SP signed-note.
//!
//! [`Note::parse`] → [`Note::verify`] → [`VerifiedNote`]; a log signs with [`Note::sign`].

mod envelope;
mod key_name;
mod signature;
mod signer;
mod text;
mod verifier_key;
mod verify;

pub use envelope::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError};
pub use key_name::{InvalidKeyName, KeyName};
pub use signature::{InvalidSignatureLine, KeyId, NoteSignature};
pub use signer::NoteSigner;
pub use text::{InvalidText, NoteText};
pub use verifier_key::{SignatureType, VerifierKey, VerifierKeyError};
pub use verify::{SignatureError, VerifiedNote, VerifiedSignature, VerifyError};
