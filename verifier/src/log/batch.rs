//! Requests and the batch they become. In: requests and the head they are appended to; out: entries, the next head, and
//! a receipt for each request. Nothing here touches a database or a clock.

use std::{any::Any, fmt, sync::Arc};

use prooftrail_ledger::{Hash, MAX_TREE_SIZE};

use super::{
    entry::{Draft, Entry},
    head::{Freeze, Head},
};
use crate::store::{StoreError, Tx, TxError, Work};

/// The most entries of a batch: four full tiles. Entries have one small shape, so this caps bytes as well: 48 KiB.
pub const MAX_BATCH_ENTRIES: usize = 1024;

/// Who asks, and for what; unique for ever. A request with an id that was used is not appended again.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RequestId {
    /// The tenant.
    pub project: String,
    /// Chosen by the caller: random, or a digest of what is asked.
    pub id: [u8; 32],
}

/// What somebody wants in the log.
#[derive(Clone)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What is entered.
    pub draft: Draft,
    /// What else is written in the same transaction, and only then.
    pub side_rows: Option<Arc<dyn SideRows>>,
}

/// Where a request came to stand. It is a promise only once a checkpoint covers it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Receipt {
    /// The entry's index.
    pub index: u64,
    /// The entry.
    pub entry: Entry,
}

/// Rows that are written in the transaction that appends a request's entry: both happen, or neither.
///
/// They are written after the head was taken, so in the order of the log, and each sees what all entries before it
/// wrote. A batch is tried again after a conflict, and then its rows are written again, in a new transaction.
pub trait SideRows: Any + Send + Sync {
    /// Writes them.
    ///
    /// # Errors
    /// [`SideError`]. A refusal takes this request out of the batch, and no other.
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError>;

    /// How rows of this type are written for many requests in few statements; `None` if each is written alone.
    ///
    /// Rows that are written alone stay in their turn: they see all before them, and all after them see them. Between two
    /// of those, rows of one type are written at once, and do not see each other's.
    fn together(&self) -> Option<WriteTogether> {
        None
    }
}

/// Rows of one type with where their requests come to stand.
pub type Turn<'t> = (&'t dyn SideRows, &'t Receipt);

/// Writes the rows of many requests. Gives the places, in what it was given, of those that are refused, with why.
pub type WriteTogether = for<'t> fn(&'t mut Tx<'_>, &'t [Turn<'t>]) -> Work<'t, Vec<(usize, Refusal)>, StoreError>;

/// Why side rows were not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SideError {
    /// The request may not be appended: what it rests on has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for SideError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl TxError for SideError {
    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}

/// A side row's refusal, as whoever wrote it words and types it.
#[derive(Clone, Debug)]
pub struct Refusal(pub Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// Entries to be appended at once, to one head and no other.
#[derive(Clone)]
pub struct Batch {
    /// The head that must be the log's.
    pub before: Head,
    /// The head after it.
    pub after: Head,
    /// The entries, each behind its length in two bytes, big-endian.
    pub entries: Vec<u8>,
    /// The requests, in the order of their entries, with where they come to stand.
    pub requests: Vec<(Request, Receipt)>,
}

impl Batch {
    /// Makes the batch of `requests` after `before`. `now` is in milliseconds since the Unix epoch; a clock that was set
    /// back does not set the log back.
    ///
    /// # Errors
    /// [`Freeze::Unsignable`] if the log would grow beyond [`MAX_TREE_SIZE`].
    pub fn new(before: &Head, requests: impl IntoIterator<Item = Request>, now: u64) -> Result<Self, Freeze> {
        let full = || Freeze::Unsignable { size: before.size() };
        let mut after = before.clone();
        after.time = now.max(before.time);
        let mut batch = Self { before: before.clone(), after, entries: Vec::new(), requests: Vec::new() };
        for request in requests {
            let entry = Entry { draft: request.draft, time: batch.after.time };
            let receipt = Receipt { index: batch.after.size(), entry };
            let bytes = entry.encode();
            let length = u16::try_from(bytes.len()).map_err(|_| full())?;
            batch.entries.extend(length.to_be_bytes());
            batch.entries.extend(&bytes);
            batch.after.frontier.append(Hash::of_leaf(&bytes)).map_err(|_| full())?;
            batch.requests.push((request, receipt));
        }
        if batch.after.size() > MAX_TREE_SIZE { Err(full()) } else { Ok(batch) }
    }
}

/// Reads the entries of a stored batch.
///
/// # Errors
/// [`StoreError::Corrupt`] unless they are `count` entries and nothing else.
pub fn split_entries(bytes: &[u8], count: u64) -> Result<Vec<&[u8]>, StoreError> {
    let corrupt = || StoreError::Corrupt { what: "log_batch.entries" };
    let mut entries = Vec::new();
    let mut rest = bytes;
    while let Some((length, after_length)) = rest.split_first_chunk() {
        let length = u16::from_be_bytes(*length).into();
        let (entry, after_entry) = after_length.split_at_checked(length).ok_or_else(corrupt)?;
        entries.push(entry);
        rest = after_entry;
    }
    if rest.is_empty() && u64::try_from(entries.len()) == Ok(count) { Ok(entries) } else { Err(corrupt()) }
}

#[cfg(test)]
mod tests {
    use prooftrail_ledger::{Frontier, Hash, MAX_TREE_SIZE};

    use super::{Batch, Request, RequestId, split_entries};
    use crate::log::{
        entry::{Commitment, Draft, Entry, EntryType},
        head::{DatabaseIdentity, Freeze, Head},
    };

    fn request(id: u8) -> Request {
        let draft = Draft { entry_type: EntryType::Alert, commitment: Commitment::new([id; 32]) };
        Request { id: RequestId { project: "p".to_owned(), id: [id; 32] }, draft, side_rows: None }
    }

    fn head(frontier: Frontier) -> Head {
        let database = DatabaseIdentity { id: [0; 16], system_identifier: 0, timeline: 0 };
        Head { frontier, time: 1000, recovery_epoch: 0, database }
    }

    #[test]
    fn entries_stand_in_order_and_never_go_back_in_time() {
        for (now, time) in [(0, 1000), (1000, 1000), (1001, 1001)] {
            let batch = Batch::new(&head(Frontier::new()), (0..5).map(request), now).unwrap();
            let entries = split_entries(&batch.entries, 5).unwrap();
            let mut frontier = Frontier::new();
            for (bytes, (request, receipt)) in entries.iter().zip(&batch.requests) {
                assert_eq!(Entry::decode(bytes), Ok(receipt.entry));
                assert_eq!((receipt.index, receipt.entry.time), (frontier.size(), time));
                assert_eq!(receipt.entry.draft, request.draft);
                frontier.append(Hash::of_leaf(bytes)).unwrap();
            }
            assert_eq!(batch.after, Head { time, ..head(frontier) });
        }
    }

    #[test]
    fn the_last_size_is_the_last() {
        let full = MAX_TREE_SIZE.to_be_bytes().to_vec();
        let frontier = Frontier::from_bytes(&[full, vec![7; 63 * 32]].concat()).unwrap();
        let refused = Batch::new(&head(frontier), [request(0)], 0).err();
        assert_eq!(refused, Some(Freeze::Unsignable { size: MAX_TREE_SIZE }));
    }

    #[test]
    fn stored_entries_are_counted() {
        for (bytes, count) in
            [(&b"\x00\x01a"[..], 2), (b"\x00\x01a", 0), (b"\x00\x02a", 1), (b"\x00", 0), (b"\x00\x01a\x00", 1)]
        {
            assert!(split_entries(bytes, count).is_err(), "{bytes:?} {count}");
        }
        assert_eq!(split_entries(b"\x00\x01a\x00\x00", 2).unwrap(), [&b"a"[..], b""]);
    }
}
