//! Which tiles a log has to write when its tree grows. In: two sizes; out: the tiles that are new or wider. C2SP
//! tlog-tiles, section "Partial Tiles".

use std::iter;

use crate::tiles::{FULL_WIDTH, TILE_HEIGHT, Tile, TileKind};

/// The tiles of the tree of `size` leaves that the tree of `earlier` leaves did not have: entry bundles first, then
/// hashes from level 0 up, each from left to right. All tiles of a tree are those of its growth from 0.
pub fn tiles_of_growth(earlier: u64, size: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..=u64::BITS / u32::from(TILE_HEIGHT)).filter_map(|level| u8::try_from(level).ok());
    let kinds = iter::once(TileKind::Entries).chain(levels.map(|level| TileKind::Hashes { level }));
    kinds.flat_map(move |kind| {
        let before = hashes_at(kind, earlier);
        let after = hashes_at(kind, size);
        let first = before / u64::from(FULL_WIDTH);
        let end = if after > before { after.div_ceil(FULL_WIDTH.into()) } else { first };
        (first..end).filter_map(move |index| Tile::at_size(kind, index, size).ok())
    })
}

/// The number of hashes or entries in all tiles of `kind` of a tree of `size` leaves.
fn hashes_at(kind: TileKind, size: u64) -> u64 {
    match kind {
        TileKind::Entries => size,
        TileKind::Hashes { level } => size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::tiles_of_growth;

    fn paths(earlier: u64, size: u64) -> Vec<String> {
        tiles_of_growth(earlier, size).map(|tile| tile.to_string()).collect()
    }

    #[test]
    fn only_what_changed_is_written() {
        assert_eq!(paths(0, 0), [""; 0]);
        assert_eq!(paths(7, 7), [""; 0]);
        assert_eq!(paths(9, 7), [""; 0]);
        assert_eq!(paths(0, 1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(paths(7, 9), ["tile/entries/000.p/9", "tile/0/000.p/9"]);
        assert_eq!(paths(255, 256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(paths(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
        assert_eq!(paths(0, 70_000).len(), 274 + 274 + 2 + 1);
        assert_eq!(
            paths(65_535, 65_537),
            [
                "tile/entries/255",
                "tile/entries/256.p/1",
                "tile/0/255",
                "tile/0/256.p/1",
                "tile/1/000",
                "tile/2/000.p/1",
            ]
        );
        assert_eq!(tiles_of_growth(u64::MAX - 1, u64::MAX).count(), 2);
    }
}
