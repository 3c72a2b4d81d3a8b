//! The note as a whole. In: bytes; out: text and signatures, not verified, or the reason why they are no note. C2SP
//! signed-note, section "Format".
//!
//! Two caps bound the work before anything is copied: [`MAX_SIGNATURES`], counted from the end of the note, and
//! [`MAX_NOTE_BYTES`]. The specification demands room for 16 signatures of about 5 kB; here are 64 of 16 kB.

use std::{fmt, str::Utf8Error};

use crate::note::{
    InvalidSignatureLine, InvalidText, KeyId, NoteSignature, NoteSigner, NoteText, signature::LINE_PREFIX,
};

/// The longest note that is read, in bytes: 1 MiB.
pub const MAX_NOTE_BYTES: usize = 1 << 20;

/// The most signatures that a note may carry.
pub const MAX_SIGNATURES: usize = 64;

/// Text and signatures. Nothing about it is to be believed before [`Note::verify`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    pub(super) text: NoteText,
    pub(super) signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let signatures_start = find_signatures(bytes)?;
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong { have: bytes.len(), max: MAX_NOTE_BYTES });
        }
        let note = str::from_utf8(bytes)?;
        // A newline is the last byte before the signatures, so this is a boundary between characters.
        let (text, signatures) = note.split_at_checked(signatures_start).ok_or(NoteError::NoSignatures)?;
        let text = text.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let signatures = signatures
            .split_terminator('\n')
            .zip(1..)
            .map(|(line, number)| {
                NoteSignature::parse(line).map_err(|reason| NoteError::SignatureLine { number, reason })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { text: NoteText::new(text)?, signatures })
    }

    /// Signs `text`.
    ///
    /// # Errors
    /// [`NoteError::TooLong`] if the text leaves no room for a signature.
    pub fn sign(text: &NoteText, signer: &NoteSigner) -> Result<Self, NoteError> {
        let mut note = Self { text: text.clone(), signatures: Vec::new() };
        note.add_signature(signer.sign(text))?;
        Ok(note)
    }

    /// Adds a signature made elsewhere, such as by a cosigner. It is not verified.
    ///
    /// # Errors
    /// [`NoteError::TooManySignatures`] or [`NoteError::TooLong`] if the note is full; [`NoteError::SignatureLine`] if the
    /// signature has no bytes.
    pub fn add_signature(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures { max: MAX_SIGNATURES });
        }
        if signature.bytes().is_empty() {
            let reason = InvalidSignatureLine::TooShort { have: KeyId::BYTES };
            return Err(NoteError::SignatureLine { number: self.signatures.len() + 1, reason });
        }
        let have = self.to_string().len() + signature.to_string().len() + 1;
        if have > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong { have, max: MAX_NOTE_BYTES });
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The text, which nobody has vouched for yet.
    #[must_use]
    pub const fn unverified_text(&self) -> &NoteText {
        &self.text
    }

    /// The signatures, in their order, not verified.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }
}

/// The note's bytes. Inverse of [`Note::parse`].
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

/// Where the signature lines begin: after the last empty line.
///
/// It looks at lines from the end of the note and stops at the first that cannot be a signature, or at one too many.
fn find_signatures(bytes: &[u8]) -> Result<usize, NoteError> {
    let mut rest = bytes.strip_suffix(b"\n").ok_or(NoteError::Unterminated)?;
    for _ in 0..=MAX_SIGNATURES {
        let line_start = rest.iter().rposition(|&byte| byte == b'\n').ok_or(NoteError::NoSignatures)? + 1;
        let (before, line) = rest.split_at_checked(line_start).ok_or(NoteError::NoSignatures)?;
        if line.is_empty() && rest.len() + 1 < bytes.len() {
            return Ok(line_start + 1);
        }
        if !line.starts_with(LINE_PREFIX.as_bytes()) {
            return Err(NoteError::NoSignatures);
        }
        rest = before.strip_suffix(b"\n").unwrap_or(before);
    }
    Err(NoteError::TooManySignatures { max: MAX_SIGNATURES })
}

/// Why bytes are not a note.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// More bytes than [`MAX_NOTE_BYTES`].
    #[error("the note has {have} bytes; at most {max} are accepted")]
    TooLong {
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// More signatures than [`MAX_SIGNATURES`].
    #[error("the note has more than {max} signatures")]
    TooManySignatures {
        /// The cap.
        max: usize,
    },
    /// No newline at the end.
    #[error("the note does not end with a newline")]
    Unterminated,
    /// The note does not end with an empty line and signature lines.
    #[error("the note does not end with an empty line and signature lines")]
    NoSignatures,
    /// Not UTF-8.
    #[error("the note is not UTF-8 after byte {valid_up_to}")]
    Utf8 {
        /// The number of bytes that are.
        valid_up_to: usize,
    },
    /// A signature line that is none.
    #[error("signature line {number}: {reason}")]
    SignatureLine {
        /// Which one, counted from 1.
        number: usize,
        /// Why it is none.
        reason: InvalidSignatureLine,
    },
    /// The text before the signatures is not a note's.
    #[error(transparent)]
    Text(#[from] InvalidText),
}

impl From<Utf8Error> for NoteError {
    fn from(error: Utf8Error) -> Self {
        Self::Utf8 { valid_up_to: error.valid_up_to() }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError};
    use crate::note::{InvalidKeyName, InvalidSignatureLine, InvalidText};

    const LINE: &str = "— example.com/foo AAAAAAE=\n";

    #[test]
    fn notes_come_back_as_they_were() {
        for note in [
            format!("text\n\n{LINE}"),
            format!("text\n\n{LINE}{LINE}"),
            format!("\n\n{LINE}"),
            format!("first\n\n— not yet\n\n{LINE}"),
            format!("— a text that begins so\n\n{LINE}"),
            format!("żółw\u{7f}\n\n{}", LINE.repeat(MAX_SIGNATURES)),
        ] {
            assert_eq!(Note::parse(note.as_bytes()).unwrap().to_string(), note);
        }
    }

    #[test]
    fn each_defect_has_its_reason() {
        let control = |byte| NoteError::Text(InvalidText::ControlCharacter { byte });
        let line = |number, reason| NoteError::SignatureLine { number, reason };
        for (note, reason) in [
            (String::new(), NoteError::Unterminated),
            ("\n".to_owned(), NoteError::NoSignatures),
            ("\n\n".to_owned(), NoteError::NoSignatures),
            ("text\n".to_owned(), NoteError::NoSignatures),
            ("text\n\n".to_owned(), NoteError::NoSignatures),
            (LINE.to_owned(), NoteError::NoSignatures),
            (format!("\n{LINE}"), NoteError::NoSignatures),
            (format!("text\n{LINE}"), NoteError::NoSignatures),
            (format!("text\n\n{LINE}\n"), NoteError::NoSignatures),
            (format!("text\n\n{LINE}more\n"), NoteError::NoSignatures),
            (format!("text\n\n{}", LINE.trim_end()), NoteError::Unterminated),
            (format!("text\r\n\n{LINE}"), control(b'\r')),
            (format!("te\0xt\n\n{LINE}"), control(0)),
            (format!("text\n\n{}\r\n", LINE.trim_end()), line(1, InvalidSignatureLine::Base64)),
            (format!("text\n\n{LINE}— \n"), line(2, InvalidSignatureLine::NoSignature)),
            (format!("text\n\n—  AAAAAAE=\n{LINE}"), line(1, InvalidSignatureLine::KeyName(InvalidKeyName::Empty))),
            (
                "text\n\n— a+b AAAAAAE=\n".to_owned(),
                line(1, InvalidSignatureLine::KeyName(InvalidKeyName::Character { character: '+' })),
            ),
            ("text\n\n— a b AAAAAAE=\n".to_owned(), line(1, InvalidSignatureLine::Base64)),
            ("text\n\n— a AAAAAAE\n".to_owned(), line(1, InvalidSignatureLine::Base64)),
            ("text\n\n— a AAAAAAF=\n".to_owned(), line(1, InvalidSignatureLine::Base64)),
            ("text\n\n— a AAAAAA==\n".to_owned(), line(1, InvalidSignatureLine::TooShort { have: 4 })),
            ("text\n\n— a \n".to_owned(), line(1, InvalidSignatureLine::TooShort { have: 0 })),
        ] {
            assert_eq!(Note::parse(note.as_bytes()), Err(reason), "{note:?}");
        }
        let not_utf8 = [b"te\xff\n\n", LINE.as_bytes()].concat();
        assert_eq!(Note::parse(&not_utf8), Err(NoteError::Utf8 { valid_up_to: 2 }));
    }

    #[test]
    fn signatures_are_counted_before_anything_else() {
        let reason = NoteError::TooManySignatures { max: MAX_SIGNATURES };
        for count in [MAX_SIGNATURES + 1, 10_000, 100_000] {
            let note = format!("text\n\n{}", LINE.repeat(count));
            assert_eq!(Note::parse(note.as_bytes()), Err(reason), "{count}");
        }
        let mut note = Note::parse(format!("text\n\n{}", LINE.repeat(MAX_SIGNATURES)).as_bytes()).unwrap();
        let signature = note.signatures()[0].clone();
        assert_eq!(note.add_signature(signature), Err(reason));
    }

    #[test]
    fn the_longest_note_is_one_mebibyte() {
        let note = |length: usize| format!("{}\n\n{LINE}", "x".repeat(length - 2 - LINE.len()));
        assert!(Note::parse(note(MAX_NOTE_BYTES).as_bytes()).is_ok());
        let too_long = NoteError::TooLong { have: MAX_NOTE_BYTES + 1, max: MAX_NOTE_BYTES };
        assert_eq!(Note::parse(note(MAX_NOTE_BYTES + 1).as_bytes()), Err(too_long));
    }
}
