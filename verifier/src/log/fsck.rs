//! Checking the whole of a log in a database: the scrubber's walk, and the rows that no walk along the entries meets. In: a
//! database opened to look at, and a guard file if there is one; out: every finding. docs/ledger.md, section "Checking".

use prooftrail_ledger::{
    Hash,
    tiles::{Tile, TileKind},
};

use super::{
    database::{HeadRow, LogDatabase, LogStore, read_head},
    finding::{Finding, Findings},
    guard::Guard,
    head::{Signed, StoredHead, check_extends},
    scrubber::Scrubber,
};
use crate::store::{StoreError, on};

/// How many rows of one defect are read.
const MAX_ROWS: i64 = 1000;

/// What a check covered, and what it found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The number of entries.
    pub size: u64,
    /// The root that is stored in the head.
    pub root: Option<Hash>,
    /// How many stored roots were compared.
    pub checkpoints: u64,
    /// How many stored tiles were compared.
    pub tiles: u64,
    /// What was found.
    pub found: Findings,
}

/// Checks `log`, which may be appended to meanwhile: it is checked up to the head that it has when this begins.
/// `progress` is told how many entries have been read, and of how many.
///
/// # Errors
/// [`StoreError`] if the database cannot be read.
pub async fn check(
    log: &LogDatabase,
    guard: Option<(&str, &Guard)>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Checked, StoreError> {
    let mut found = Findings::default();
    let head = log.head_row().await?.ok_or(StoreError::Corrupt { what: "log_head" })?;
    let mut scrubber = Scrubber::default();
    while scrubber.step(log, head.size, &mut found).await? {
        progress(scrubber.position(), head.size);
    }
    scrubber.compare_head(&head, &mut found);
    log.find_strays(&mut found).await?;
    if let Some((origin, guard)) = guard {
        check_guard(log, origin, guard, &head, &mut found).await?;
    }
    let root = head.root.as_slice().try_into().ok().map(Hash::new);
    let (size, checkpoints, tiles) = (head.size, scrubber.checkpoints(), scrubber.tiles());
    Ok(Checked { size, root, checkpoints, tiles, found })
}

/// Whether the log has what the guard file says was signed.
async fn check_guard(
    log: &LogDatabase,
    origin: &str,
    guard: &Guard,
    head: &HeadRow,
    found: &mut Findings,
) -> Result<(), StoreError> {
    if guard.origin != origin {
        found.push(Finding::Guard(super::head::Freeze::OtherOrigin { have: guard.origin.clone() }));
        return Ok(());
    }
    let Ok(head) = read_head(head) else {
        // The defect of the head itself is listed already.
        return Ok(());
    };
    // Where the database is now does not matter to what it holds.
    let live = head.database;
    let root_then = log.root_at(guard.size).await?;
    // The guard is read before the head, or the process that writes it may be ahead of what was read here.
    if let Err(freeze) = check_extends(&StoredHead { head, live }, &Signed::from(guard), root_then) {
        found.push(Finding::Guard(freeze));
    }
    Ok(())
}

impl LogDatabase {
    /// Rows that name entries which the log does not have. Each query sees one state of the database, so appending
    /// meanwhile makes no findings.
    async fn find_strays(&self, found: &mut Findings) -> Result<(), StoreError> {
        const CHECKPOINTS: &str = "-- fsck_checkpoints\nSELECT c.size FROM log_checkpoint c JOIN log_head h ON h.log_id = c.log_id \
             WHERE c.log_id = $1 AND (c.size < 1 OR c.size > h.size) ORDER BY c.size LIMIT $2";
        const BATCHES: &str = "-- fsck_batches\nSELECT b.start + b.count, h.size FROM log_batch b JOIN log_head h ON h.log_id = b.log_id \
             WHERE b.log_id = $1 AND b.start >= h.size ORDER BY b.start LIMIT $2";
        const REQUESTS: &str = "-- fsck_requests\nSELECT r.project, r.entry_index FROM log_request r JOIN log_head h ON h.log_id = r.log_id \
             WHERE r.log_id = $1 AND (r.entry_index < 0 OR r.entry_index >= h.size) LIMIT $2";
        const SHARED: &str = "-- fsck_shared\nSELECT entry_index, count(*) FROM log_request WHERE log_id = $1 \
             GROUP BY entry_index HAVING count(*) > 1 ORDER BY entry_index LIMIT $2";
        const TILES: &str = "-- fsck_tiles\nSELECT level, tile_index, h.size FROM log_tile t JOIN log_head h ON h.log_id = t.log_id \
             WHERE t.log_id = $1 AND tile_index IN (SELECT MAX(tile_index) FROM log_tile u WHERE u.log_id = t.log_id \
             AND u.level = t.level UNION SELECT MIN(tile_index) FROM log_tile u WHERE u.log_id = t.log_id \
             AND u.level = t.level) ORDER BY level, tile_index LIMIT $2";
        let id = self.log_id;
        let (checkpoints, batches, requests, shared, tiles) = on!(self.store.db(), pool => {
            let checkpoints: Vec<i64> =
                sqlx::query_scalar(CHECKPOINTS).bind(id).bind(MAX_ROWS).fetch_all(pool).await?;
            let batches: Vec<(i64, i64)> = sqlx::query_as(BATCHES).bind(id).bind(MAX_ROWS).fetch_all(pool).await?;
            let requests: Vec<(String, i64)> =
                sqlx::query_as(REQUESTS).bind(id).bind(MAX_ROWS).fetch_all(pool).await?;
            let shared: Vec<(i64, i64)> = sqlx::query_as(SHARED).bind(id).bind(MAX_ROWS).fetch_all(pool).await?;
            let tiles: Vec<(i64, i64, i64)> = sqlx::query_as(TILES).bind(id).bind(MAX_ROWS).fetch_all(pool).await?;
            Ok::<_, sqlx::Error>((checkpoints, batches, requests, shared, tiles))
        })?;
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        for size in checkpoints {
            found.push(Finding::StrayCheckpoint { size });
        }
        for (end, size) in batches {
            found.push(Finding::Beyond { end: unsigned(end), size: unsigned(size) });
        }
        for (project, index) in requests {
            found.push(Finding::Request { project, index });
        }
        for (index, requests) in shared {
            found.push(Finding::SharedEntry { index, requests });
        }
        // Only the outermost tiles of each level can lie outside.
        for (level, index, size) in tiles {
            let kind = u8::try_from(level).ok().filter(|level| *level <= Tile::MAX_LEVEL);
            let tile = kind.zip(u64::try_from(index).ok()).and_then(|(level, index)| {
                Tile::at_size(TileKind::Hashes { level }, index, unsigned(size)).ok().filter(Tile::is_full)
            });
            if tile.is_none() {
                found.push(Finding::StrayTile { level, index });
            }
        }
        Ok(())
    }
}
