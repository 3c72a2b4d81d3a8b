//! Signature lines. In: `— name base64(key id ‖ signature)`; out: name, key id and signature bytes, not yet verified.
//! C2SP signed-note, section "Signatures".

use std::fmt;

use crate::{
    base64_text,
    note::{InvalidKeyName, KeyName, VerifierKey},
};

/// What every signature line begins with: an em dash (U+2014) and a space.
pub(super) const LINE_PREFIX: &str = "— ";

/// The four bytes that tell apart the keys of one name. An identifier, not a commitment to the key.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId(pub [u8; KeyId::BYTES]);

impl KeyId {
    /// The length of an id in bytes.
    pub const BYTES: usize = 4;
}

/// Eight hexadecimal digits, as in a verifier key.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// One signature of a note, not verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// A signature by `key` made elsewhere, such as in hardware. `bytes` are what the signature type defines: 64 bytes
    /// for Ed25519; the time and the signature for a cosignature.
    #[must_use]
    pub fn new(key: &VerifierKey, bytes: Vec<u8>) -> Self {
        Self { name: key.name().clone(), id: key.id(), bytes }
    }

    /// Reads a signature line without its newline.
    ///
    /// # Errors
    /// [`InvalidSignatureLine`].
    pub fn parse(line: &str) -> Result<Self, InvalidSignatureLine> {
        let fields = line.strip_prefix(LINE_PREFIX).ok_or(InvalidSignatureLine::NoEmDash)?;
        let (name, signature) = fields.split_once(' ').ok_or(InvalidSignatureLine::NoSignature)?;
        let name = KeyName::new(name)?;
        let blob = base64_text::decode(signature).ok_or(InvalidSignatureLine::Base64)?;
        match blob.split_first_chunk() {
            Some((id, bytes)) if !bytes.is_empty() => Ok(Self { name, id: KeyId(*id), bytes: bytes.to_vec() }),
            _ => Err(InvalidSignatureLine::TooShort { have: blob.len() }),
        }
    }

    /// Who claims to have signed.
    #[must_use]
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// Which of that name's keys.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature, without the key id.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The signature line without its newline. Inverse of [`NoteSignature::parse`].
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.id.0.as_slice(), &self.bytes].concat();
        write!(f, "{LINE_PREFIX}{} {}", self.name, base64_text::encode(&blob))
    }
}

/// Why a line is not a signature line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSignatureLine {
    /// It does not begin with an em dash and a space.
    #[error("it does not begin with an em dash and a space")]
    NoEmDash,
    /// Nothing follows the name.
    #[error("it has no signature after the key name")]
    NoSignature,
    /// The name is none.
    #[error(transparent)]
    KeyName(#[from] InvalidKeyName),
    /// The signature is not canonical base64.
    #[error("the signature is not canonical base64")]
    Base64,
    /// The signature is too short for a key id and at least one byte.
    #[error("{have} bytes are too few for a key id and a signature")]
    TooShort {
        /// Its length in bytes, the key id included.
        have: usize,
    },
}
