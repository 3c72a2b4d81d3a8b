//! Tiles as a store of node hashes. In: the nodes a proof needs, then the tiles that hold them; out: the hashes to make
//! the proof from. The caller fetches the tiles between the two, by whatever means it has. C2SP tlog-tiles.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Hash,
    merkle::{HashReader, Node},
    tiles::{HashTile, HashTileError, OffEdge, TILE_HEIGHT, Tile, TileKind},
};

/// Tiles of hashes of the tree of one size, enough for some proofs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TileSet {
    size: u64,
    tiles: BTreeMap<Tile, HashTile>,
}

impl TileSet {
    /// No tiles yet, of the tree of `size` leaves.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self { size, tiles: BTreeMap::new() }
    }

    /// The tiles that hold `nodes`, each once, as the tree of this size has them.
    ///
    /// # Errors
    /// [`OffEdge`] if the tree of this size has no such node.
    pub fn tiles_of(&self, nodes: impl IntoIterator<Item = Node>) -> Result<BTreeSet<Tile>, OffEdge> {
        nodes.into_iter().map(|node| self.place(node).map(|(tile, ..)| tile)).collect()
    }

    /// Adds the contents of `tile`. A full tile may stand in for a partial one, as logs delete partial tiles.
    ///
    /// # Errors
    /// [`TileSetError::OffEdge`] unless the tile is one of this tree, or full where this tree's is partial;
    /// [`TileSetError::Contents`].
    pub fn insert(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), TileSetError> {
        let needed = Tile::at_size(tile.kind(), tile.index(), self.size)?;
        if tile != needed && tile != needed.full() {
            return Err(OffEdge { tile, size: self.size }.into());
        }
        let mut hashes = HashTile::parse(tile, bytes)?.hashes().to_vec();
        hashes.truncate(needed.width().into());
        self.tiles.insert(needed, HashTile::new(hashes)?);
        Ok(())
    }

    /// The tile that holds `node`, the height of the node above the tile's hashes, and its place at that height.
    fn place(&self, node: Node) -> Result<(Tile, u8, usize), OffEdge> {
        let kind = TileKind::Hashes { level: node.level / TILE_HEIGHT };
        let height = node.level % TILE_HEIGHT;
        let per_tile = 1_u64 << (TILE_HEIGHT - height);
        let tile = Tile::at_size(kind, node.index / per_tile, self.size)?;
        let place = usize::try_from(node.index % per_tile).unwrap_or(usize::MAX);
        let end = (place.saturating_add(1)) << height;
        if end > tile.width().into() { Err(OffEdge { tile, size: self.size }) } else { Ok((tile, height, place)) }
    }
}

impl HashReader for TileSet {
    type Error = TileSetError;

    fn hash(&self, node: Node) -> Result<Hash, TileSetError> {
        let (tile, height, place) = self.place(node)?;
        let hashes = self.tiles.get(&tile).ok_or(TileSetError::Missing { tile })?;
        hashes.interior(height, place).ok_or(TileSetError::Missing { tile })
    }
}

/// Why tiles do not give a hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TileSetError {
    /// The tile has not been added.
    #[error("{tile} is needed and missing")]
    Missing {
        /// The tile.
        tile: Tile,
    },
    /// The tree of this size has no such tile or node.
    #[error(transparent)]
    OffEdge(#[from] OffEdge),
    /// The bytes are not the tile's contents.
    #[error(transparent)]
    Contents(#[from] HashTileError),
}

#[cfg(test)]
mod tests {
    use super::{TileSet, TileSetError};
    use crate::{
        Hash,
        merkle::{HashReader, Node},
        tiles::{HashTileError, OffEdge, Tile},
    };

    #[test]
    fn each_defect_has_its_reason() {
        let mut tiles = TileSet::new(300);
        let tile = |path| Tile::parse(path).unwrap();
        let off_edge = |path| TileSetError::OffEdge(OffEdge { tile: tile(path), size: 300 });
        for (path, bytes, reason) in [
            ("tile/0/002.p/1", 32, off_edge("tile/0/002.p/1")),
            ("tile/0/001.p/45", 45 * 32, off_edge("tile/0/001.p/45")),
            ("tile/0/001.p/43", 43 * 32, off_edge("tile/0/001.p/43")),
            ("tile/1/001.p/1", 32, off_edge("tile/1/001.p/1")),
            ("tile/0/001.p/44", 44 * 32 - 1, TileSetError::Contents(HashTileError::Length { have: 1407, need: 1408 })),
            ("tile/0/001.p/44", 44 * 32 + 1, TileSetError::Contents(HashTileError::Length { have: 1409, need: 1408 })),
            ("tile/entries/001.p/44", 1408, TileSetError::Contents(HashTileError::NotHashes)),
        ] {
            assert_eq!(tiles.insert(tile(path), &vec![0; bytes]), Err(reason), "{path} {bytes}");
        }
        let missing = TileSetError::Missing { tile: tile("tile/0/001.p/44") };
        let leaf = Node { level: 0, index: 299 };
        assert_eq!(tiles.hash(leaf), Err(missing));
        for (level, index) in [(0, 300), (1, 150), (5, 9), (8, 1), (9, 0), (63, 0)] {
            assert!(matches!(tiles.hash(Node { level, index }), Err(TileSetError::OffEdge(_))), "{level} {index}");
        }
        // A full tile stands in for the partial one, and no more of it is used.
        let full: Vec<u8> = (0..=255).flat_map(|byte| [byte; 32]).collect();
        tiles.insert(tile("tile/0/001"), &full).unwrap();
        assert_eq!(tiles.hash(leaf), Ok(Hash::new([43; 32])));
        assert!(tiles.hash(Node { level: 0, index: 300 }).is_err());
    }
}
