//! The text of a note: what is signed. In: text; out: text that a note can carry. C2SP signed-note, section "Format".

use std::fmt;

use crate::note::MAX_NOTE_BYTES;

/// Text that ends with a newline and has no other ASCII control character.
///
/// It means nothing until a signature over it has been verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoteText(String);

impl NoteText {
    /// A note's text.
    ///
    /// # Errors
    /// [`InvalidText`].
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        if text.len() > MAX_NOTE_BYTES {
            return Err(InvalidText::TooLong { have: text.len(), max: MAX_NOTE_BYTES });
        }
        if !text.ends_with('\n') {
            return Err(InvalidText::Unterminated);
        }
        // Only what is below U+0020 is forbidden; DEL is not.
        match text.bytes().find(|&byte| byte < b' ' && byte != b'\n') {
            Some(byte) => Err(InvalidText::ControlCharacter { byte }),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The text, its final newline included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text cannot be that of a note.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidText {
    /// It is larger than a note may be.
    #[error("the text has {have} bytes; at most {max} are accepted")]
    TooLong {
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// It does not end with a newline.
    #[error("the text does not end with a newline")]
    Unterminated,
    /// It has an ASCII control character other than a newline.
    #[error("the text has the control character 0x{byte:02x}")]
    ControlCharacter {
        /// The first such character.
        byte: u8,
    },
}
