//! The leaf of the ledger. In: what happened, when, and a commitment to its record; out: the bytes that are hashed into
//! the tree; and back. docs/ledger.md, section "Entries".
//!
//! An entry is the CBOR array `[v, type, time, commitment]` in deterministic encoding (RFC 8949 section 4.2.1). The
//! record itself, and the salt without which its hash gives nothing away, are kept beside the ledger and can be erased.

use std::fmt;

use minicbor::{Decoder, Encoder, decode};
use prooftrail_ledger::{Hash, tiles::MAX_ENTRY_BYTES};
use sha2::{Digest, Sha256};

/// The version of the encoding.
const VERSION: u64 = 1;

/// What happened.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum EntryType {
    /// The log began.
    Genesis,
    /// A key was made, rotated or revoked.
    Key,
    /// A policy was proposed or came into force.
    Policy,
    /// Somebody approved something.
    Approval,
    /// A catalogue of reference values changed.
    Catalogue,
    /// A witness was released, or denied.
    Decision,
    /// A proof was registered.
    Proof,
    /// A release or a proof was revoked.
    Revocation,
    /// A report was made.
    Report,
    /// Something needs attention.
    Alert,
    /// A record was erased.
    Erasure,
    /// The log was taken up again after its database moved.
    Recovery,
}

impl EntryType {
    /// Every type. Its place is its number in an entry, so new ones go last.
    pub const ALL: [Self; 12] = [
        Self::Genesis,
        Self::Key,
        Self::Policy,
        Self::Approval,
        Self::Catalogue,
        Self::Decision,
        Self::Proof,
        Self::Revocation,
        Self::Report,
        Self::Alert,
        Self::Erasure,
        Self::Recovery,
    ];

    /// Its name, as the API and reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Key => "key",
            Self::Policy => "policy",
            Self::Approval => "approval",
            Self::Catalogue => "catalogue",
            Self::Decision => "decision",
            Self::Proof => "proof",
            Self::Revocation => "revocation",
            Self::Report => "report",
            Self::Alert => "alert",
            Self::Erasure => "erasure",
            Self::Recovery => "recovery",
        }
    }

    fn number(self) -> u64 {
        Self::ALL.iter().zip(0..).find_map(|(known, number)| (*known == self).then_some(number)).unwrap_or(u64::MAX)
    }
}

/// SHA-256(salt ‖ record): binds the ledger to a record that it does not show.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Commitment([u8; Commitment::BYTES]);

impl Commitment {
    /// Its length in bytes.
    pub const BYTES: usize = 32;

    /// The commitment to `record` under a salt of 32 random bytes.
    #[must_use]
    pub fn of(salt: &[u8; 32], record: &[u8]) -> Self {
        Self(Sha256::new().chain_update(salt).chain_update(record).finalize().into())
    }

    /// A commitment from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// Hexadecimal.
impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({})", hex::encode(self.0))
    }
}

/// An entry without its time, which the log gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Draft {
    /// What happened.
    pub entry_type: EntryType,
    /// The commitment to its record.
    pub commitment: Commitment,
}

/// An entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// What happened, and the commitment to its record.
    pub draft: Draft,
    /// When it was entered, in milliseconds since the Unix epoch; never before the entry to its left.
    pub time: u64,
}

impl Entry {
    /// The bytes that the tree's leaf holds. Inverse of [`Entry::decode`].
    #[must_use]
    #[expect(clippy::expect_used, reason = "a Vec takes every byte")]
    pub fn encode(&self) -> Vec<u8> {
        let Self { draft: Draft { entry_type, commitment }, time } = self;
        let mut encoder = Encoder::new(Vec::with_capacity(48));
        let encoded = encoder
            .array(4)
            .and_then(|encoder| encoder.u64(VERSION))
            .and_then(|encoder| encoder.u64(entry_type.number()))
            .and_then(|encoder| encoder.u64(*time))
            .and_then(|encoder| encoder.bytes(commitment.as_bytes()));
        encoded.expect("writing to memory does not fail");
        encoder.into_writer()
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong { have: bytes.len(), max: MAX_ENTRY_BYTES });
        }
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != Some(4) {
            return Err(EntryError::Shape);
        }
        let version = decoder.u64()?;
        if version != VERSION {
            return Err(EntryError::Version { have: version });
        }
        let number = decoder.u64()?;
        let known = usize::try_from(number).ok().and_then(|place| EntryType::ALL.get(place));
        let entry_type = *known.ok_or(EntryError::Type { have: number })?;
        let time = decoder.u64()?;
        let commitment = decoder.bytes()?;
        let commitment = commitment.try_into().map_err(|_| EntryError::Commitment { have: commitment.len() })?;
        let entry = Self { draft: Draft { entry_type, commitment: Commitment::new(commitment) }, time };
        // One entry has one encoding: whatever else these bytes do, they would be a second leaf for the same entry.
        if entry.encode() == bytes { Ok(entry) } else { Err(EntryError::NotDeterministic) }
    }

    /// The hash of its leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        Hash::of_leaf(&self.encode())
    }
}

/// Why bytes are not an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Longer than a bundle can hold.
    #[error("an entry has at most {max} bytes, not {have}")]
    TooLong {
        /// The number of bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// Not an array of a number, a number, a number and bytes.
    #[error("an entry is a CBOR array of version, type, time and commitment")]
    Shape,
    /// A version that this program does not know.
    #[error("version {have} of an entry is not known")]
    Version {
        /// The version.
        have: u64,
    },
    /// A type that this program does not know.
    #[error("type {have} of an entry is not known")]
    Type {
        /// The type's number.
        have: u64,
    },
    /// The commitment is not 32 bytes.
    #[error("a commitment has 32 bytes, not {have}")]
    Commitment {
        /// The number of bytes.
        have: usize,
    },
    /// Another encoding of an entry than the deterministic one, or bytes after it.
    #[error("the entry is not encoded deterministically, or bytes follow it")]
    NotDeterministic,
}

impl From<decode::Error> for EntryError {
    fn from(_: decode::Error) -> Self {
        Self::Shape
    }
}

#[cfg(test)]
mod tests {
    use super::{Commitment, Draft, Entry, EntryError, EntryType};

    /// The test vector of docs/ledger.md.
    const VECTOR: &str = "840105\
        1b0000019abcdef012\
        5820b4b4a5f1d5b1d4a4e5cd8f4c0f9d5d2f5b9ad8ac8ff6b1a5c0c9a7d2e3f40516";

    fn vector() -> Entry {
        let commitment = hex::decode(&VECTOR[28..]).unwrap().try_into().unwrap();
        let draft = Draft { entry_type: EntryType::Decision, commitment: Commitment::new(commitment) };
        Entry { draft, time: 0x19a_bcde_f012 }
    }

    #[test]
    fn an_entry_has_the_bytes_that_the_specification_gives_it() {
        assert_eq!(hex::encode(vector().encode()), VECTOR);
        assert_eq!(Entry::decode(&hex::decode(VECTOR).unwrap()), Ok(vector()));
        for entry_type in EntryType::ALL {
            for time in [0, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX] {
                let entry = Entry { draft: Draft { entry_type, ..vector().draft }, time };
                assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
            }
        }
        assert_eq!(
            hex::encode(Commitment::of(&[7; 32], b"record").as_bytes()),
            "3f87a7f9151c5139abd0c1cf700629ecaf739ce2425846a7c1654f70a1bf9d3f"
        );
    }

    #[test]
    fn each_defect_has_its_reason() {
        let good = hex::decode(VECTOR).unwrap();
        let edit = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        for (bytes, reason) in [
            (Vec::new(), EntryError::Shape),
            (good[..good.len() - 1].to_vec(), EntryError::Shape),
            ([good.clone(), vec![0]].concat(), EntryError::NotDeterministic),
            (edit(0, 0x85), EntryError::Shape),
            (edit(0, 0xa4), EntryError::Shape),
            (edit(1, 0), EntryError::Version { have: 0 }),
            (edit(1, 2), EntryError::Version { have: 2 }),
            (edit(2, 12), EntryError::Type { have: 12 }),
            (edit(2, 0x20), EntryError::Shape), // −1
            (edit(3, 0x3b), EntryError::Shape), // a time before 1970
            (edit(13, 0x1f), EntryError::Commitment { have: 31 }),
            // The version in two bytes; an array of indefinite length; a time that would fit fewer bytes.
            ([&good[..1], &[0x18, 0x01], &good[2..]].concat(), EntryError::NotDeterministic),
            ([&[0x9f], &good[1..], &[0xff]].concat(), EntryError::Shape),
            ([&good[..4], &[0; 8], &good[12..]].concat(), EntryError::NotDeterministic),
            (vec![0; 65_536], EntryError::TooLong { have: 65_536, max: 65_535 }),
            (vec![0x40; 65_535], EntryError::Shape),
        ] {
            assert_eq!(Entry::decode(&bytes), Err(reason), "{}", hex::encode(&bytes[..bytes.len().min(64)]));
        }
    }
}
