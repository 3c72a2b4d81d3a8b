//! The archive: the records that ledger entries commit to, and the blobs that records speak of. In: a filing, written in
//! the transaction of its entry; out: the record and blobs, proved to be those of the entry, until they are erased.
//! docs/archive.md.
//!
//! | module | what for |
//! |---|---|
//! | [`kind`] | what a blob is, how long it may be, how long a record is kept |
//! | [`filing`] | what is archived with an entry |
//! | [`write`](self) | the statements that archive it |
//! | [`read`](self) | reading back, and proving |
//! | [`hold`] | what must not be erased |
//! | [`erasure`] | erasing |
//! | [`scrub`] | whether what is stored is what was archived |

pub mod erasure;
pub mod filing;
pub mod hold;
pub mod kind;
mod read;
pub mod scrub;
mod write;

use std::sync::Arc;

pub use self::{
    erasure::Erasure,
    filing::{Blob, BlobId, Filing, FilingError, Record},
    hold::{Hold, HoldRelease},
    kind::{Kind, Retention},
    read::{Found, OpenedRecord, ReadError},
    write::Filed,
};
use crate::{log::database::LogDatabase, store::Store};

/// The archive of one log.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Arc<Store>,
    log: LogDatabase,
    log_id: i64,
}

impl Archive {
    /// The archive beside `log`.
    #[must_use]
    pub fn of(log: &LogDatabase) -> Self {
        Self { store: log.store().clone(), log_id: log.id(), log: log.clone() }
    }
}

/// Why something is not archived, held or erased. Nothing of the request was written, its entry included.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveRefusal {
    /// The entry commits to another record.
    #[error("the entry commits to another record")]
    Commitment,
    /// A blob that is only named is not in the archive.
    #[error("the archive does not have {id}")]
    Missing {
        /// The blob.
        id: BlobId,
    },
    /// There is no record of this entry in this project.
    #[error("there is no record of entry {index} in this project")]
    NoRecord {
        /// The entry's index.
        index: u64,
    },
    /// It is erased already.
    #[error("the record of entry {index} was erased by entry {by}")]
    Erased {
        /// The entry's index.
        index: u64,
        /// The index of the entry that erased it.
        by: u64,
    },
    /// A legal hold names it, or one of its blobs.
    #[error("entry {index} is under the legal hold of entry {hold}")]
    Held {
        /// The entry's index.
        index: u64,
        /// The index of the entry that placed the hold.
        hold: u64,
    },
    /// It is to be kept longer.
    #[error("the record of entry {index} is to be kept until {}", until.map_or("for ever".to_owned(), |until| format!("{until} ms")))]
    Retained {
        /// The entry's index.
        index: u64,
        /// The end of its retention, in milliseconds since the Unix epoch; `None` for ever.
        until: Option<u64>,
    },
    /// There is no such hold, or it was released.
    #[error("entry {hold} places no hold that is in force in this project")]
    NoHold {
        /// The index of the entry.
        hold: u64,
    },
    /// Only an entry of type `erasure` erases.
    #[error("only an entry of type erasure erases")]
    NotAnErasure,
}

impl ArchiveRefusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Commitment => "archive.commitment",
            Self::Missing { .. } => "archive.missing",
            Self::NoRecord { .. } => "archive.no_record",
            Self::Erased { .. } => "archive.erased",
            Self::Held { .. } => "archive.held",
            Self::Retained { .. } => "archive.retained",
            Self::NoHold { .. } => "archive.no_hold",
            Self::NotAnErasure => "archive.not_an_erasure",
        }
    }
}

impl From<ArchiveRefusal> for crate::log::batch::SideError {
    fn from(refusal: ArchiveRefusal) -> Self {
        Self::Refused(crate::log::batch::Refusal(Arc::new(refusal)))
    }
}

/// Indices are at most [`prooftrail_ledger::MAX_TREE_SIZE`]; times of 64 bits do not occur.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
