//! Column encryption: what the store keeps but whoever reads its tables must not. In: a secret and the place it is kept
//! at; out: a ciphertext that opens at that place and nowhere else. docs/archive.md, section "Secret columns".
//!
//! | module | what for |
//! |---|---|
//! | [`envelope`] | the bytes of a ciphertext, and the place they are bound to |
//! | [`data_key`] | one key: AES-256-GCM, and how often it may be used |
//! | [`keyring`] | the keys that the database keeps wrapped: rotation and re-encryption |
//! | [`kek`] | the key-encryption key that wraps them, wherever that lives |
//! | [`kek_file`] | a key-encryption key in a file |

pub mod data_key;
pub mod envelope;
pub mod kek;
pub mod kek_file;
pub mod keyring;
mod reencrypt;

use zeroize::Zeroizing;

pub use self::{
    envelope::{Part, Place},
    kek::{KeyEncryption, KeyEncryptionError},
    kek_file::FileKek,
    keyring::{ColumnKeys, KeyringError},
    reencrypt::SecretColumn,
};

/// Bytes that are wiped when they are dropped, and that nothing prints.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes bytes; the caller keeps no other copy.
    #[must_use]
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Why a secret was not encrypted, or a ciphertext not opened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Longer than a secret, a place or a ciphertext may be.
    #[error("{what} has at most {max} bytes, not {have}")]
    TooLong {
        /// Which of them.
        what: &'static str,
        /// The number of bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// The bytes are no ciphertext of this program's.
    #[error("these bytes are no ciphertext of a secret column")]
    Shape,
    /// A version of the envelope that this program does not know.
    #[error("version {have} of the envelope is not known")]
    Version {
        /// The version.
        have: u8,
    },
    /// The ciphertext was made for another place: a row was swapped, copied or re-pointed.
    #[error("the ciphertext was made for another {part}")]
    Moved {
        /// The first part of the place that differs.
        part: Part,
    },
    /// It was made under a key that this process does not have. Another process may have rotated: refresh, try again.
    #[error("the data key {key} is not known")]
    UnknownKey {
        /// The key's id, in hexadecimal.
        key: String,
    },
    /// Key, place, nonce or ciphertext were changed since it was made.
    #[error("the ciphertext is not authentic under the key that it names")]
    NotAuthentic,
    /// No use of the first key is left to this process: refresh, which takes more of them or a new key.
    #[error("this process has used up its share of the data key")]
    Exhausted,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

impl SecretError {
    /// The stable code, as logs, metrics and problem documents carry it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "secret.too_long",
            Self::Shape => "secret.shape",
            Self::Version { .. } => "secret.version",
            Self::Moved { part } => match part {
                Part::Project => "secret.moved.project",
                Part::Table => "secret.moved.table",
                Part::Row => "secret.moved.row",
                Part::Column => "secret.moved.column",
                Part::Version => "secret.moved.version",
                Part::Context => "secret.moved.context",
            },
            Self::UnknownKey { .. } => "secret.key.unknown",
            Self::NotAuthentic => "secret.not_authentic",
            Self::Exhausted => "secret.key.exhausted",
            Self::Random => "secret.random",
        }
    }
}

/// Fills a new array with random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretError::Random)?;
    Ok(bytes)
}
