//! Hashes of the Merkle tree. In: entries and child hashes; out: SHA-256 with the domain separation of RFC 6962
//! section 2.1 (a leaf is hashed under 0x00, an interior node under 0x01).

use std::fmt;

use sha2::{Digest, Sha256};

use crate::base64_text;

/// The hash of a leaf, of an interior node or of a whole tree: 32 bytes of SHA-256. Public, so compared in plain time.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hash([u8; Hash::BYTES]);

impl Hash {
    /// The length of a hash in bytes.
    pub const BYTES: usize = 32;

    /// The root of the tree without leaves: SHA-256 of no bytes.
    pub const EMPTY_ROOT: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
        0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// A hash from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The hash of the leaf that holds `entry`.
    #[must_use]
    pub fn of_leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
    }

    /// The hash of the interior node above `left` and `right`.
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let node = Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0);
        Self(node.finalize().into())
    }

    /// Reads the 44 characters of base64 in which checkpoints and proof files write a hash.
    ///
    /// # Errors
    /// [`InvalidHash`] unless `text` is canonical base64 of 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, InvalidHash> {
        // The length is checked first, so that nothing is allocated for a text that cannot be a hash.
        let wrong_length = || InvalidHash::Length { characters: text.len() };
        if text.len() != Self::BASE64_CHARACTERS {
            return Err(wrong_length());
        }
        let bytes = base64_text::decode(text).ok_or(InvalidHash::Base64)?;
        bytes.try_into().map(Self).map_err(|_| wrong_length())
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    const BASE64_CHARACTERS: usize = 44;
}

/// Base64, as checkpoints and proof files write it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64_text::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Why a text is not a hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHash {
    /// Not the length of 32 bytes in base64.
    #[error("{characters} bytes of text are not a hash of 32 bytes in base64")]
    Length {
        /// The length of the text in bytes.
        characters: usize,
    },
    /// Not base64, or not its canonical spelling.
    #[error("the hash is not canonical base64")]
    Base64,
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::{Hash, InvalidHash};

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(Hash::EMPTY_ROOT.as_bytes().as_slice(), Sha256::digest([]).as_slice());
        assert_eq!(Hash::from_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), Ok(Hash::EMPTY_ROOT));
    }

    #[test]
    fn a_leaf_is_no_node() {
        let (left, right) = (Hash::of_leaf(b"left"), Hash::of_leaf(b"right"));
        let children = [left.as_bytes().as_slice(), right.as_bytes()].concat();
        assert_ne!(Hash::of_leaf(&children), Hash::of_node(&left, &right));
    }

    #[test]
    fn a_hash_has_one_spelling() {
        for (text, reason) in [
            ("", InvalidHash::Length { characters: 0 }),
            ("47DEQpj8HBSa", InvalidHash::Length { characters: 12 }),
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", InvalidHash::Length { characters: 43 }),
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", InvalidHash::Base64), // bits after the last byte
            ("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", InvalidHash::Base64), // the URL alphabet
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA", InvalidHash::Length { characters: 44 }),
        ] {
            assert_eq!(Hash::from_base64(text), Err(reason), "{text}");
        }
    }
}
