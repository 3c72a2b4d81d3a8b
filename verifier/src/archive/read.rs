//! Reading the archive. In: a project, and an entry's index or a blob's name; out: what was archived, proved by its
//! digest; or when and by which entry it was erased.

use super::{Archive, BlobId, Kind, Record, Retention, kind::MAX_BLOB_BYTES, signed};
use crate::{
    log::entry::Entry,
    store::{StoreError, on},
};

/// What the archive has under a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Found {
    /// The blob. Its digest is its name.
    Present {
        /// What it is.
        kind: Kind,
        /// Its bytes.
        content: Vec<u8>,
    },
    /// It was there, and was erased with the last record that spoke of it.
    Erased {
        /// The index of the entry that erased it; the last one, if it was archived again in between.
        by: u64,
        /// When, in milliseconds since the Unix epoch.
        at: u64,
    },
}

/// What the archive has for an entry.
#[derive(Clone)]
pub enum OpenedRecord {
    /// The record. The entry commits to it.
    Present {
        /// The entry.
        entry: Entry,
        /// Record and salt.
        record: Record,
        /// The blobs that it speaks of.
        blobs: Vec<BlobId>,
        /// How long it is kept.
        retention: Retention,
    },
    /// It was there, and was erased.
    Erased {
        /// The entry, which says no more now.
        entry: Entry,
        /// The index of the entry that erased it.
        by: u64,
        /// When, in milliseconds since the Unix epoch.
        at: u64,
        /// Why, as whoever erased it has worded it.
        why: String,
    },
}

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// What is stored as the entry's record is not what the entry commits to.
    #[error("the stored record of entry {index} is not the one that the entry commits to")]
    RecordMismatch {
        /// The entry's index.
        index: u64,
    },
    /// What is stored under a name has another digest.
    #[error("what is stored as blob {id} has another digest")]
    BlobMismatch {
        /// The blob.
        id: BlobId,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A row of `archive_record`: retention, salt, record, blobs, and by whom, when and why it was erased.
type RecordRow = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, Option<i64>, Option<i64>, Option<String>);

impl Archive {
    /// The blob `id` of `project`; `None` if there never was one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn blob(&self, project: &str, id: BlobId) -> Result<Option<Found>, ReadError> {
        const BLOB: &str = "-- archive_blob\nSELECT kind, content FROM archive_blob \
             WHERE log_id = $1 AND project = $2 AND digest = $3 AND length(content) <= $4";
        const ERASED: &str = "-- archive_blob\nSELECT erased_by, erased_at FROM archive_erased \
             WHERE log_id = $1 AND project = $2 AND digest = $3 ORDER BY erased_by DESC LIMIT 1";
        let digest = &id.as_bytes()[..];
        let max = i64::try_from(MAX_BLOB_BYTES).unwrap_or(i64::MAX);
        let row: Option<(i64, Vec<u8>)> = on!(self.store.db(), pool => {
            let select = sqlx::query_as(BLOB).bind(self.log_id).bind(project).bind(digest).bind(max);
            select.fetch_optional(pool).await?
        });
        if let Some((kind, content)) = row {
            if BlobId::of(&content) != id {
                return Err(ReadError::BlobMismatch { id });
            }
            let kind = Kind::from_number(kind).ok_or(StoreError::Corrupt { what: "archive_blob.kind" })?;
            return Ok(Some(Found::Present { kind, content }));
        }
        let row: Option<(i64, i64)> = on!(self.store.db(), pool => {
            sqlx::query_as(ERASED).bind(self.log_id).bind(project).bind(digest).fetch_optional(pool).await?
        });
        Ok(row.map(|(by, at)| Found::Erased { by: unsigned(by), at: unsigned(at) }))
    }

    /// The record of entry `index`, if it is one of `project`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn open(&self, project: &str, index: u64) -> Result<Option<OpenedRecord>, ReadError> {
        const RECORD: &str = "-- archive_open\nSELECT retention, salt, record, blobs, erased_by, erased_at, erased_why \
             FROM archive_record WHERE log_id = $1 AND entry_index = $2 AND project = $3";
        let row: Option<RecordRow> = on!(self.store.db(), pool => {
            let select = sqlx::query_as(RECORD).bind(self.log_id).bind(signed(index)).bind(project);
            select.fetch_optional(pool).await?
        });
        let Some((retention, salt, record, blobs, erased_by, erased_at, why)) = row else { return Ok(None) };
        let corrupt = || StoreError::Corrupt { what: "archive_record" };
        let entries = self.log.entries(index, index.saturating_add(1)).await?;
        let bytes = entries.first().ok_or_else(corrupt)?;
        let entry = Entry::decode(bytes).map_err(|_| corrupt())?;
        let opened = match (salt, record, erased_by, erased_at, why) {
            (Some(salt), Some(bytes), None, None, None) => {
                let record = Record { salt: salt.try_into().map_err(|_| corrupt())?, bytes };
                if record.commitment() != entry.draft.commitment {
                    return Err(ReadError::RecordMismatch { index });
                }
                let retention = Retention::from_number(retention).ok_or_else(corrupt)?;
                OpenedRecord::Present { entry, record, blobs: split(&blobs)?, retention }
            }
            (None, None, Some(by), Some(at), Some(why)) => {
                OpenedRecord::Erased { entry, by: unsigned(by), at: unsigned(at), why }
            }
            _ => return Err(corrupt().into()),
        };
        Ok(Some(opened))
    }
}

impl Archive {
    /// The entries before `end` whose records of `project` are kept for ever: changes of policies and keys, and holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn permanent(&self, project: &str, end: u64) -> Result<Vec<u64>, StoreError> {
        const PERMANENT: &str = "-- archive_permanent\nSELECT entry_index FROM archive_record \
             WHERE log_id = $1 AND project = $2 AND retention = $3 AND entry_index < $4 ORDER BY entry_index";
        let indices: Vec<i64> = on!(self.store.db(), pool => {
            let select = sqlx::query_scalar(PERMANENT).bind(self.log_id).bind(project);
            select.bind(Retention::Permanent.number()).bind(signed(end)).fetch_all(pool).await?
        });
        Ok(indices.into_iter().map(unsigned).collect())
    }

    /// How many records of `project` were erased, of the entries from `start` up to, not including, `end`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erased(&self, project: &str, start: u64, end: u64) -> Result<u64, StoreError> {
        const ERASED: &str = "-- archive_erased_records\nSELECT COUNT(*) FROM archive_record \
             WHERE log_id = $1 AND project = $2 AND erased_by IS NOT NULL AND entry_index >= $3 AND entry_index < $4";
        let erased: i64 = on!(self.store.db(), pool => {
            let select = sqlx::query_scalar(ERASED).bind(self.log_id).bind(project);
            select.bind(signed(start)).bind(signed(end)).fetch_one(pool).await?
        });
        Ok(unsigned(erased))
    }
}

/// The names in the column `blobs`.
pub(super) fn split(blobs: &[u8]) -> Result<Vec<BlobId>, StoreError> {
    let (ids, rest) = blobs.as_chunks();
    if rest.is_empty() {
        Ok(ids.iter().copied().map(BlobId::new).collect())
    } else {
        Err(StoreError::Corrupt { what: "archive_record.blobs" })
    }
}

/// Indices and times are never below zero; the schema says so.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
