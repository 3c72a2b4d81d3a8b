//! Proofs, made from tiles wherever they are. In: something that gives tiles, a checkpoint that is believed, and what is to
//! be proved; out: the proof, after it has verified. RFC 6962 section 2.1; C2SP tlog-tiles, section "Merkle Tree".

use std::collections::BTreeSet;

use prooftrail_ledger::{
    Hash,
    merkle::{
        ConsistencyError, HashReader, InclusionError, Node, ProofPlan, Subtree, verify_consistency, verify_inclusion,
    },
    tiles::{FULL_WIDTH, HashTile, OffEdge, Tile, TileKind, TileSet, TileSetError},
};

use super::{
    database::LogDatabase,
    remote::{FetchError, Http, Remote},
    tiles::TileError,
};

/// What gives a log's tiles of hashes. What it gives is believed only as far as a proof made of it verifies.
pub trait TileReader {
    /// The bytes of `tile` in the tree of `size` leaves.
    ///
    /// # Errors
    /// [`ProveError`].
    fn read(&self, tile: Tile, size: u64) -> impl Future<Output = Result<Vec<u8>, ProveError>>;
}

impl TileReader for LogDatabase {
    async fn read(&self, tile: Tile, size: u64) -> Result<Vec<u8>, ProveError> {
        Ok(self.tile(tile, size).await?)
    }
}

impl<H: Http> TileReader for Remote<H> {
    async fn read(&self, tile: Tile, _: u64) -> Result<Vec<u8>, ProveError> {
        let served = self.fetch(tile).await?.ok_or(ProveError::NotServed { tile })?;
        let length = usize::from(tile.width()) * Hash::BYTES;
        // A full tile may stand in for a partial one.
        served.bytes.get(..length).map(<[u8]>::to_vec).ok_or(ProveError::NotServed { tile })
    }
}

/// That a leaf stands in a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inclusion {
    /// The leaf's hash.
    pub leaf: Hash,
    /// From the leaf's sibling up.
    pub path: Vec<Hash>,
}

/// Proves that the leaf at `index` stands in the tree of `size` leaves with the root `root`.
///
/// # Errors
/// [`ProveError`].
pub async fn inclusion(log: &impl TileReader, index: u64, size: u64, root: &Hash) -> Result<Inclusion, ProveError> {
    let plan = ProofPlan::inclusion(index, size)?;
    let node = Node { level: 0, index };
    let tiles = read_tiles(log, plan.nodes().chain([node]), size).await?;
    let (leaf, path) = (tiles.hash(node)?, plan.prove(&tiles)?);
    verify_inclusion(&leaf, index, size, &path, root)?;
    Ok(Inclusion { leaf, path })
}

/// That a tree has only grown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Consistency {
    /// The root of the earlier tree, as the later one implies it.
    pub earlier_root: Hash,
    /// The proof.
    pub proof: Vec<Hash>,
}

/// Proves that the tree of `size` leaves with the root `root` extends one of `earlier` leaves, and gives that one's root.
///
/// # Errors
/// [`ProveError`].
pub async fn consistency(
    log: &impl TileReader,
    earlier: u64,
    size: u64,
    root: &Hash,
) -> Result<Consistency, ProveError> {
    let plan = ProofPlan::consistency(earlier, size)?;
    let prefix = Subtree::prefix(earlier);
    let tiles = read_tiles(log, plan.nodes().chain(prefix.nodes()), size).await?;
    let (earlier_root, proof) = (prefix.root(&tiles)?, plan.prove(&tiles)?);
    verify_consistency(earlier, size, &proof, &earlier_root, root)?;
    Ok(Consistency { earlier_root, proof })
}

/// The index of the first leaf with the hash `leaf` in the tree of `size` leaves. Every leaf may have to be looked at;
/// `progress` is told how many have been.
///
/// # Errors
/// [`ProveError`].
pub async fn find(
    log: &impl TileReader,
    leaf: &Hash,
    size: u64,
    mut progress: impl FnMut(u64, u64),
) -> Result<Option<u64>, ProveError> {
    for index in 0..size.div_ceil(FULL_WIDTH.into()) {
        let tile = Tile::at_size(TileKind::Hashes { level: 0 }, index, size)?;
        let hashes = HashTile::parse(tile, &log.read(tile, size).await?).map_err(TileSetError::from)?;
        let first = index * u64::from(FULL_WIDTH);
        if let Some((found, _)) = (first..).zip(hashes.hashes()).find(|(_, hash)| *hash == leaf) {
            return Ok(Some(found));
        }
        progress(first, size);
    }
    Ok(None)
}

async fn read_tiles(
    log: &impl TileReader,
    nodes: impl IntoIterator<Item = Node>,
    size: u64,
) -> Result<TileSet, ProveError> {
    let mut tiles = TileSet::new(size);
    let needed: BTreeSet<Tile> = tiles.tiles_of(nodes)?;
    for tile in needed {
        tiles.insert(tile, &log.read(tile, size).await?)?;
    }
    Ok(tiles)
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The log does not have that entry, or its tiles do not lead to the root.
    #[error(transparent)]
    Inclusion(#[from] InclusionError),
    /// The log was never of that size, or its tiles do not lead to the root.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
    /// Tiles that are none.
    #[error(transparent)]
    Tiles(#[from] TileSetError),
    /// The tree does not have a tile.
    #[error(transparent)]
    OffEdge(#[from] OffEdge),
    /// The database has no such tile, or cannot be read.
    #[error(transparent)]
    Database(#[from] TileError),
    /// The server does not have a tile that its checkpoint calls for.
    #[error("the server does not have {tile}")]
    NotServed {
        /// The tile.
        tile: Tile,
    },
    /// The server cannot be read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl ProveError {
    /// Whether the log contradicts the checkpoint, rather than cannot be read or was asked for what it never had.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        matches!(
            self,
            Self::Inclusion(InclusionError::RootMismatch { .. })
                | Self::Consistency(ConsistencyError::LaterRootMismatch { .. } | ConsistencyError::Fork { .. })
                | Self::Tiles(_)
                | Self::NotServed { .. }
                | Self::Fetch(FetchError::TooLong { .. })
        )
    }
}
