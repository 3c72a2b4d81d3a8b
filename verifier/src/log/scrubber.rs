//! The scrubber: reads every entry again and makes the tree anew. In: a log; out: whatever is not as it was committed.
//! It changes nothing, may stop after any step, and goes on from where it stopped.

use std::collections::HashMap;

use prooftrail_ledger::{Hash, tiles::TileKind};

use super::{
    batch::split_entries,
    database::LogDatabase,
    entry::Entry,
    finding::{Finding, Findings},
    rebuild::Rebuilt,
};
use crate::store::{StoreError, on};

/// How many batches are read in a step: 3 MiB of entries if all are as long as they may be.
const BATCHES_PER_STEP: i64 = 64;

/// What the scrubber has read, in order; a new one begins at the genesis entry.
#[derive(Clone, Debug)]
pub struct Scrubber {
    tree: Rebuilt,
    /// The next index. It runs ahead of the tree once something is missing.
    position: u64,
    last_start: i64,
    time: u64,
    checkpoints: u64,
    tiles: u64,
}

impl Default for Scrubber {
    fn default() -> Self {
        Self {
            tree: Rebuilt::default(),
            position: 0,
            // Whatever index a row has, it is read.
            last_start: i64::MIN,
            time: 0,
            checkpoints: 0,
            tiles: 0,
        }
    }
}

impl Scrubber {
    /// The index of the next entry to be read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The number of checkpoints that were compared.
    #[must_use]
    pub const fn checkpoints(&self) -> u64 {
        self.checkpoints
    }

    /// The number of stored tiles that were compared.
    #[must_use]
    pub const fn tiles(&self) -> u64 {
        self.tiles
    }

    /// Reads from where it stopped to the head, as it is when this begins, and compares that as well.
    ///
    /// # Errors
    /// [`StoreError`], if the database could not be read. What was found before is in `found`.
    pub async fn run(&mut self, log: &LogDatabase, found: &mut Findings) -> Result<(), StoreError> {
        let Some(head) = log.head_row().await? else { return Ok(()) };
        while self.step(log, head.size, found).await? {}
        self.compare_head(&head, found);
        Ok(())
    }

    /// Reads some batches on, up to the head of `size` entries, and returns whether there are more.
    ///
    /// # Errors
    /// As [`Scrubber::run`].
    pub async fn step(&mut self, log: &LogDatabase, size: u64, found: &mut Findings) -> Result<bool, StoreError> {
        if self.position >= size {
            return Ok(false);
        }
        let rows = log.batches_after(self.last_start, size).await?;
        let more = i64::try_from(rows.len()) == Ok(BATCHES_PER_STEP);
        let (from, mut ends) = (self.position, Vec::new());
        let mut filled = Vec::new();
        for (start, count, bytes) in rows {
            self.last_start = start;
            let need = self.position;
            let (Ok(start), Ok(count)) = (u64::try_from(start), u64::try_from(count)) else {
                found.push(Finding::Overlap { start, need });
                continue;
            };
            if start < need {
                found.push(Finding::Overlap { start: self.last_start, need });
                continue;
            }
            if start > need {
                self.lose(Finding::Gap { start: need, end: start }, found);
                self.position = start;
            }
            match split_entries(&bytes, count) {
                Ok(entries) => entries.into_iter().for_each(|entry| self.read_entry(entry, &mut filled, found)),
                Err(_) => {
                    self.lose(Finding::Batch { start, count }, found);
                    self.position = start.saturating_add(count);
                }
            }
            let root = self.is_whole().then(|| self.tree.frontier().root());
            ends.push((self.position, root));
        }
        if !more && self.position < size {
            self.lose(Finding::Gap { start: self.position, end: size }, found);
            self.position = size;
        }
        if self.position > size {
            found.push(Finding::Beyond { end: self.position, size });
        }
        self.compare_checkpoints(log, from, &ends, found).await?;
        for (tile, hashes) in filled {
            let TileKind::Hashes { level } = tile.kind() else { continue };
            if let Some(stored) = log.stored_tile(level, tile.index()).await? {
                self.tiles += 1;
                if stored != hashes {
                    found.push(Finding::Tile { tile });
                }
            }
        }
        Ok(self.position < size)
    }

    fn read_entry(
        &mut self,
        bytes: &[u8],
        filled: &mut Vec<(prooftrail_ledger::tiles::Tile, Vec<u8>)>,
        found: &mut Findings,
    ) {
        let index = self.position;
        match Entry::decode(bytes) {
            Ok(entry) if entry.time < self.time => found.push(Finding::Time { index }),
            Ok(entry) => self.time = entry.time,
            // It is a leaf all the same, and may well be the one that was committed.
            Err(reason) => found.push(Finding::Entry { index, reason }),
        }
        if self.is_whole()
            && let Ok(tiles) = self.tree.push(Hash::of_leaf(bytes))
        {
            filled.extend(tiles.into_iter().map(|(tile, hashes)| (tile, hashes.to_bytes())));
        }
        self.position = index.saturating_add(1);
    }

    /// Compares the roots stored for sizes after `from` with those at the ends of batches.
    async fn compare_checkpoints(
        &mut self,
        log: &LogDatabase,
        from: u64,
        ends: &[(u64, Option<Hash>)],
        found: &mut Findings,
    ) -> Result<(), StoreError> {
        let mut stored: HashMap<u64, Hash> =
            log.checkpoints(from.saturating_add(1), self.position).await?.into_iter().collect();
        for (size, computed) in ends {
            match (stored.remove(size), computed) {
                (None, _) => found.push(Finding::NoCheckpoint { size: *size }),
                (Some(stored), Some(computed)) => {
                    self.checkpoints += 1;
                    if stored != *computed {
                        found.push(Finding::Root { size: *size, stored, computed: *computed });
                    }
                }
                (Some(_), None) => {}
            }
        }
        let mut stray: Vec<_> = stored.into_keys().collect();
        stray.sort_unstable();
        for size in stray {
            found.push(Finding::StrayCheckpoint { size: i64::try_from(size).unwrap_or(i64::MAX) });
        }
        Ok(())
    }

    /// Compares the head that all entries were read up to.
    pub(super) fn compare_head(&self, head: &super::database::HeadRow, found: &mut Findings) {
        if !self.is_whole() || self.position != head.size {
            return;
        }
        let frontier = self.tree.frontier();
        let (root, need) = (frontier.root(), self.time);
        for (what, is_same) in
            [("root", head.root == root.as_bytes()), ("frontier", head.frontier == frontier.to_bytes())]
        {
            if !is_same {
                found.push(Finding::Head { what });
            }
        }
        if u64::try_from(head.time) != Ok(need) {
            found.push(Finding::HeadTime { have: head.time, need });
        }
    }

    /// Whether the tree has every entry so far.
    fn is_whole(&self) -> bool {
        self.tree.frontier().size() == self.position
    }

    /// Goes on without the tree.
    fn lose(&self, reason: Finding, found: &mut Findings) {
        found.push(reason);
        if self.is_whole() {
            found.push(Finding::NotRebuilt { size: self.position });
        }
    }
}

impl LogDatabase {
    /// Batches in their order: those that begin after `start` and before `size`.
    async fn batches_after(&self, start: i64, size: u64) -> Result<Vec<(i64, i64, Vec<u8>)>, StoreError> {
        const BATCHES: &str = "-- scrub_batches\nSELECT start, count, entries FROM log_batch \
             WHERE log_id = $1 AND start > $2 AND start < $3 ORDER BY start LIMIT $4";
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        Ok(on!(self.store.db(), pool => {
            let rows = sqlx::query_as(BATCHES).bind(self.log_id).bind(start).bind(size).bind(BATCHES_PER_STEP);
            rows.fetch_all(pool).await
        })?)
    }
}
