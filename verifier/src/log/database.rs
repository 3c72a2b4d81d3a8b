//! The log in the store. In: batches; out: heads, roots, requests and entries as they are committed. [`LogStore`] is the
//! seam at which the tests fail every step; [`LogDatabase`] is what stands behind it.

use std::sync::{Arc, Mutex, PoisonError};

use prooftrail_ledger::{Frontier, Hash};

use super::{
    append::{self, Ended},
    batch::{Batch, Receipt, Refusal, Request, RequestId, split_entries},
    entry::{Commitment, Draft, Entry, EntryType},
    head::{DatabaseIdentity, Freeze, Head, StoredHead},
};
use crate::store::{Engine, Store, StoreError, Tx, on};

/// What became of a batch that the database answered for.
#[derive(Debug)]
pub enum Outcome {
    /// It is the log's last.
    Committed,
    /// The head was another. Nothing was written.
    Conflict,
    /// A row that must be unique was there already: a request's, or a checkpoint's. Nothing was written.
    Duplicate,
    /// The side rows of requests refused: their places in the batch, ascending, each with why. Nothing was written.
    Refused(Vec<(usize, Refusal)>),
    /// The head is not one to append to. Nothing was written.
    Frozen(Freeze),
}

/// The log's tables, as the sequencer needs them.
pub trait LogStore: Send + Sync + 'static {
    /// The head, if there is such a log, and the identity of the database.
    fn head(&self) -> impl Future<Output = Result<Option<StoredHead>, StoreError>> + Send;

    /// The root that was committed with the size `size`.
    fn root_at(&self, size: u64) -> impl Future<Output = Result<Option<Hash>, StoreError>> + Send;

    /// Where a request came to stand.
    fn find(&self, request: &RequestId) -> impl Future<Output = Result<Option<Receipt>, StoreError>> + Send;

    /// Appends a batch if its `before` is the head.
    fn append(&self, batch: &Batch) -> impl Future<Output = Result<Outcome, StoreError>> + Send;

    /// Takes the head first, behind all who wait for it already, and then appends the batch that `make` makes on top of
    /// it. `make` is given the head and the root committed with the size `known`; it may be called again.
    ///
    /// The batch is the one that was committed, or was last tried.
    fn append_in_line<F>(
        &self,
        known: u64,
        make: F,
    ) -> impl Future<Output = Result<(Outcome, Option<Batch>), StoreError>> + Send
    where
        F: Fn(&StoredHead, Option<Hash>) -> Result<Batch, Freeze> + Send + Sync;

    /// Whether what was written is where it will be looked for: false if the database file was replaced.
    fn is_in_place(&self) -> bool;
}

/// One log in a store.
#[derive(Clone, Debug)]
pub struct LogDatabase {
    pub(super) store: Arc<Store>,
    pub(super) log_id: i64,
}

fn outcome(result: Result<(), Ended>) -> Result<Outcome, StoreError> {
    match result {
        Ok(()) => Ok(Outcome::Committed),
        Err(Ended::Conflict) => Ok(Outcome::Conflict),
        Err(Ended::Frozen(freeze)) => Ok(Outcome::Frozen(freeze)),
        Err(Ended::Refused(refused)) => Ok(Outcome::Refused(refused)),
        Err(Ended::Store(StoreError::Sql(sqlx::Error::Database(error)))) if error.is_unique_violation() => {
            Ok(Outcome::Duplicate)
        }
        Err(Ended::Store(error)) => Err(error),
    }
}

/// The row of log_head as it is stored: what of it is true is for its reader to find out.
#[derive(Clone, Debug)]
pub(super) struct HeadRow {
    pub(super) size: u64,
    pub(super) root: Vec<u8>,
    pub(super) frontier: Vec<u8>,
    pub(super) time: i64,
    pub(super) recovery_epoch: i64,
    pub(super) database_id: Vec<u8>,
    pub(super) system_identifier: i64,
    pub(super) timeline: i64,
}

/// The same, as the driver gives it.
type HeadColumns = (i64, Vec<u8>, Vec<u8>, i64, i64, Vec<u8>, i64, i64);

impl TryFrom<HeadColumns> for HeadRow {
    type Error = StoreError;

    fn try_from(columns: HeadColumns) -> Result<Self, StoreError> {
        let (size, root, frontier, time, recovery_epoch, database_id, system_identifier, timeline) = columns;
        let size = u64::try_from(size).map_err(|_| StoreError::Corrupt { what: "log_head.size" })?;
        Ok(Self { size, root, frontier, time, recovery_epoch, database_id, system_identifier, timeline })
    }
}

const ROOT: &str = "-- log_root_at\nSELECT root FROM log_checkpoint WHERE log_id = $1 AND size = $2";

const HEAD: &str = "-- log_head\nSELECT size, root, frontier, time, recovery_epoch, database_id, system_identifier, \
     timeline FROM log_head WHERE log_id = $1";

impl LogDatabase {
    /// The log `origin`, if the store has it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(store: Arc<Store>, origin: &str) -> Result<Option<Self>, StoreError> {
        const LOG: &str = "-- log_open\nSELECT log_id FROM log_head WHERE origin = $1";
        let log_id = on!(store.db(), pool => sqlx::query_scalar(LOG).bind(origin).fetch_optional(pool).await)?;
        Ok(log_id.map(|log_id| Self { store, log_id }))
    }

    /// Creates the log `origin` with its genesis entry, unless the store has it. Whether a log of that name should be
    /// created at all is for the caller to know: an origin is never used twice.
    ///
    /// `id` is random; `now` is in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create(
        store: Arc<Store>,
        origin: &str,
        genesis: Commitment,
        id: [u8; 16],
        now: u64,
    ) -> Result<Self, StoreError> {
        let draft = Draft { entry_type: EntryType::Genesis, commitment: genesis };
        let request =
            Request { id: RequestId { project: String::new(), id: *genesis.as_bytes() }, draft, side_rows: None };
        let create = store.run_tx("log_create", |tx| {
            let request = request.clone();
            Box::pin(async move {
                let live = append::live_identity(tx, id).await?;
                let empty = Head { frontier: Frontier::new(), time: 0, recovery_epoch: 0, database: live };
                let corrupt = |_| StoreError::Corrupt { what: "genesis" };
                append::create(tx, origin, &Batch::new(&empty, [request], now).map_err(corrupt)?).await
            })
        });
        create.await?;
        let missing = StoreError::Corrupt { what: "log_head" };
        Self::open(store, origin).await?.ok_or(missing)
    }

    /// The store that the log is in.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The number that the store's other tables know this log by.
    pub(crate) const fn id(&self) -> i64 {
        self.log_id
    }

    /// The entries from `start` up to, not including, `end`, as bytes; fewer if the log is shorter.
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::Corrupt`] for a gap between batches among them.
    pub async fn entries(&self, start: u64, end: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        // The batch in which `start` lies begins at or before it.
        const BATCHES: &str = "-- log_entries\nSELECT start, count, entries FROM log_batch WHERE log_id = $1 AND start < $3 \
             AND start >= (SELECT MAX(start) FROM log_batch WHERE log_id = $1 AND start <= $2) ORDER BY start";
        let corrupt = || StoreError::Corrupt { what: "log_batch" };
        let [first, last] = [start, end].map(|index| i64::try_from(index).unwrap_or(i64::MAX));
        let rows: Vec<(i64, i64, Vec<u8>)> = on!(self.store.db(), pool => {
            sqlx::query_as(BATCHES).bind(self.log_id).bind(first).bind(last).fetch_all(pool).await
        })?;
        let mut found = Vec::new();
        let mut next = None;
        for (batch_start, count, bytes) in rows {
            let [batch_start, count] = [batch_start, count].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
            if next.is_some_and(|next| next != batch_start) {
                return Err(corrupt());
            }
            for (index, entry) in (batch_start..).zip(split_entries(&bytes, count)?) {
                if (start..end).contains(&index) {
                    found.push(entry.to_vec());
                }
            }
            next = Some(batch_start.checked_add(count).ok_or_else(corrupt)?);
        }
        Ok(found)
    }

    /// The roots committed with sizes from `first` up to `last`, by size.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn checkpoints(&self, first: u64, last: u64) -> Result<Vec<(u64, Hash)>, StoreError> {
        const ROOTS: &str = "-- log_checkpoints\nSELECT size, root FROM log_checkpoint \
             WHERE log_id = $1 AND size BETWEEN $2 AND $3 ORDER BY size";
        let [first, last] = [first, last].map(|size| i64::try_from(size).unwrap_or(i64::MAX));
        let rows: Vec<(i64, Vec<u8>)> = on!(self.store.db(), pool => {
            sqlx::query_as(ROOTS).bind(self.log_id).bind(first).bind(last).fetch_all(pool).await
        })?;
        let row = |(size, root): (i64, Vec<u8>)| {
            let size = u64::try_from(size).map_err(|_| StoreError::Corrupt { what: "log_checkpoint.size" })?;
            Ok((size, Hash::new(read_array(&root, "log_checkpoint.root")?)))
        };
        rows.into_iter().map(row).collect()
    }

    /// Every log in the store with its origin, in the order of their creation.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all(store: &Arc<Store>) -> Result<Vec<(String, Self)>, StoreError> {
        const LOGS: &str = "-- log_all\nSELECT origin, log_id FROM log_head ORDER BY log_id";
        let logs: Vec<(String, i64)> = on!(store.db(), pool => sqlx::query_as(LOGS).fetch_all(pool).await)?;
        Ok(logs.into_iter().map(|(origin, log_id)| (origin, Self { store: store.clone(), log_id })).collect())
    }

    /// The last head that was committed. Unlike [`LogStore::head`] it asks nothing of the database itself, so a database
    /// that can only be read answers as well.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn committed_head(&self) -> Result<Option<Head>, StoreError> {
        self.head_row().await?.as_ref().map(read_head).transpose()
    }

    pub(super) async fn head_row(&self) -> Result<Option<HeadRow>, StoreError> {
        let row: Option<HeadColumns> =
            on!(self.store.db(), pool => sqlx::query_as(HEAD).bind(self.log_id).fetch_optional(pool).await)?;
        row.map(HeadRow::try_from).transpose()
    }

    /// Reads the head inside a transaction.
    pub(super) async fn head_in(&self, tx: &mut Tx<'_>) -> Result<Option<StoredHead>, StoreError> {
        let row: Option<HeadColumns> = on!(&mut tx.on, tx => {
            sqlx::query_as(HEAD).bind(self.log_id).fetch_optional(&mut **tx).await
        })?;
        let Some(row) = row else { return Ok(None) };
        let head = read_head(&row.try_into()?)?;
        let live = append::live_identity(tx, head.database.id).await?;
        Ok(Some(StoredHead { head, live }))
    }
}

impl LogDatabase {
    async fn root_at_in(&self, tx: &mut Tx<'_>, size: u64) -> Result<Option<Hash>, StoreError> {
        let Ok(size) = i64::try_from(size) else { return Ok(None) };
        let root: Option<Vec<u8>> = on!(&mut tx.on, tx => {
            sqlx::query_scalar(ROOT).bind(self.log_id).bind(size).fetch_optional(&mut **tx).await
        })?;
        root.map(|root| read_array(&root, "log_checkpoint.root").map(Hash::new)).transpose()
    }
}

impl LogStore for LogDatabase {
    async fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        self.store.run_tx("log_head", |tx| Box::pin(async move { self.head_in(tx).await })).await
    }

    async fn root_at(&self, size: u64) -> Result<Option<Hash>, StoreError> {
        let Ok(size) = i64::try_from(size) else { return Ok(None) };
        let root: Option<Vec<u8>> = on!(self.store.db(), pool => {
            sqlx::query_scalar(ROOT).bind(self.log_id).bind(size).fetch_optional(pool).await
        })?;
        root.map(|root| read_array(&root, "log_checkpoint.root").map(Hash::new)).transpose()
    }

    async fn find(&self, request: &RequestId) -> Result<Option<Receipt>, StoreError> {
        const FIND: &str =
            "-- log_find\nSELECT entry_index FROM log_request WHERE log_id = $1 AND project = $2 AND request_id = $3";
        let RequestId { project, id } = request;
        let index: Option<i64> = on!(self.store.db(), pool => {
            sqlx::query_scalar(FIND).bind(self.log_id).bind(project).bind(id.as_slice()).fetch_optional(pool).await
        })?;
        let Some(index) = index else { return Ok(None) };
        let corrupt = || StoreError::Corrupt { what: "entry" };
        let index = u64::try_from(index).map_err(|_| corrupt())?;
        let entries = self.entries(index, index.saturating_add(1)).await?;
        let bytes = entries.first().ok_or_else(corrupt)?;
        Ok(Some(Receipt { index, entry: Entry::decode(bytes).map_err(|_| corrupt())? }))
    }

    async fn append(&self, batch: &Batch) -> Result<Outcome, StoreError> {
        let log_id = self.log_id;
        outcome(self.store.run_tx("log_append", |tx| Box::pin(append::append(tx, log_id, batch))).await)
    }

    async fn append_in_line<F>(&self, known: u64, make: F) -> Result<(Outcome, Option<Batch>), StoreError>
    where
        F: Fn(&StoredHead, Option<Hash>) -> Result<Batch, Freeze> + Send + Sync,
    {
        let (make, last) = (&make, &Mutex::new(None));
        let result = self.store.run_tx("log_append", |tx| {
            Box::pin(async move {
                append::take_head(tx, self.log_id).await?;
                let stored = self.head_in(tx).await?.ok_or(Ended::Frozen(Freeze::NoLog { size: known }))?;
                let batch = make(&stored, self.root_at_in(tx, known).await?).map_err(Ended::Frozen)?;
                let appended = append::append(tx, self.log_id, &batch).await;
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch);
                appended
            })
        });
        let outcome = outcome(result.await)?;
        Ok((outcome, last.lock().unwrap_or_else(PoisonError::into_inner).take()))
    }

    fn is_in_place(&self) -> bool {
        match self.store.db() {
            Engine::Lite(_) => self.store.file().is_some_and(|file| file.is_in_place().unwrap_or(false)),
            Engine::Pg(_) => true,
        }
    }
}

pub(super) fn read_head(row: &HeadRow) -> Result<Head, StoreError> {
    let HeadRow { size, root, frontier, time, recovery_epoch, database_id, system_identifier, timeline } = row;
    let corrupt = || StoreError::Corrupt { what: "log_head" };
    let frontier = Frontier::from_bytes(frontier).map_err(|_| corrupt())?;
    if frontier.size() != *size || frontier.root().as_bytes().as_slice() != root {
        return Err(corrupt());
    }
    let id = read_array(database_id, "log_head.database_id")?;
    Ok(Head {
        frontier,
        time: u64::try_from(*time).map_err(|_| corrupt())?,
        recovery_epoch: u64::try_from(*recovery_epoch).map_err(|_| corrupt())?,
        database: DatabaseIdentity { id, system_identifier: *system_identifier, timeline: *timeline },
    })
}

fn read_array<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt { what })
}
