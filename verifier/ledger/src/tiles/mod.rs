//! Tiles: the tree and its entries as files that never change. In: paths, sizes, hashes, entries; out: coordinates,
//! tiles, bundles, and hashes to make proofs from. C2SP tlog-tiles.

mod entry_bundle;
mod growth;
mod hash_tile;
mod path;
mod tile_set;

pub use entry_bundle::{EntryBundleError, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES, decode_entries, encode_entries};
pub use growth::tiles_of_growth;
pub use hash_tile::{HashTile, HashTileError};
pub use path::{OffEdge, Tile, TileKind, TilePathError};
pub use tile_set::{TileSet, TileSetError};

/// The hashes of a full tile, the entries of a full bundle.
pub const FULL_WIDTH: u16 = 256;

/// The levels of the tree that a tile spans: 2^8 = 256.
const TILE_HEIGHT: u8 = 8;
