//! Nodes of the tree that are stored: the roots of complete subtrees of 2^level leaves. In: coordinates; out: what a
//! store must be able to answer so that proofs can be made from it.

use std::{iter, ops::Range};

use crate::Hash;

/// The root of the complete subtree over leaves `index · 2^level` up to, not including, `(index + 1) · 2^level`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Node {
    /// The height above the leaves, 0 to 63. A leaf is at level 0.
    pub level: u8,
    /// The number of nodes of this level to the left.
    pub index: u64,
}

/// A store of node hashes, such as [`crate::tiles::TileSet`].
///
/// What it answers is not checked here: a proof made from wrong hashes does not verify.
pub trait HashReader {
    /// Why a hash cannot be had.
    type Error;

    /// The hash of `node`.
    ///
    /// # Errors
    /// The store's own, if it has no such node.
    fn hash(&self, node: Node) -> Result<Hash, Self::Error>;
}

/// The largest power of two below `leaves`, where a tree of two or more leaves parts (RFC 6962's k).
pub(super) fn split(leaves: u64) -> u64 {
    1 << (leaves.saturating_sub(1) | 1).ilog2()
}

/// The complete subtrees that tile `range`, from left to right: at most one of each size, larger before smaller.
///
/// `range` is a tree or one side of a split of one, so its start is a multiple of each of these sizes.
pub(super) fn complete_nodes(range: Range<u64>) -> impl Iterator<Item = Node> {
    let mut start = range.start;
    iter::from_fn(move || {
        let level = range.end.checked_sub(start)?.checked_ilog2()?;
        let node = Node { level: u8::try_from(level).ok()?, index: start >> level };
        start = start.checked_add(1 << level)?;
        Some(node)
    })
}

/// The root of the tree whose complete subtrees, from left to right, are `roots`; `None` for no leaves.
pub(super) fn fold_right(roots: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    roots.rev().reduce(|right, left| Hash::of_node(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::{Node, complete_nodes, split};

    #[test]
    fn trees_part_below_the_next_power_of_two() {
        for (leaves, expected) in
            [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8), ((1 << 63) + 1, 1 << 63), (u64::MAX, 1 << 63)]
        {
            assert_eq!(split(leaves), expected, "{leaves}");
        }
    }

    #[test]
    fn a_range_is_tiled_by_complete_subtrees() {
        let nodes = |range| complete_nodes(range).map(|node| (node.level, node.index)).collect::<Vec<_>>();
        assert_eq!(nodes(0..0), []);
        assert_eq!(nodes(0..7), [(2, 0), (1, 2), (0, 6)]);
        assert_eq!(nodes(8..13), [(2, 2), (0, 12)]);
        assert_eq!(complete_nodes(0..u64::MAX).count(), 64);
        assert_eq!(complete_nodes(0..1 << 63).collect::<Vec<_>>(), [Node { level: 63, index: 0 }]);
    }
}
