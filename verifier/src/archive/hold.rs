//! Legal holds. In: entries and blobs that must not be erased, and the record that says so; out: a hold, named by the
//! index of its entry, that stands until another entry releases it. Holds and erasures are written in the order of the
//! log, so none slips past the other.

use super::{Archive, ArchiveRefusal, BlobId, Filing, signed, write::write};
use crate::{
    log::batch::{Receipt, SideError, SideRows},
    store::{Tx, Work, on},
};

/// Side rows that place a hold.
pub struct Hold {
    log_id: i64,
    filing: Filing,
    entries: Vec<u64>,
    blobs: Vec<BlobId>,
}

/// Side rows that release a hold.
pub struct HoldRelease {
    log_id: i64,
    filing: Filing,
    hold: u64,
}

impl Archive {
    /// Side rows that place a hold on the records of `entries` with all their blobs, and on `blobs` with every record that
    /// speaks of them, now or later; in the project of `filing`, whose record says why.
    #[must_use]
    pub fn hold(&self, filing: Filing, entries: Vec<u64>, blobs: Vec<BlobId>) -> Hold {
        Hold { log_id: self.log_id, filing, entries, blobs }
    }

    /// Side rows that release the hold which entry `hold` has placed.
    #[must_use]
    pub const fn release_hold(&self, filing: Filing, hold: u64) -> HoldRelease {
        HoldRelease { log_id: self.log_id, filing, hold }
    }
}

impl SideRows for Hold {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const HOLD: &str = "-- archive_hold\nINSERT INTO archive_hold (log_id, placed_by, project) VALUES ($1, $2, $3)";
        const ENTRY: &str = "-- archive_hold\nINSERT INTO archive_held_entry (log_id, entry_index, placed_by) \
             SELECT log_id, entry_index, $4 FROM archive_record \
             WHERE log_id = $1 AND project = $2 AND entry_index = $3 AND erased_by IS NULL";
        const BLOB: &str = "-- archive_hold\nINSERT INTO archive_held_blob (log_id, project, digest, placed_by) \
             SELECT log_id, project, digest, $4 FROM archive_blob WHERE log_id = $1 AND project = $2 AND digest = $3";
        Box::pin(async move {
            let Self { log_id, filing, entries, blobs } = self;
            let (index, project) = (signed(receipt.index), filing.project.as_str());
            write(tx, *log_id, &[(receipt, filing)]).await?;
            on!(&mut tx.on, tx => {
                sqlx::query(HOLD).bind(log_id).bind(index).bind(project).execute(&mut **tx).await?;
                for entry in entries {
                    let insert = sqlx::query(ENTRY).bind(log_id).bind(project).bind(signed(*entry)).bind(index);
                    if insert.execute(&mut **tx).await?.rows_affected() == 0 {
                        return Err(ArchiveRefusal::NoRecord { index: *entry }.into());
                    }
                }
                for blob in blobs {
                    let insert = sqlx::query(BLOB).bind(log_id).bind(project).bind(&blob.as_bytes()[..]).bind(index);
                    if insert.execute(&mut **tx).await?.rows_affected() == 0 {
                        return Err(ArchiveRefusal::Missing { id: *blob }.into());
                    }
                }
            });
            Ok(())
        })
    }
}

impl SideRows for HoldRelease {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        const RELEASE: &str = "-- archive_release_hold\nUPDATE archive_hold SET released_by = $4 \
             WHERE log_id = $1 AND project = $2 AND placed_by = $3 AND released_by IS NULL";
        Box::pin(async move {
            let Self { log_id, filing, hold } = self;
            write(tx, *log_id, &[(receipt, filing)]).await?;
            let released = on!(&mut tx.on, tx => {
                let update = sqlx::query(RELEASE).bind(log_id).bind(&filing.project).bind(signed(*hold));
                update.bind(signed(receipt.index)).execute(&mut **tx).await?.rows_affected()
            });
            if released == 0 { Err(ArchiveRefusal::NoHold { hold: *hold }.into()) } else { Ok(()) }
        })
    }
}
