//! Subtrees: ranges of leaves that a tree contains as a whole, whatever its size. In: bounds, roots, proofs; out:
//! nothing, or the reason. draft-ietf-plants-merkle-tree-certs section 4; C2SP tlog-cosignature signs them and
//! tlog-mirror proves uploads with them.

use crate::{
    Hash,
    merkle::{
        HashReader, InclusionError, Node,
        node::{complete_nodes, fold_right},
        plan::Siblings,
        verify_inclusion,
    },
};

/// The leaves from `start` up to, not including, `end`, where `start` is a multiple of the smallest power of two that is
/// not less than their number. A subtree without leaves is one wherever it starts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subtree {
    start: u64,
    end: u64,
}

impl Subtree {
    /// The subtree from `start` up to `end`.
    ///
    /// # Errors
    /// [`InvalidSubtree`] if `start` is beyond `end`, or not aligned to the subtree's size.
    pub const fn new(start: u64, end: u64) -> Result<Self, InvalidSubtree> {
        let Some(leaves) = end.checked_sub(start) else {
            return Err(InvalidSubtree { start, end });
        };
        let aligned = match leaves.checked_next_power_of_two() {
            Some(width) => start & (width - 1) == 0,
            None => start == 0, // more than 2^63 leaves: of the multiples of 2^64, only 0 is an index
        };
        if aligned || leaves == 0 { Ok(Self { start, end }) } else { Err(InvalidSubtree { start, end }) }
    }

    /// The first `size` leaves: a whole tree.
    #[must_use]
    pub const fn prefix(size: u64) -> Self {
        Self { start: 0, end: size }
    }

    /// The index of its first leaf.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The index after its last leaf.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The stored nodes that its root is made of, from left to right.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        complete_nodes(self.start..self.end)
    }

    /// Its root, made from stored nodes.
    ///
    /// # Errors
    /// The reader's own.
    pub fn root<R: HashReader>(&self, reader: &R) -> Result<Hash, R::Error> {
        let roots: Vec<Hash> = self.nodes().map(|node| reader.hash(node)).collect::<Result<_, _>>()?;
        Ok(fold_right(roots.into_iter()).unwrap_or(Hash::EMPTY_ROOT))
    }

    /// Verifies that the leaf `leaf_hash` stands at `index` (counted from the start of the log) in this subtree with the
    /// root `root`.
    ///
    /// # Errors
    /// [`InclusionError`].
    pub fn verify_inclusion(
        &self,
        leaf_hash: &Hash,
        index: u64,
        path: &[Hash],
        root: &Hash,
    ) -> Result<(), InclusionError> {
        let Self { start, end } = *self;
        if !(start..end).contains(&index) {
            return Err(InclusionError::OutsideSubtree { index, start, end });
        }
        verify_inclusion(leaf_hash, index - start, end - start, path, root)
    }

    /// Verifies that this subtree with the root `subtree_root` is part of the tree of `size` leaves with root `root`.
    ///
    /// A subtree without leaves has the empty root and no proof, and is part of every tree.
    ///
    /// # Errors
    /// [`SubtreeConsistencyError`]: the bounds are checked first, then the number of hashes, then both roots.
    pub fn verify_consistency(
        &self,
        subtree_root: &Hash,
        size: u64,
        proof: &[Hash],
        root: &Hash,
    ) -> Result<(), SubtreeConsistencyError> {
        use SubtreeConsistencyError as Error;
        let siblings = Siblings::new(*self, size)?;
        if proof.len() != siblings.proof_length() {
            let need = u32::try_from(siblings.proof_length()).unwrap_or(u32::MAX);
            return Err(Error::WrongLength { have: proof.len(), need });
        }
        if self.start == self.end {
            return match *subtree_root {
                Hash::EMPTY_ROOT => Ok(()),
                have => Err(Error::SubtreeRootMismatch { have: Hash::EMPTY_ROOT, need: have }),
            };
        }
        let (have_subtree, have) = siblings.roots(*subtree_root, proof);
        if have_subtree != *subtree_root {
            return Err(Error::SubtreeRootMismatch { have: have_subtree, need: *subtree_root });
        }
        if have != *root {
            return Err(Error::RootMismatch { have, need: *root });
        }
        Ok(())
    }
}

/// Bounds that are not those of a subtree.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("leaves {start} to {end} are no subtree")]
pub struct InvalidSubtree {
    /// The index of the first leaf.
    pub start: u64,
    /// The index after the last leaf.
    pub end: u64,
}

/// Why a subtree is not shown to be part of a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubtreeConsistencyError {
    /// The subtree ends beyond the tree.
    #[error("a subtree up to leaf {end} is not part of a tree of {size} leaves")]
    OutsideTree {
        /// The index after the subtree's last leaf.
        end: u64,
        /// The number of leaves of the tree.
        size: u64,
    },
    /// The proof has too few or too many hashes for this subtree and size.
    #[error("the subtree consistency proof has {have} hashes instead of {need}")]
    WrongLength {
        /// The number of hashes given.
        have: usize,
        /// The number of hashes that such a proof has.
        need: u32,
    },
    /// The proof leads to another root of the subtree.
    #[error("the subtree consistency proof leads to the subtree root {have} instead of {need}")]
    SubtreeRootMismatch {
        /// The root that the proof leads to.
        have: Hash,
        /// The root of the subtree.
        need: Hash,
    },
    /// The proof leads to another root of the tree.
    #[error("the subtree consistency proof leads to the root {have} instead of {need}")]
    RootMismatch {
        /// The root that the proof leads to.
        have: Hash,
        /// The root of the tree.
        need: Hash,
    },
}

#[cfg(test)]
mod tests {
    use super::{InvalidSubtree, Subtree};

    #[test]
    fn subtrees_are_aligned_to_their_size() {
        let half = 1 << 63;
        for (start, end) in [(0, 0), (3, 3), (0, 7), (4, 8), (4, 7), (6, 8), (5, 6), (half, u64::MAX), (0, u64::MAX)] {
            assert!(Subtree::new(start, end).is_ok(), "{start}..{end}");
        }
        for (start, end) in [(1, 0), (1, 3), (2, 5), (4, 9), (1, half + 2), (half, half - 1)] {
            assert_eq!(Subtree::new(start, end), Err(InvalidSubtree { start, end }));
        }
    }
}
