//! Verifying that a leaf is in a tree. In: the leaf's hash and index, the tree's size and root, the path from the leaf's
//! sibling up; out: nothing, or the reason. RFC 6962 section 2.1.1, RFC 9162 section 2.1.3.2.

use crate::Hash;

/// Verifies that the leaf `leaf_hash` stands at `index` in the tree of `size` leaves with the root `root`.
///
/// # Errors
/// [`InclusionError::IndexOutOfRange`], [`InclusionError::WrongLength`] or [`InclusionError::RootMismatch`].
pub fn verify_inclusion(
    leaf_hash: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), InclusionError> {
    let computed = root_from_path(leaf_hash, index, size, path)?;
    if computed != *root {
        return Err(InclusionError::RootMismatch { have: computed, need: *root });
    }
    Ok(())
}

/// The root that `path` leads to from the leaf at `index`.
fn root_from_path(leaf_hash: &Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, InclusionError> {
    let last = match size.checked_sub(1) {
        Some(last) if index <= last => last,
        _ => return Err(InclusionError::IndexOutOfRange { index, size }),
    };
    // Below the level at which the path to the leaf and the path to the last leaf part, siblings are on either side;
    // above it the tree's right edge is part of the path, and only left siblings remain.
    let inner = u64::BITS - (index ^ last).leading_zeros();
    let border = index.checked_shr(inner).unwrap_or(0).count_ones();
    if u32::try_from(path.len()) != Ok(inner + border) {
        return Err(InclusionError::WrongLength { have: path.len(), need: inner + border });
    }
    let root = (0u32..).zip(path).fold(*leaf_hash, |hash, (level, sibling)| {
        let is_left_child = level < inner && (index >> level) & 1 == 0;
        if is_left_child { Hash::of_node(&hash, sibling) } else { Hash::of_node(sibling, &hash) }
    });
    Ok(root)
}

/// Why a leaf is not shown to be in a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InclusionError {
    /// The tree has no leaf of that index.
    #[error("index {index} is outside a tree of {size} leaves")]
    IndexOutOfRange {
        /// The index given.
        index: u64,
        /// The number of leaves.
        size: u64,
    },
    /// The subtree has no leaf of that index.
    #[error("index {index} is outside the subtree of leaves {start} to {end}")]
    OutsideSubtree {
        /// The index given.
        index: u64,
        /// The index of the subtree's first leaf.
        start: u64,
        /// The index after the subtree's last leaf.
        end: u64,
    },
    /// The path has too few or too many hashes for this index and size.
    #[error("the inclusion path has {have} hashes instead of {need}")]
    WrongLength {
        /// The number of hashes given.
        have: usize,
        /// The number of hashes that such a path has.
        need: u32,
    },
    /// The path leads to another root.
    #[error("the inclusion path leads to root {have} instead of {need}")]
    RootMismatch {
        /// The root that the path leads to.
        have: Hash,
        /// The root of the tree.
        need: Hash,
    },
}
