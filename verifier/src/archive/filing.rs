//! What is archived with an entry. In: a record, and the blobs it speaks of; out: a filing within every cap, and the
//! commitment that the entry makes to it.

use std::{collections::HashSet, fmt, sync::Arc};

use sha2::{Digest, Sha256};

use super::kind::{Kind, MAX_RECORD_BYTES, Retention};
use crate::{log::entry::Commitment, secrets};

/// The most blobs of one filing.
pub const MAX_BLOBS: usize = 256;

/// The most bytes of all blobs of one filing.
pub const MAX_FILING_BYTES: usize = 64 << 20;

/// The name of a blob: the SHA-256 of its content.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// The name of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// A name from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Hexadecimal.
impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Hexadecimal.
impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

/// Bytes to be archived, named once; clones share them.
#[derive(Clone)]
pub struct Blob {
    kind: Kind,
    id: BlobId,
    content: Arc<[u8]>,
}

impl Blob {
    /// Names `content`.
    ///
    /// # Errors
    /// [`FilingError::BlobTooLong`].
    pub fn new(kind: Kind, content: impl Into<Arc<[u8]>>) -> Result<Self, FilingError> {
        let content = content.into();
        let (have, max) = (content.len(), kind.max_bytes());
        if have > max {
            return Err(FilingError::BlobTooLong { kind, have, max });
        }
        Ok(Self { kind, id: BlobId::of(&content), content })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> BlobId {
        self.id
    }

    pub(super) const fn id_bytes(&self) -> &[u8] {
        self.id.0.as_slice()
    }

    /// Its bytes.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

/// A record and the salt under which the ledger commits to it.
#[derive(Clone)]
pub struct Record {
    /// 32 random bytes: without them the commitment says nothing of a record that could be guessed.
    pub salt: [u8; 32],
    /// The record.
    pub bytes: Vec<u8>,
}

impl Record {
    /// The record `bytes` under a new salt.
    ///
    /// # Errors
    /// [`FilingError::Random`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, FilingError> {
        Ok(Self { salt: secrets::random().map_err(|_| FilingError::Random)?, bytes })
    }

    /// What the ledger's entry holds.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment::of(&self.salt, &self.bytes)
    }
}

/// What is archived with one entry.
#[derive(Clone)]
pub struct Filing {
    pub(super) project: String,
    pub(super) retention: Retention,
    pub(super) record: Record,
    pub(super) blobs: Vec<Blob>,
    pub(super) named: Vec<BlobId>,
}

impl Filing {
    /// A record without blobs.
    ///
    /// # Errors
    /// [`FilingError::RecordTooLong`].
    pub fn new(project: &str, retention: Retention, record: Record) -> Result<Self, FilingError> {
        let have = record.bytes.len();
        if have > MAX_RECORD_BYTES {
            return Err(FilingError::RecordTooLong { have, max: MAX_RECORD_BYTES });
        }
        Ok(Self { project: project.to_owned(), retention, record, blobs: Vec::new(), named: Vec::new() })
    }

    /// Adds blobs that the record speaks of; of equal ones, the first.
    ///
    /// # Errors
    /// [`FilingError::TooManyBlobs`], [`FilingError::BlobsTooLong`].
    pub fn with_blobs(mut self, blobs: impl IntoIterator<Item = Blob>) -> Result<Self, FilingError> {
        self.blobs.extend(blobs);
        let mut seen = HashSet::new();
        self.blobs.retain(|blob| seen.insert(blob.id));
        let have = self.blobs.iter().map(|blob| blob.content.len()).fold(0, usize::saturating_add);
        if have > MAX_FILING_BYTES {
            return Err(FilingError::BlobsTooLong { have, max: MAX_FILING_BYTES });
        }
        self.checked()
    }

    /// Adds blobs that are in the archive of this project already, and are not sent again.
    ///
    /// # Errors
    /// [`FilingError::TooManyBlobs`].
    pub fn with_archived(mut self, ids: impl IntoIterator<Item = BlobId>) -> Result<Self, FilingError> {
        self.named.extend(ids);
        self.checked()
    }

    fn checked(mut self) -> Result<Self, FilingError> {
        let mut seen: HashSet<_> = self.blobs.iter().map(Blob::id).collect();
        self.named.retain(|id| seen.insert(*id));
        if seen.len() > MAX_BLOBS {
            return Err(FilingError::TooManyBlobs { have: seen.len(), max: MAX_BLOBS });
        }
        Ok(self)
    }

    /// What the entry must commit to.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.record.commitment()
    }

    /// The names of all blobs, those that are sent first.
    pub fn blob_ids(&self) -> impl Iterator<Item = BlobId> {
        self.blobs.iter().map(Blob::id).chain(self.named.iter().copied())
    }
}

/// Why something cannot be archived.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilingError {
    /// Beyond the cap of its kind.
    #[error("a blob of kind {} has at most {max} bytes, not {have}", kind.as_str())]
    BlobTooLong {
        /// Its kind.
        kind: Kind,
        /// The number of bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// Beyond the cap of a record.
    #[error("a record has at most {max} bytes, not {have}")]
    RecordTooLong {
        /// The number of bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// More blobs than one entry may have.
    #[error("an entry has at most {max} blobs, not {have}")]
    TooManyBlobs {
        /// The number of blobs.
        have: usize,
        /// The cap.
        max: usize,
    },
    /// The blobs of one entry are too long together.
    #[error("the blobs of an entry have at most {max} bytes together, not {have}")]
    BlobsTooLong {
        /// The number of bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

#[cfg(test)]
mod tests {
    use super::{Blob, BlobId, Filing, FilingError, MAX_BLOBS, Record};
    use crate::archive::kind::{Kind, MAX_RECORD_BYTES, Retention};

    fn filing(length: usize) -> Result<Filing, FilingError> {
        Filing::new("p", Retention::Standard, Record { salt: [1; 32], bytes: vec![0; length] })
    }

    #[test]
    fn each_cap_holds() {
        for kind in Kind::all() {
            let max = kind.max_bytes();
            assert_eq!(Blob::new(kind, vec![0; max]).unwrap().content().len(), max);
            let refused = Blob::new(kind, vec![0; max + 1]).err();
            assert_eq!(refused, Some(FilingError::BlobTooLong { kind, have: max + 1, max }));
        }
        assert!(filing(MAX_RECORD_BYTES).is_ok());
        let refused = filing(MAX_RECORD_BYTES + 1).err();
        assert_eq!(refused, Some(FilingError::RecordTooLong { have: MAX_RECORD_BYTES + 1, max: MAX_RECORD_BYTES }));

        let blob = |number: usize| Blob::new(Kind::Context, number.to_be_bytes()).unwrap();
        let full = filing(0).unwrap().with_blobs((0..MAX_BLOBS).map(blob)).unwrap();
        let refused = full.clone().with_archived([BlobId::new([0; 32])]).err();
        assert_eq!(refused, Some(FilingError::TooManyBlobs { have: MAX_BLOBS + 1, max: MAX_BLOBS }));
        // What is there already does not count again.
        assert_eq!(full.with_archived([blob(3).id()]).unwrap().blob_ids().count(), MAX_BLOBS);

        let report = |byte: u8| Blob::new(Kind::Report, vec![byte; 32 << 20]).unwrap();
        let full = filing(0).unwrap().with_blobs([report(0), report(1), report(0)]).unwrap();
        let refused = full.with_blobs([blob(1)]).err();
        assert_eq!(refused, Some(FilingError::BlobsTooLong { have: (64 << 20) + 8, max: 64 << 20 }));
    }
}
