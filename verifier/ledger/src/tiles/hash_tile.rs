//! The contents of a tile of hashes. In: 32 bytes per hash, or the hashes themselves; out: the stored nodes that lie in
//! the tile. C2SP tlog-tiles, section "Merkle Tree".

use crate::{
    Hash,
    tiles::{FULL_WIDTH, Tile, TileKind},
};

/// The hashes of one tile, as many as the tile is wide. That they are the tree's is not checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HashTile {
    hashes: Vec<Hash>,
}

impl HashTile {
    /// A tile from its hashes, from left to right.
    ///
    /// # Errors
    /// [`HashTileError::Width`] unless there are 1 to 256.
    pub fn new(hashes: Vec<Hash>) -> Result<Self, HashTileError> {
        if hashes.is_empty() || hashes.len() > FULL_WIDTH.into() {
            return Err(HashTileError::Width { have: hashes.len() });
        }
        Ok(Self { hashes })
    }

    /// Reads the contents of `tile`.
    ///
    /// # Errors
    /// [`HashTileError::NotHashes`] for an entry bundle, [`HashTileError::Length`] unless the bytes are exactly as many
    /// hashes as the tile is wide.
    pub fn parse(tile: Tile, bytes: &[u8]) -> Result<Self, HashTileError> {
        if tile.kind() == TileKind::Entries {
            return Err(HashTileError::NotHashes);
        }
        let need = usize::from(tile.width()) * Hash::BYTES;
        let (hashes, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
        if bytes.len() != need || !rest.is_empty() {
            return Err(HashTileError::Length { have: bytes.len(), need });
        }
        Ok(Self { hashes: hashes.iter().copied().map(Hash::new).collect() })
    }

    /// The hashes, from left to right.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The tile's contents. Inverse of [`HashTile::parse`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(Hash::as_bytes).copied().collect()
    }

    /// The root over all its hashes. That of a full tile is a hash of the tile above; a partial one is never hashed
    /// into the tile above.
    #[must_use]
    pub fn root(&self) -> Hash {
        root(&self.hashes)
    }

    /// The root over 2^`level` of its hashes, the `index`-th such group; `None` if the tile does not have them all.
    pub(super) fn interior(&self, level: u8, index: usize) -> Option<Hash> {
        let width = 1_usize.checked_shl(level.into())?;
        let start = index.checked_mul(width)?;
        self.hashes.get(start..start.checked_add(width)?).map(root)
    }
}

/// The root of the tree whose leaves have these hashes, at most as many as a tile has.
fn root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::EMPTY_ROOT,
        [only] => *only,
        _ => {
            let (left, right) = hashes.split_at(hashes.len().next_power_of_two() / 2);
            Hash::of_node(&root(left), &root(right))
        }
    }
}

/// Why bytes or hashes are not the contents of a tile.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HashTileError {
    /// No hashes, or more than a tile holds.
    #[error("a tile has 1 to 256 hashes, not {have}")]
    Width {
        /// The number given.
        have: usize,
    },
    /// Too few or too many bytes for the tile's width.
    #[error("the tile has {have} bytes instead of {need}")]
    Length {
        /// The number of bytes given.
        have: usize,
        /// The number of bytes that a tile of this width has.
        need: usize,
    },
    /// The coordinates are those of an entry bundle.
    #[error("an entry bundle is not a tile of hashes")]
    NotHashes,
}
