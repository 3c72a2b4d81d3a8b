//! The bytes of a ciphertext. In: the value of a secret column; out: its parts; and back. docs/archive.md, section
//! "Envelope".
//!
//! ```text
//! 1 version = 1 │ 16 data key's id │ 12 nonce │ 2 length of the place, big-endian │ place │ ciphertext │ 16 tag
//! ```
//!
//! The place stands in the clear so that a ciphertext which was moved says from where. What is authenticated is not this
//! copy but the place that the reader expects: a copy that was changed along with the row does not open.

use minicbor::{Decoder, Encoder, decode, encode};

use super::SecretError;

/// The version of the envelope.
const VERSION: u8 = 1;

/// The longest secret in bytes.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The longest place in bytes, encoded.
pub const MAX_PLACE_BYTES: usize = 4 * 1024;

/// The most byte strings in a context.
const MAX_CONTEXT: usize = 16;

const KEY_ID_BYTES: usize = 16;
pub(super) const NONCE_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;

/// The longest envelope in bytes.
pub const MAX_ENVELOPE_BYTES: usize =
    1 + KEY_ID_BYTES + NONCE_BYTES + 2 + MAX_PLACE_BYTES + MAX_SECRET_BYTES + TAG_BYTES;

/// What the associated data begin with: no other use of a data key has the same.
const DOMAIN: &str = "prooftrail/column/v1";

/// A data key's name.
pub type KeyId = [u8; KEY_ID_BYTES];

/// Where a secret is kept. A ciphertext opens only where every part is the one it was made for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place<'a> {
    /// The tenant.
    pub project: &'a str,
    /// The table.
    pub table: &'a str,
    /// The row's identity in its table, which never changes.
    pub row: &'a [u8],
    /// The column.
    pub column: &'a str,
    /// Which version of the value it is; an older one put back does not open as the newer.
    pub version: u64,
    /// What else the secret must not be parted from, such as the lineage of the policy that a key is named to.
    pub context: Vec<&'a [u8]>,
}

/// A part of a place.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// The tenant.
    Project,
    /// The table.
    Table,
    /// The row.
    Row,
    /// The column.
    Column,
    /// The version.
    Version,
    /// The further context.
    Context,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Project => "project",
            Self::Table => "table",
            Self::Row => "row",
            Self::Column => "column",
            Self::Version => "version",
            Self::Context => "context",
        })
    }
}

pub(super) type Written = Result<(), encode::Error<std::convert::Infallible>>;

impl<'a> Place<'a> {
    /// The place as deterministic CBOR: `[project, table, row, column, version, [context …]]`.
    ///
    /// # Errors
    /// [`SecretError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, SecretError> {
        let too_long = |what, have, max| Err(SecretError::TooLong { what, have, max });
        if self.context.len() > MAX_CONTEXT {
            return too_long("a context", self.context.len(), MAX_CONTEXT);
        }
        let bytes = written(|encoder| {
            encoder.array(6)?;
            self.encode_parts(encoder)
        });
        if bytes.len() > MAX_PLACE_BYTES {
            return too_long("a place", bytes.len(), MAX_PLACE_BYTES);
        }
        Ok(bytes)
    }

    /// Reads a place: inverse of [`Place::encode`].
    fn decode(bytes: &'a [u8]) -> Result<Self, SecretError> {
        let place = Self::decode_parts(bytes).map_err(|_| SecretError::Shape)?;
        // One place has one encoding.
        if place.encode()? == bytes { Ok(place) } else { Err(SecretError::Shape) }
    }

    fn decode_parts(bytes: &'a [u8]) -> Result<Self, decode::Error> {
        let shape = || decode::Error::message("shape");
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != Some(6) {
            return Err(shape());
        }
        let (project, table, row) = (decoder.str()?, decoder.str()?, decoder.bytes()?);
        let (column, version) = (decoder.str()?, decoder.u64()?);
        let count =
            decoder.array()?.and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= MAX_CONTEXT);
        let context = (0..count.ok_or_else(shape)?).map(|_| decoder.bytes()).collect::<Result<_, _>>()?;
        Ok(Self { project, table, row, column, version, context })
    }

    /// The associated data: `["prooftrail/column/v1", key id, project, table, row, column, version, [context …]]`.
    pub(super) fn associated_data(&self, key: &KeyId) -> Vec<u8> {
        written(|encoder| {
            encoder.array(8)?.str(DOMAIN)?.bytes(key)?;
            self.encode_parts(encoder)
        })
    }

    fn encode_parts(&self, encoder: &mut Encoder<Vec<u8>>) -> Written {
        let Self { project, table, row, column, version, context } = self;
        encoder.str(project)?.str(table)?.bytes(row)?.str(column)?.u64(*version)?;
        encoder.array(u64::try_from(context.len()).unwrap_or(u64::MAX))?;
        context.iter().try_for_each(|bytes| encoder.bytes(bytes).map(|_| ()))
    }

    /// The first part in which `self` and `other` differ.
    fn difference(&self, other: &Self) -> Option<Part> {
        let Self { project, table, row, column, version, context } = self;
        [
            (Part::Project, *project == other.project),
            (Part::Table, *table == other.table),
            (Part::Column, *column == other.column),
            (Part::Row, *row == other.row),
            (Part::Version, *version == other.version),
            (Part::Context, *context == other.context),
        ]
        .into_iter()
        .find_map(|(part, is_same)| (!is_same).then_some(part))
    }
}

#[expect(clippy::expect_used, reason = "a Vec takes every byte")]
pub(super) fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(192));
    write(&mut encoder).expect("writing to memory does not fail");
    encoder.into_writer()
}

/// An envelope, in parts. None of them is authentic.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope<'a> {
    /// The data key that made it.
    pub key: KeyId,
    pub(super) nonce: [u8; NONCE_BYTES],
    /// The place it says it was made for.
    pub place: Place<'a>,
    /// Ciphertext and tag.
    pub(super) sealed: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads the value of a secret column.
    ///
    /// # Errors
    /// [`SecretError::TooLong`], [`SecretError::Version`], [`SecretError::Shape`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SecretError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(SecretError::TooLong { what: "an envelope", have: bytes.len(), max: MAX_ENVELOPE_BYTES });
        }
        let (version, rest) = bytes.split_first().ok_or(SecretError::Shape)?;
        if *version != VERSION {
            return Err(SecretError::Version { have: *version });
        }
        let (key, rest) = rest.split_first_chunk().ok_or(SecretError::Shape)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(SecretError::Shape)?;
        let (length, rest) = rest.split_first_chunk().ok_or(SecretError::Shape)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (place, sealed) = rest.split_at_checked(length).ok_or(SecretError::Shape)?;
        if !(TAG_BYTES..=TAG_BYTES + MAX_SECRET_BYTES).contains(&sealed.len()) {
            return Err(SecretError::Shape);
        }
        Ok(Self { key: *key, nonce: *nonce, place: Place::decode(place)?, sealed })
    }

    /// The bytes. Inverse of [`Envelope::parse`].
    ///
    /// # Errors
    /// [`SecretError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, SecretError> {
        let Self { key, nonce, place, sealed } = self;
        let place = place.encode()?;
        let length = u16::try_from(place.len()).map_err(|_| SecretError::Shape)?;
        Ok([&prefix(key)[..], nonce, &length.to_be_bytes(), &place, sealed].concat())
    }

    /// Refuses an envelope that was made for another place than the one it was found at.
    pub(super) fn check_place(&self, found_at: &Place<'_>) -> Result<(), SecretError> {
        match self.place.difference(found_at) {
            Some(part) => Err(SecretError::Moved { part }),
            None => Ok(()),
        }
    }
}

/// The bytes with which every envelope of this version made under `key` begins.
pub(super) fn prefix(key: &KeyId) -> [u8; 1 + KEY_ID_BYTES] {
    let mut prefix = [VERSION; 1 + KEY_ID_BYTES];
    let (_, id) = prefix.split_at_mut(1);
    id.copy_from_slice(key);
    prefix
}

#[cfg(test)]
mod tests {
    use super::{Envelope, MAX_ENVELOPE_BYTES, MAX_PLACE_BYTES, Place};
    use crate::secrets::SecretError;

    fn place() -> Place<'static> {
        Place { project: "p", table: "t", row: b"r", column: "c", version: 1, context: vec![b"x"] }
    }

    #[test]
    fn each_defect_has_its_reason() {
        let envelope = Envelope { key: [7; 16], nonce: [9; 12], place: place(), sealed: &[3; 20] };
        let good = envelope.encode().unwrap();
        // The test vector of docs/archive.md.
        let vector = "01".to_owned() + &"07".repeat(16) + &"09".repeat(12) + "000d8661706174417261630181417803";
        assert!(hex::encode(&good).starts_with(&vector), "{}", hex::encode(&good));
        assert_eq!(Envelope::parse(&good), Ok(envelope));
        let edit = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        for (bytes, reason) in [
            (Vec::new(), SecretError::Shape),
            (edit(0, 0), SecretError::Version { have: 0 }),
            (edit(0, 2), SecretError::Version { have: 2 }),
            (good[..good.len() - 5].to_vec(), SecretError::Shape), // less than a tag
            (good[..40].to_vec(), SecretError::Shape),
            (edit(30, 12), SecretError::Shape), // the place ends early
            (edit(30, 14), SecretError::Shape), // a byte follows the place
            (edit(29, 1), SecretError::Shape),  // the place is longer than the envelope
            (edit(31, 0x85), SecretError::Shape),
            (edit(40, 0x20), SecretError::Shape), // version −1
            (edit(41, 0x91), SecretError::Shape), // seventeen contexts
            ([&good[..], &[0; 65_536]].concat(), SecretError::Shape),
            (
                vec![1; MAX_ENVELOPE_BYTES + 1],
                SecretError::TooLong { what: "an envelope", have: MAX_ENVELOPE_BYTES + 1, max: MAX_ENVELOPE_BYTES },
            ),
        ] {
            assert_eq!(Envelope::parse(&bytes), Err(reason), "{}", hex::encode(&bytes[..bytes.len().min(64)]));
        }
        // A version in two bytes is a second spelling of the same place.
        let longer = [&good[..30], &[14], &good[31..40], &[0x18, 0x01], &good[41..]].concat();
        assert_eq!(Envelope::parse(&longer), Err(SecretError::Shape));
    }

    #[test]
    fn places_are_capped() {
        let row = vec![0; MAX_PLACE_BYTES];
        let refused = Place { row: &row, ..place() }.encode().unwrap_err();
        assert!(matches!(refused, SecretError::TooLong { what: "a place", .. }), "{refused}");
        let refused = Place { context: vec![b""; 17], ..place() }.encode().unwrap_err();
        assert_eq!(refused, SecretError::TooLong { what: "a context", have: 17, max: 16 });
    }
}
