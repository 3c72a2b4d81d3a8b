//! Erasure. In: entries whose records shall go, and the record that says why; out: tombstones. The entries, the tree and
//! every proof stay as they are: an entry holds only a commitment, which says nothing without its salt.
//!
//! A blob goes with the last record that speaks of it.

use super::{
    Archive, ArchiveRefusal, BlobId, Filing, Retention,
    read::{split, unsigned},
    signed,
    write::write,
};
use crate::{
    log::{
        batch::{Receipt, SideError, SideRows},
        entry::EntryType,
    },
    store::{Engine, StoreError, Tx, Work, on},
};

/// Side rows of an entry of type `erasure`.
pub struct Erasure {
    log_id: i64,
    filing: Filing,
    entries: Vec<u64>,
    why: String,
    is_forced: bool,
}

impl Archive {
    /// Side rows that erase the records of `entries` in the project of `filing`. `why` is shown in their place, so it
    /// names nobody.
    #[must_use]
    pub fn erase(&self, filing: Filing, entries: Vec<u64>, why: String) -> Erasure {
        Erasure { log_id: self.log_id, filing, entries, why, is_forced: false }
    }

    /// Takes what was erased out of SQLite's write-ahead log, once no reader needs it; false if one still does. To be
    /// called after an erasure, until it gives true. On PostgreSQL there is nothing that a program could do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn flush_erased(&self) -> Result<bool, StoreError> {
        const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
        match self.store.db() {
            Engine::Pg(_) => Ok(true),
            Engine::Lite(pool) => {
                let (busy, _, _): (i64, i64, i64) = sqlx::query_as(TRUNCATE).fetch_one(pool).await?;
                Ok(busy == 0)
            }
        }
    }
}

impl Erasure {
    /// Erases before the end of the retention, too. Whoever may order that is for the service to know; the record says
    /// why it was ordered. A legal hold stands all the same.
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.is_forced = true;
        self
    }
}

impl SideRows for Erasure {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        Box::pin(async move {
            if receipt.entry.draft.entry_type != EntryType::Erasure {
                return Err(ArchiveRefusal::NotAnErasure.into());
            }
            // Before anything goes: what the record about the erasure speaks of stays.
            write(tx, self.log_id, &[(receipt, &self.filing)]).await?;
            for index in &self.entries {
                let blobs = self.check(tx, *index, receipt.entry.time).await?;
                self.erase_record(tx, *index, receipt).await?;
                for blob in blobs {
                    self.erase_blob(tx, *index, blob, receipt).await?;
                }
            }
            Ok(())
        })
    }
}

/// Time, retention, blobs, and the entry that erased it.
type Row = (i64, i64, Vec<u8>, Option<i64>);

impl Erasure {
    /// Whether the record of entry `index` may be erased at `now`; its blobs, if so.
    async fn check(&self, tx: &mut Tx<'_>, index: u64, now: u64) -> Result<Vec<BlobId>, SideError> {
        const RECORD: &str = "-- archive_erase\nSELECT time, retention, blobs, erased_by FROM archive_record \
             WHERE log_id = $1 AND project = $2 AND entry_index = $3";
        const HELD: &str = "-- archive_erase\nSELECT MIN(h.placed_by) FROM archive_hold h \
             WHERE h.log_id = $1 AND h.project = $2 AND h.released_by IS NULL AND (EXISTS ( \
                 SELECT 1 FROM archive_held_entry e \
                 WHERE e.log_id = h.log_id AND e.placed_by = h.placed_by AND e.entry_index = $3) \
             OR EXISTS (SELECT 1 FROM archive_held_blob b JOIN archive_reference r \
                 ON r.log_id = b.log_id AND r.project = b.project AND r.digest = b.digest \
                 WHERE b.log_id = h.log_id AND b.placed_by = h.placed_by AND r.entry_index = $3))";
        let project = &self.filing.project;
        let (row, held): (Option<Row>, Option<i64>) = on!(&mut tx.on, tx => {
            let record = sqlx::query_as(RECORD).bind(self.log_id).bind(project).bind(signed(index));
            let held = sqlx::query_scalar(HELD).bind(self.log_id).bind(project).bind(signed(index));
            (record.fetch_optional(&mut **tx).await?, held.fetch_one(&mut **tx).await?)
        });
        let (time, retention, blobs, erased_by) = row.ok_or(ArchiveRefusal::NoRecord { index })?;
        if let Some(by) = erased_by {
            return Err(ArchiveRefusal::Erased { index, by: unsigned(by) }.into());
        }
        if let Some(hold) = held {
            return Err(ArchiveRefusal::Held { index, hold: unsigned(hold) }.into());
        }
        let corrupt = StoreError::Corrupt { what: "archive_record.retention" };
        let until = Retention::from_number(retention).ok_or(corrupt)?.end(unsigned(time));
        if !self.is_forced && until.is_none_or(|until| now < until) {
            return Err(ArchiveRefusal::Retained { index, until }.into());
        }
        Ok(split(&blobs)?)
    }

    async fn erase_record(&self, tx: &mut Tx<'_>, index: u64, receipt: &Receipt) -> Result<(), StoreError> {
        const ERASE: &str = "-- archive_erase\nUPDATE archive_record SET salt = NULL, record = NULL, erased_by = $3, \
             erased_at = $4, erased_why = $5 WHERE log_id = $1 AND entry_index = $2";
        on!(&mut tx.on, tx => {
            let erase = sqlx::query(ERASE).bind(self.log_id).bind(signed(index)).bind(signed(receipt.index));
            erase.bind(signed(receipt.entry.time)).bind(&self.why).execute(&mut **tx).await?;
        });
        Ok(())
    }

    /// Takes the record's reference to a blob away, and the blob if that was the last.
    async fn erase_blob(&self, tx: &mut Tx<'_>, index: u64, blob: BlobId, receipt: &Receipt) -> Result<(), StoreError> {
        const REFERENCE: &str = "-- archive_erase\nDELETE FROM archive_reference \
             WHERE log_id = $1 AND project = $2 AND digest = $3 AND entry_index = $4";
        const TOMBSTONE: &str = "-- archive_erase\nINSERT INTO archive_erased (log_id, project, digest, kind, erased_by, \
             erased_at) SELECT log_id, project, digest, kind, $4, $5 FROM archive_blob b \
             WHERE log_id = $1 AND project = $2 AND digest = $3 AND NOT EXISTS (SELECT 1 FROM archive_reference r \
                 WHERE r.log_id = b.log_id AND r.project = b.project AND r.digest = b.digest)";
        const BLOB: &str =
            "-- archive_erase\nDELETE FROM archive_blob WHERE log_id = $1 AND project = $2 AND digest = $3";
        let (log_id, project, digest) = (self.log_id, &self.filing.project, &blob.as_bytes()[..]);
        on!(&mut tx.on, tx => {
            let delete = sqlx::query(REFERENCE).bind(log_id).bind(project).bind(digest).bind(signed(index));
            delete.execute(&mut **tx).await?;
            let tombstone = sqlx::query(TOMBSTONE).bind(log_id).bind(project).bind(digest);
            let tombstone = tombstone.bind(signed(receipt.index)).bind(signed(receipt.entry.time));
            if tombstone.execute(&mut **tx).await?.rows_affected() > 0 {
                sqlx::query(BLOB).bind(log_id).bind(project).bind(digest).execute(&mut **tx).await?;
            }
        });
        Ok(())
    }
}
