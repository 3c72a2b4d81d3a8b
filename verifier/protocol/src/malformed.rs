//! Why bytes are not what they should be. In: a parser's complaint; out: a typed error with a stable code.

use prooftrail_result::{Reason, ReasonCode};
use thiserror::Error;

/// Bytes, or text, that are not an encoding of what they should be.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{what}: {fault}")]
pub struct Malformed {
    /// What was to be read, such as `statement`.
    pub what: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an encoding.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// It is larger than its cap.
    #[error("{have} bytes, of at most {max}")]
    TooLarge {
        /// Its size in bytes.
        have: usize,
        /// The cap.
        max: usize,
    },
    /// It is not base64url without padding (RFC 4648, section 5).
    #[error("not base64url without padding")]
    Base64,
    /// It is not lower-case hexadecimal of the right length.
    #[error("not {0} bytes in lower-case hexadecimal")]
    Hex(usize),
    /// It is not JSON of the right form.
    #[error("not the JSON of that form: {0}")]
    Json(String),
    /// It is not CBOR of the right form.
    #[error("not the CBOR of that form, at `{0}`")]
    Cbor(&'static str),
    /// Bytes follow it.
    #[error("bytes follow the end")]
    Trailing,
    /// It is not the one deterministic encoding of what it says (RFC 8949, section 4.2).
    #[error("not its deterministic encoding")]
    NotDeterministic,
    /// Its first item names another structure, or another version.
    #[error("its first item is not {0}")]
    Domain(&'static str),
    /// A field's value is outside what the format allows.
    #[error("`{0}` has a value that the format does not allow")]
    Field(&'static str),
}

impl Malformed {
    /// What was to be read, and what is wrong with it.
    #[must_use]
    pub const fn new(what: &'static str, fault: Fault) -> Self {
        Self { what, fault }
    }

    /// The stable code of the fault. Codes are never renamed or reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.fault {
            Fault::TooLarge { .. } => "malformed.too_large",
            Fault::Base64 => "malformed.base64",
            Fault::Hex(_) => "malformed.hex",
            Fault::Json(_) => "malformed.json",
            Fault::Cbor(_) => "malformed.cbor",
            Fault::Trailing => "malformed.trailing_bytes",
            Fault::NotDeterministic => "malformed.not_deterministic",
            Fault::Domain(_) => "malformed.domain",
            Fault::Field(_) => "malformed.field",
        }
    }

    /// The same as a reason under `code`.
    #[must_use]
    pub fn reason(&self, code: ReasonCode) -> Reason {
        Reason::new(code, self.to_string())
    }
}
