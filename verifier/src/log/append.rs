//! The statements that write the log. In: a transaction and a batch; out: the batch committed with it, or the reason why
//! not. On PostgreSQL an append is one statement; on SQLite, where nobody else writes meanwhile, it is four.

use std::any::{Any, TypeId};

use prooftrail_ledger::Hash;

use super::{
    batch::{Batch, Receipt, Refusal, Request, SideError, Turn, WriteTogether},
    head::{DatabaseIdentity, Freeze, Head},
};
use crate::store::{Engine, StoreError, Tx, TxError, on};

/// Why a batch was not appended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The head is another.
    Conflict,
    /// The head is not one to append to.
    Frozen(Freeze),
    /// Requests' side rows refused: their positions in the batch, ascending, each with why.
    Refused(Vec<(usize, Refusal)>),
    /// The database's reason.
    Store(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Ended {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl TxError for Ended {
    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Conflict | Self::Frozen(_) | Self::Refused(_) => None,
        }
    }
}

/// PostgreSQL's identity now. The name of the current WAL file begins with the timeline: the control file learns of a
/// promotion only at the next checkpoint.
const LIVE: &str = "-- log_live_identity\nSELECT system_identifier, \
     ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint FROM pg_control_system()";

/// Swaps the head and inserts everything else only if it was swapped. The identity is the one that the statement itself
/// runs under, so that a connection that has come to another server writes nothing.
const APPEND: &str = "-- log_append
WITH head AS (
    UPDATE log_head SET size = $2, root = $3, frontier = $4, time = $5
    WHERE log_id = $1 AND size = $6 AND root = $7 AND recovery_epoch = $8 AND database_id = $9
      AND system_identifier = $10 AND timeline = $11
      AND (system_identifier, timeline) = (
          SELECT system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint
          FROM pg_control_system())
    RETURNING log_id
), checkpoint AS (
    INSERT INTO log_checkpoint (log_id, size, root) SELECT log_id, $2, $3 FROM head
), batch AS (
    INSERT INTO log_batch (log_id, start, count, entries) SELECT log_id, $6, $2 - $6, $12 FROM head
), request AS (
    INSERT INTO log_request (log_id, project, request_id, entry_index)
    SELECT log_id, r.project, r.request_id, $6 + r.place - 1
    FROM head, unnest($13::text[], $14::bytea[]) WITH ORDINALITY AS r (project, request_id, place)
)
SELECT count(*) FROM head";

const SWAP: &str = "-- log_append\nUPDATE log_head SET size = $2, root = $3, frontier = $4, time = $5 \
     WHERE log_id = $1 AND size = $6 AND root = $7 AND recovery_epoch = $8 AND database_id = $9";
const CHECKPOINT: &str = "-- log_append\nINSERT INTO log_checkpoint (log_id, size, root) VALUES ($1, $2, $3)";
const BATCH: &str = "-- log_append\nINSERT INTO log_batch (log_id, start, count, entries) VALUES ($1, $2, $3, $4)";
const REQUESTS: &str = "-- log_append\nINSERT INTO log_request (log_id, project, request_id, entry_index) \
     SELECT $1, value, substr($4, 1 + 32 * key, 32), $2 + key FROM json_each($3)";

/// Appends `batch` in `tx`: everything or nothing of it is there when `tx` has ended, however it ends.
pub(super) async fn append(tx: &mut Tx<'_>, log_id: i64, batch: &Batch) -> Result<(), Ended> {
    let Batch { before, after, entries, requests } = batch;
    let [size, start] = [after.size(), before.size()].map(signed);
    let (root, old_root) = (after.root(), before.root());
    let (root, old_root): (&[u8], &[u8]) = (root.as_bytes(), old_root.as_bytes());
    let frontier = after.frontier.to_bytes();
    let DatabaseIdentity { id, system_identifier, timeline } = before.database;
    match &mut tx.on {
        Engine::Pg(tx) => {
            let (projects, ids): (Vec<&str>, Vec<&[u8]>) =
                requests.iter().map(|(request, _)| (request.id.project.as_str(), request.id.id.as_slice())).unzip();
            let append = sqlx::query_scalar(APPEND).bind(log_id).bind(size).bind(root).bind(frontier);
            let append = append.bind(signed(after.time)).bind(start).bind(old_root);
            let append = append.bind(signed(before.recovery_epoch)).bind(id.as_slice());
            let append = append.bind(system_identifier).bind(timeline).bind(entries).bind(projects).bind(ids);
            let swapped: i64 = append.fetch_one(&mut **tx).await?;
            if swapped == 0 {
                return Err(Ended::Conflict);
            }
        }
        Engine::Lite(tx) => {
            let swap = sqlx::query(SWAP).bind(log_id).bind(size).bind(root).bind(&frontier).bind(signed(after.time));
            let swap = swap.bind(start).bind(old_root).bind(signed(before.recovery_epoch)).bind(id.as_slice());
            if swap.execute(&mut **tx).await?.rows_affected() == 0 {
                return Err(Ended::Conflict);
            }
            sqlx::query(CHECKPOINT).bind(log_id).bind(size).bind(root).execute(&mut **tx).await?;
            let batch = sqlx::query(BATCH).bind(log_id).bind(start).bind(size - start).bind(entries);
            batch.execute(&mut **tx).await?;
            // SQLite has no arrays: the projects are one of JSON, the ids, of one length, one blob behind another.
            let projects: serde_json::Value = requests.iter().map(|(request, _)| request.id.project.as_str()).collect();
            let ids: Vec<u8> = requests.iter().flat_map(|(request, _)| request.id.id).collect();
            let requests = sqlx::query(REQUESTS).bind(log_id).bind(start).bind(projects.to_string()).bind(ids);
            requests.execute(&mut **tx).await?;
        }
    }
    write_side_rows(tx, requests).await
}

/// Rows of one type that are written at once, with the positions of their requests.
struct Together<'b> {
    of: TypeId,
    write: WriteTogether,
    positions: Vec<usize>,
    turns: Vec<Turn<'b>>,
}

/// Writes the side rows of a batch: in its order, but for those that are written together.
async fn write_side_rows(tx: &mut Tx<'_>, requests: &[(Request, Receipt)]) -> Result<(), Ended> {
    let mut waiting: Vec<Together<'_>> = Vec::new();
    for (position, (request, receipt)) in requests.iter().enumerate() {
        let Some(rows) = request.side_rows.as_deref() else { continue };
        let Some(write) = rows.together() else {
            write_together(tx, &mut waiting).await?;
            rows.write(tx, receipt).await.map_err(|error| match error {
                SideError::Refused(refusal) => Ended::Refused(vec![(position, refusal)]),
                SideError::Store(error) => Ended::Store(error),
            })?;
            continue;
        };
        let any: &dyn Any = rows;
        let of = any.type_id();
        match waiting.iter_mut().find(|together| together.of == of) {
            Some(together) => {
                together.positions.push(position);
                together.turns.push((rows, receipt));
            }
            None => waiting.push(Together { of, write, positions: vec![position], turns: vec![(rows, receipt)] }),
        }
    }
    write_together(tx, &mut waiting).await
}

/// Writes what waits to be written together.
async fn write_together(tx: &mut Tx<'_>, waiting: &mut Vec<Together<'_>>) -> Result<(), Ended> {
    for Together { of: _, write, positions, turns } in waiting.drain(..) {
        let refused = write(tx, &turns).await?;
        if !refused.is_empty() {
            let position = |(at, refusal)| positions.get(at).map(|position| (*position, refusal));
            let mut refused: Vec<_> = refused.into_iter().filter_map(position).collect();
            refused.sort_by_key(|(position, _)| *position);
            return Err(Ended::Refused(refused));
        }
    }
    Ok(())
}

/// Waits until nobody else can change the head, behind all who wait already. On SQLite BEGIN IMMEDIATE has done so.
pub(super) async fn take_head(tx: &mut Tx<'_>, log_id: i64) -> Result<(), StoreError> {
    const TAKE: &str = "-- log_take_head\nSELECT 1 FROM log_head WHERE log_id = $1 FOR UPDATE";
    if let Engine::Pg(tx) = &mut tx.on {
        // A statement of its own: under READ COMMITTED only the next one sees all that was committed before the lock came.
        sqlx::query(TAKE).bind(log_id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Creates the log of `batch`, whose `before` is empty, unless there is one with that origin.
pub(super) async fn create(tx: &mut Tx<'_>, origin: &str, batch: &Batch) -> Result<(), StoreError> {
    const CREATE: &str = "-- log_create\nINSERT INTO log_head (log_id, origin, size, root, frontier, time, recovery_epoch, \
         database_id, system_identifier, timeline) \
         SELECT COALESCE(MAX(log_id), 0) + 1, $1, 1, $2, $3, $4, 0, $5, $6, $7 FROM log_head \
         WHERE true ON CONFLICT (origin) DO NOTHING RETURNING log_id";
    const CHECKPOINT: &str = "-- log_create\nINSERT INTO log_checkpoint (log_id, size, root) VALUES ($1, 1, $2)";
    const BATCH: &str = "-- log_create\nINSERT INTO log_batch (log_id, start, count, entries) VALUES ($1, 0, 1, $2)";
    let Head { frontier, time, recovery_epoch: _, database } = &batch.after;
    let DatabaseIdentity { id, system_identifier, timeline } = *database;
    let root: Hash = frontier.root();
    let root = root.as_bytes().as_slice();
    on!(&mut tx.on, tx => {
        let create = sqlx::query_scalar::<_, i64>(CREATE).bind(origin).bind(root).bind(frontier.to_bytes());
        let create = create.bind(signed(*time)).bind(id.as_slice()).bind(system_identifier).bind(timeline);
        if let Some(log_id) = create.fetch_optional(&mut **tx).await? {
            sqlx::query(CHECKPOINT).bind(log_id).bind(root).execute(&mut **tx).await?;
            sqlx::query(BATCH).bind(log_id).bind(&batch.entries).execute(&mut **tx).await?;
        }
    });
    Ok(())
}

/// Writes into the head that the log goes on in the database that answers, in a new recovery epoch.
///
/// The entry that says so is appended in the same transaction.
pub(super) async fn move_head(tx: &mut Tx<'_>, log_id: i64, from: &Head, to: &Head) -> Result<(), Ended> {
    const MOVE: &str = "-- log_recover\nUPDATE log_head SET recovery_epoch = $2, system_identifier = $3, timeline = $4 \
         WHERE log_id = $1 AND size = $5 AND root = $6 AND recovery_epoch = $7 AND database_id = $8";
    let DatabaseIdentity { id, system_identifier, timeline } = to.database;
    let root = from.root();
    let moved = on!(&mut tx.on, tx => {
        let update = sqlx::query(MOVE).bind(log_id).bind(signed(to.recovery_epoch)).bind(system_identifier).bind(timeline);
        let update = update.bind(signed(from.size())).bind(root.as_bytes().as_slice());
        let update = update.bind(signed(from.recovery_epoch)).bind(id.as_slice());
        update.execute(&mut **tx).await?.rows_affected()
    });
    if moved == 0 { Err(Ended::Conflict) } else { Ok(()) }
}

/// The identity of the database that answers; `id` is the log's own.
pub(super) async fn live_identity(tx: &mut Tx<'_>, id: [u8; 16]) -> Result<DatabaseIdentity, StoreError> {
    let (system_identifier, timeline) = match &mut tx.on {
        Engine::Lite(_) => (0, 0),
        Engine::Pg(tx) => sqlx::query_as(LIVE).fetch_one(&mut **tx).await?,
    };
    Ok(DatabaseIdentity { id, system_identifier, timeline })
}

/// Sizes are at most [`prooftrail_ledger::MAX_TREE_SIZE`]; times and epochs of 64 bits do not occur.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
