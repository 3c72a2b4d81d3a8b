//! The two hash functions of the protocol.

use sha2::{Digest as _, Sha256, Sha384};

/// SHA-256 of parts that follow each other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
}

/// SHA-384 of parts that follow each other.
#[must_use]
pub fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    parts.iter().fold(Sha384::new(), Sha384::chain_update).finalize().into()
}
