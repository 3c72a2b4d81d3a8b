//! Tiles. In: a log and the coordinates of a tile; out: its bytes. Full tiles of hashes are built behind the head and
//! stored; entry bundles and partial tiles are made from the entries when they are asked for. C2SP tlog-tiles.
//!
//! A stored tile is a pure function of the entries, so building may stop anywhere and be done twice.

use prooftrail_ledger::{
    Hash,
    tiles::{FULL_WIDTH, HashTile, OffEdge, Tile, TileKind, encode_entries},
};

use super::database::LogDatabase;
use crate::store::{StoreError, on};

impl LogDatabase {
    /// The bytes of `tile` in the tree of `size` leaves, which is committed.
    ///
    /// # Errors
    /// [`TileError`].
    pub async fn tile(&self, tile: Tile, size: u64) -> Result<Vec<u8>, TileError> {
        tile.check_within(size)?;
        match tile.kind() {
            TileKind::Entries => {
                let first = tile.index() * u64::from(FULL_WIDTH);
                let entries = self.entries(first, first + u64::from(tile.width())).await?;
                if entries.len() != usize::from(tile.width()) {
                    return Err(StoreError::Corrupt { what: "log_batch" }.into());
                }
                Ok(encode_entries(&entries).map_err(|_| StoreError::Corrupt { what: "log_batch.entries" })?)
            }
            TileKind::Hashes { level } => {
                let mut bytes = match self.stored_tile(level, tile.index()).await? {
                    Some(bytes) => bytes,
                    None => self.make_tile(level, tile.index(), tile.width()).await?.to_bytes(),
                };
                bytes.truncate(usize::from(tile.width()) * Hash::BYTES);
                Ok(bytes)
            }
        }
    }

    /// Builds the full tiles of the tree of `size` leaves that are not stored yet; returns how many it has stored.
    ///
    /// # Errors
    /// [`TileError`]; the tiles before are stored.
    pub async fn build_tiles(&self, size: u64) -> Result<u64, TileError> {
        const BUILT: &str =
            "-- tiles_built\nSELECT COALESCE(MAX(tile_index) + 1, 0) FROM log_tile WHERE log_id = $1 AND level = $2";
        let mut stored = 0;
        // From the leaves up, so that each level is made from the stored tiles below it.
        for level in 0..=Tile::MAX_LEVEL {
            let hashes = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            if hashes == 0 {
                break;
            }
            let built: i64 = on!(self.store.db(), pool => {
                sqlx::query_scalar(BUILT).bind(self.log_id).bind(i64::from(level)).fetch_one(pool).await
            })
            .map_err(StoreError::from)?;
            for index in u64::try_from(built).unwrap_or(0)..hashes {
                let tile = self.make_tile(level, index, FULL_WIDTH).await?;
                self.store_tile(level, index, &tile.to_bytes()).await?;
                stored += 1;
            }
        }
        Ok(stored)
    }

    /// The tile of `width` hashes, made from what is below it.
    pub(super) async fn make_tile(&self, level: u8, index: u64, width: u16) -> Result<HashTile, TileError> {
        let first = index * u64::from(FULL_WIDTH);
        let mut hashes = Vec::with_capacity(width.into());
        match level.checked_sub(1) {
            None => {
                let entries = self.entries(first, first + u64::from(width)).await?;
                hashes.extend(entries.iter().map(|entry| Hash::of_leaf(entry)));
            }
            Some(below) => {
                for child in first..first + u64::from(width) {
                    let tile = match self.stored_tile(below, child).await? {
                        Some(bytes) => HashTile::parse(full(below, child)?, &bytes).map_err(|_| CORRUPT_TILE)?,
                        None => Box::pin(self.make_tile(below, child, FULL_WIDTH)).await?,
                    };
                    hashes.push(tile.root());
                }
            }
        }
        let tile = HashTile::new(hashes).map_err(|_| CORRUPT_TILE)?;
        if tile.hashes().len() == usize::from(width) { Ok(tile) } else { Err(CORRUPT_TILE.into()) }
    }

    pub(super) async fn stored_tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        const TILE: &str =
            "-- tile_read\nSELECT hashes FROM log_tile WHERE log_id = $1 AND level = $2 AND tile_index = $3";
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        Ok(on!(self.store.db(), pool => {
            sqlx::query_scalar(TILE).bind(self.log_id).bind(i64::from(level)).bind(index).fetch_optional(pool).await
        })?)
    }

    async fn store_tile(&self, level: u8, index: u64, bytes: &[u8]) -> Result<(), StoreError> {
        // Somebody else may have stored the same.
        const STORE: &str = "-- tile_store\nINSERT INTO log_tile (log_id, level, tile_index, hashes) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (log_id, level, tile_index) DO NOTHING";
        self.write_tile("tile_store", STORE, level, index, bytes).await
    }

    /// Stores a tile in the place of the one that is stored.
    pub(super) async fn replace_tile(&self, level: u8, index: u64, bytes: &[u8]) -> Result<(), StoreError> {
        const REPLACE: &str = "-- tile_replace\nUPDATE log_tile SET hashes = $4 \
             WHERE log_id = $1 AND level = $2 AND tile_index = $3";
        self.write_tile("tile_replace", REPLACE, level, index, bytes).await
    }

    async fn write_tile(
        &self,
        name: &'static str,
        sql: &'static str,
        level: u8,
        index: u64,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let (log_id, index) = (self.log_id, i64::try_from(index).unwrap_or(i64::MAX));
        let written = self.store.run_tx(name, |tx| {
            Box::pin(async move {
                on!(&mut tx.on, tx => {
                    let write = sqlx::query(sql).bind(log_id).bind(i64::from(level)).bind(index).bind(bytes);
                    write.execute(&mut **tx).await?;
                });
                Ok::<_, StoreError>(())
            })
        });
        written.await
    }
}

const CORRUPT_TILE: StoreError = StoreError::Corrupt { what: "log_tile" };

/// The full tile at `index`, whatever the size of the tree.
fn full(level: u8, index: u64) -> Result<Tile, OffEdge> {
    Tile::at_size(TileKind::Hashes { level }, index, u64::MAX)
}

/// Why there is no tile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TileError {
    /// The tree has nothing there yet.
    #[error(transparent)]
    OffEdge(#[from] OffEdge),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
