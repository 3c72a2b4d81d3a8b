//! A log's tree, made anew from its leaves. In: leaf hashes in their order; out: the root, and every tile of hashes that the
//! leaves make, to compare with what a database or a server has. C2SP tlog-tiles, section "Merkle Tree".

use prooftrail_ledger::{
    Frontier, Hash,
    merkle::FrontierError,
    tiles::{FULL_WIDTH, HashTile, Tile, TileKind},
};

/// The tree over the leaves so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Rebuilt {
    frontier: Frontier,
    /// For each level, from the leaves up, the hashes of its last tile while that is partial.
    partial: Vec<Vec<Hash>>,
}

impl Rebuilt {
    pub(super) const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends a leaf, and returns the tiles that it fills, from the leaves up: mostly none.
    ///
    /// # Errors
    /// [`FrontierError::Full`].
    pub(super) fn push(&mut self, leaf: Hash) -> Result<Vec<(Tile, HashTile)>, FrontierError> {
        self.frontier.append(leaf)?;
        let size = self.frontier.size();
        let mut filled = Vec::new();
        let mut hash = leaf;
        for level in 0..=Tile::MAX_LEVEL {
            let place = usize::from(level);
            if self.partial.len() <= place {
                self.partial.push(Vec::new());
            }
            let Some(hashes) = self.partial.get_mut(place) else { break };
            hashes.push(hash);
            if hashes.len() < usize::from(FULL_WIDTH) {
                break;
            }
            let index = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0).saturating_sub(1);
            let full = HashTile::new(std::mem::take(hashes));
            let (Ok(full), Ok(tile)) = (full, Tile::at_size(TileKind::Hashes { level }, index, size)) else { break };
            hash = full.root();
            filled.push((tile, full));
        }
        Ok(filled)
    }

    /// The partial tiles at the right edge, from the leaves up.
    pub(super) fn partial_tiles(&self) -> impl Iterator<Item = (Tile, HashTile)> {
        let size = self.frontier.size();
        (0..=Tile::MAX_LEVEL).zip(&self.partial).filter_map(move |(level, hashes)| {
            let index = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
            let tile = Tile::at_size(TileKind::Hashes { level }, index, size).ok()?;
            Some((tile, HashTile::new(hashes.clone()).ok()?))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prooftrail_ledger::{
        Hash,
        merkle::ProofPlan,
        tiles::{TileKind, TileSet, tiles_of_growth},
    };

    use super::Rebuilt;

    #[test]
    fn the_tiles_are_those_of_the_tree() {
        let leaf = |index: u64| Hash::of_leaf(&index.to_be_bytes());
        for size in [1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000] {
            let mut tree = Rebuilt::default();
            let mut made = Vec::new();
            (0..size).for_each(|index| made.extend(tree.push(leaf(index)).unwrap()));
            made.extend(tree.partial_tiles());
            let names: BTreeSet<_> = made.iter().map(|(tile, _)| *tile).collect();
            let hashes = |kind| matches!(kind, TileKind::Hashes { .. });
            assert_eq!(names, tiles_of_growth(0, size).filter(|tile| hashes(tile.kind())).collect(), "{size}");
            assert_eq!(names.len(), made.len());
            let mut tiles = TileSet::new(size);
            made.iter().for_each(|(tile, hashes)| tiles.insert(*tile, &hashes.to_bytes()).unwrap());
            let path = ProofPlan::inclusion(size - 1, size).unwrap().prove(&tiles).unwrap();
            let root = tree.frontier().root();
            prooftrail_ledger::merkle::verify_inclusion(&leaf(size - 1), size - 1, size, &path, &root).unwrap();
        }
    }
}
