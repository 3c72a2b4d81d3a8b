//! Which tile. In: `tile/0/x001/234.p/5`, or a position and the size of a tree; out: coordinates that are well-formed,
//! or the reason; and whether a tree of a given size has that tile at all. C2SP tlog-tiles, sections "Merkle Tree" and
//! "Log entries".

use std::fmt;

use crate::{
    InvalidDecimal, decimal,
    tiles::{FULL_WIDTH, TILE_HEIGHT},
};

/// What a tile holds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TileKind {
    /// Hashes of this level, 0 to 63: of leaves at level 0, of full tiles of the level below above it.
    Hashes {
        /// The level, in tiles of height 8.
        level: u8,
    },
    /// Entries: an entry bundle.
    Entries,
}

impl TileKind {
    /// The level whose width a tile of this kind has at a given size.
    const fn level(self) -> u8 {
        match self {
            Self::Hashes { level } => level,
            Self::Entries => 0,
        }
    }
}

/// The coordinates of a tile, full or partial.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl Tile {
    /// The highest level that a path may name.
    pub const MAX_LEVEL: u8 = 63;

    /// The tile of `kind` at `index` as a tree of `size` leaves has it: full, or as wide as the tree reaches.
    ///
    /// # Errors
    /// [`OffEdge`] if the tree has nothing there.
    pub fn at_size(kind: TileKind, index: u64, size: u64) -> Result<Self, OffEdge> {
        let available = available_width(kind, index, size);
        let tile = Self { kind, index, width: available.clamp(1, FULL_WIDTH) };
        if available == 0 { Err(OffEdge { tile, size }) } else { Ok(tile) }
    }

    /// Reads a path such as `tile/0/x001/234`, `tile/1/000.p/7` or `tile/entries/067`.
    ///
    /// # Errors
    /// [`TilePathError`].
    pub fn parse(path: &str) -> Result<Self, TilePathError> {
        if path.len() > MAX_PATH_BYTES {
            return Err(TilePathError::TooLong { have: path.len(), max: MAX_PATH_BYTES });
        }
        let path = path.strip_prefix("tile/").ok_or(TilePathError::NotATile)?;
        let (kind, path) = path.split_once('/').ok_or(TilePathError::NotATile)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => {
                let level = decimal::parse(level, Self::MAX_LEVEL.into()).map_err(TilePathError::Level)?;
                TileKind::Hashes { level: u8::try_from(level).unwrap_or(Self::MAX_LEVEL) }
            }
        };
        let (index, width) = match path.split_once(".p/") {
            Some((index, width)) => (index, parse_partial_width(width)?),
            None => (path, FULL_WIDTH),
        };
        Ok(Self { kind, index: parse_index(index)?, width })
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// The number of tiles of its kind and level to the left.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The number of its hashes or entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will never grow.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == FULL_WIDTH
    }

    /// The full tile at this place, of which this one is a beginning.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: FULL_WIDTH, ..self }
    }

    /// Checks that a tree of `size` leaves has this tile, or had it at a smaller size.
    ///
    /// # Errors
    /// [`OffEdge`].
    pub fn check_within(&self, size: u64) -> Result<(), OffEdge> {
        if self.width > available_width(self.kind, self.index, size) {
            return Err(OffEdge { tile: *self, size });
        }
        Ok(())
    }
}

/// The path below the log's prefix. Inverse of [`Tile::parse`].
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for group in (0..=groups).rev() {
            let x = if group == 0 { "" } else { "x" };
            let slash = if group == 0 { "" } else { "/" };
            write!(f, "{x}{:03}{slash}", self.index / 1000_u64.pow(group) % 1000)?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// The longest path of a tile: the last index of 64 bits, with a partial width.
const MAX_PATH_BYTES: usize = "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255".len();

/// How much of the tile at `index` a tree of `size` leaves fills, 0 to 256.
fn available_width(kind: TileKind, index: u64, size: u64) -> u16 {
    let height = u32::from(kind.level()) * u32::from(TILE_HEIGHT);
    let hashes = size.checked_shr(height).unwrap_or(0);
    let to_the_left = index.checked_mul(FULL_WIDTH.into());
    let available = to_the_left.and_then(|left| hashes.checked_sub(left)).unwrap_or(0);
    u16::try_from(available).map_or(FULL_WIDTH, |width| width.min(FULL_WIDTH))
}

/// Reads groups of three digits, each but the last after an `x`, the first not needlessly zero.
fn parse_index(path: &str) -> Result<u64, TilePathError> {
    let (leading, last) = path.rsplit_once('/').map_or((None, path), |(leading, last)| (Some(leading), last));
    let mut index = 0_u64;
    for group in leading.into_iter().flat_map(|leading| leading.split('/')) {
        let value = parse_group(group.strip_prefix('x').ok_or(TilePathError::Index)?)?;
        if index == 0 && value == 0 {
            return Err(TilePathError::Index);
        }
        index = push_group(index, value)?;
    }
    push_group(index, parse_group(last)?)
}

fn parse_group(group: &str) -> Result<u64, TilePathError> {
    if group.len() != 3 || !group.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TilePathError::Index);
    }
    group.parse().map_err(|_| TilePathError::Index)
}

fn push_group(index: u64, group: u64) -> Result<u64, TilePathError> {
    index.checked_mul(1000).and_then(|index| index.checked_add(group)).ok_or(TilePathError::IndexTooLarge)
}

fn parse_partial_width(width: &str) -> Result<u16, TilePathError> {
    match decimal::parse(width, u64::from(FULL_WIDTH) - 1) {
        Ok(0) => Err(TilePathError::EmptyTile),
        Ok(width) => Ok(u16::try_from(width).unwrap_or(FULL_WIDTH)),
        Err(reason) => Err(TilePathError::Width(reason)),
    }
}

/// Why a text is not the path of a tile.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TilePathError {
    /// Longer than the path of any tile.
    #[error("the path has {have} bytes; that of a tile has at most {max}")]
    TooLong {
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// Not `tile/`, a level or `entries`, and an index.
    #[error("the path does not begin with tile/, a level or entries, and a slash")]
    NotATile,
    /// The level is not a number from 0 to 63.
    #[error("the level is not a number: {0}")]
    Level(InvalidDecimal),
    /// The index is not written in groups of three digits, each but the last after an `x`, without leading zero groups.
    #[error("the index is not written as three-digit groups such as x001/234/067")]
    Index,
    /// The index does not fit 64 bits.
    #[error("the index does not fit 64 bits")]
    IndexTooLarge,
    /// The width of a partial tile is not a number from 1 to 255.
    #[error("the width of a partial tile is not a number: {0}")]
    Width(InvalidDecimal),
    /// The width of a partial tile is 0.
    #[error("a tile is never empty")]
    EmptyTile,
}

/// A tile of which a tree has nothing, or not that much.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{tile} is off the edge of a tree of {size} leaves")]
pub struct OffEdge {
    /// The tile.
    pub tile: Tile,
    /// The number of leaves.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::{OffEdge, Tile, TileKind, TilePathError};
    use crate::InvalidDecimal;

    #[test]
    fn paths_come_back_as_they_were() {
        for (path, kind, index, width) in [
            ("tile/0/000", TileKind::Hashes { level: 0 }, 0, 256),
            ("tile/0/x001/234", TileKind::Hashes { level: 0 }, 1234, 256),
            ("tile/7/x001/x234/067.p/255", TileKind::Hashes { level: 7 }, 1_234_067, 255),
            ("tile/63/999.p/1", TileKind::Hashes { level: 63 }, 999, 1),
            ("tile/entries/x001/000", TileKind::Entries, 1000, 256),
            ("tile/entries/x018/x446/x744/x073/x709/x551/615.p/255", TileKind::Entries, u64::MAX, 255),
        ] {
            let tile = Tile::parse(path).unwrap();
            assert_eq!((tile.kind(), tile.index(), tile.width()), (kind, index, width), "{path}");
            assert_eq!(tile.to_string(), path);
        }
    }

    #[test]
    fn each_defect_has_its_reason() {
        let level = TilePathError::Level;
        let width = TilePathError::Width;
        let long = "tile/entries/x018/x446/x744/x073/x709/x551/615.p/2555";
        for (path, reason) in [
            ("", TilePathError::NotATile),
            ("checkpoint", TilePathError::NotATile),
            ("tile/0", TilePathError::NotATile),
            ("/tile/0/000", TilePathError::NotATile),
            ("tile//000", level(InvalidDecimal::Empty)),
            ("tile/64/000", level(InvalidDecimal::TooLarge { max: 63 })),
            ("tile/00/000", level(InvalidDecimal::LeadingZero)),
            ("tile/-1/000", level(InvalidDecimal::NotADigit)),
            ("tile/data/000", level(InvalidDecimal::NotADigit)),
            ("tile/0/", TilePathError::Index),
            ("tile/0/0", TilePathError::Index),
            ("tile/0/0000", TilePathError::Index),
            ("tile/0/x000", TilePathError::Index),
            ("tile/0/x000/000", TilePathError::Index),
            ("tile/0/x000/x001/000", TilePathError::Index),
            ("tile/0/001/000", TilePathError::Index),
            ("tile/0/x001/x000", TilePathError::Index),
            ("tile/0/x01/000", TilePathError::Index),
            ("tile/0/x001//000", TilePathError::Index),
            ("tile/0/00a", TilePathError::Index),
            ("tile/0/+01", TilePathError::Index),
            ("tile/0/000/", TilePathError::Index),
            ("tile/0/x018/x446/x744/x073/x709/x551/616", TilePathError::IndexTooLarge),
            ("tile/0/x999/x999/x999/x999/x999/x999/999", TilePathError::IndexTooLarge),
            ("tile/0/000.p/", width(InvalidDecimal::Empty)),
            ("tile/0/000.p/0", TilePathError::EmptyTile),
            ("tile/0/000.p/01", width(InvalidDecimal::LeadingZero)),
            ("tile/0/000.p/256", width(InvalidDecimal::TooLarge { max: 255 })),
            ("tile/0/000.p/1.p/1", width(InvalidDecimal::NotADigit)),
            (long, TilePathError::TooLong { have: long.len(), max: long.len() - 1 }),
        ] {
            assert_eq!(Tile::parse(path), Err(reason), "{path}");
        }
    }

    #[test]
    fn a_tree_has_tiles_up_to_its_edge() {
        // The example of the specification: 70,000 leaves.
        let width = |level, index| Tile::at_size(TileKind::Hashes { level }, index, 70_000).map(|tile| tile.width());
        assert_eq!(width(0, 272), Ok(256));
        assert_eq!(width(0, 273), Ok(112));
        assert_eq!(width(1, 0), Ok(256));
        assert_eq!(width(1, 1), Ok(17));
        assert_eq!(width(2, 0), Ok(1));
        for (path, within) in [
            ("tile/0/273.p/112", true),
            ("tile/0/273.p/7", true),
            ("tile/0/000.p/7", true),
            ("tile/0/273.p/113", false),
            ("tile/0/273", false),
            ("tile/0/274.p/1", false),
            ("tile/1/001.p/17", true),
            ("tile/1/001.p/18", false),
            ("tile/2/000.p/1", true),
            ("tile/3/000.p/1", false),
            ("tile/8/000.p/1", false),
            ("tile/63/000.p/1", false),
            ("tile/entries/273.p/112", true),
            ("tile/entries/273.p/113", false),
            ("tile/0/x018/x446/x744/x073/x709/x551/615.p/1", false),
        ] {
            let tile = Tile::parse(path).unwrap();
            let expected = if within { Ok(()) } else { Err(OffEdge { tile, size: 70_000 }) };
            assert_eq!(tile.check_within(70_000), expected, "{path}");
        }
        assert!(Tile::at_size(TileKind::Hashes { level: 1 }, 0, 255).is_err());
        assert_eq!(Tile::at_size(TileKind::Hashes { level: 1 }, 0, 256).unwrap().width(), 1);
        assert!(Tile::at_size(TileKind::Entries, 0, 0).is_err());
    }
}
