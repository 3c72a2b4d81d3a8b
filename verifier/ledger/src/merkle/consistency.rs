//! Verifying that a tree only grew. In: two sizes with their roots and the proof; out: nothing, or the reason.
//! RFC 6962 section 2.1.2, RFC 9162 section 2.1.4.2, as the special case of a subtree that starts at leaf 0.
//!
//! Every tree extends the empty one, so a proof from size 0 would show nothing and is refused.

use crate::{
    Hash,
    merkle::{Subtree, SubtreeConsistencyError},
};

/// Verifies that the first `size1` leaves of the tree of `size2` leaves with root `root2` have the root `root1`.
///
/// # Errors
/// [`ConsistencyError`]: the sizes are checked first, then the number of hashes, then both roots.
pub fn verify_consistency(
    size1: u64,
    size2: u64,
    proof: &[Hash],
    root1: &Hash,
    root2: &Hash,
) -> Result<(), ConsistencyError> {
    if size1 > size2 {
        return Err(ConsistencyError::Shrinks { size1, size2 });
    }
    if size1 == 0 {
        return Err(ConsistencyError::FromEmpty { size2 });
    }
    if size1 == size2 && proof.is_empty() && root1 != root2 {
        return Err(ConsistencyError::Fork { size: size1, root1: *root1, root2: *root2 });
    }
    Subtree::prefix(size1).verify_consistency(root1, size2, proof, root2).map_err(Into::into)
}

/// Why a tree is not shown to extend an earlier one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConsistencyError {
    /// The later tree has fewer leaves than the earlier one.
    #[error("a tree of {size2} leaves cannot extend one of {size1}")]
    Shrinks {
        /// The number of leaves of the earlier tree.
        size1: u64,
        /// The number of leaves of the later tree.
        size2: u64,
    },
    /// The earlier tree is empty, which shows nothing about the later one.
    #[error("consistency of a tree of {size2} leaves with the empty tree shows nothing")]
    FromEmpty {
        /// The number of leaves of the later tree.
        size2: u64,
    },
    /// Two roots for one size: the log has shown two histories.
    #[error("a fork: size {size} has roots {root1} and {root2}")]
    Fork {
        /// The number of leaves of both trees.
        size: u64,
        /// The root of the earlier tree.
        root1: Hash,
        /// The root of the later tree.
        root2: Hash,
    },
    /// The proof has too few or too many hashes for these sizes.
    #[error("the consistency proof has {have} hashes instead of {need}")]
    WrongLength {
        /// The number of hashes given.
        have: usize,
        /// The number of hashes that such a proof has.
        need: u32,
    },
    /// The proof leads to another root of the earlier tree.
    #[error("the consistency proof leads to the earlier root {have} instead of {need}")]
    EarlierRootMismatch {
        /// The root that the proof leads to.
        have: Hash,
        /// The root of the earlier tree.
        need: Hash,
    },
    /// The proof leads to another root of the later tree.
    #[error("the consistency proof leads to the later root {have} instead of {need}")]
    LaterRootMismatch {
        /// The root that the proof leads to.
        have: Hash,
        /// The root of the later tree.
        need: Hash,
    },
}

impl From<SubtreeConsistencyError> for ConsistencyError {
    fn from(error: SubtreeConsistencyError) -> Self {
        match error {
            SubtreeConsistencyError::OutsideTree { end, size } => Self::Shrinks { size1: end, size2: size },
            SubtreeConsistencyError::WrongLength { have, need } => Self::WrongLength { have, need },
            SubtreeConsistencyError::SubtreeRootMismatch { have, need } => Self::EarlierRootMismatch { have, need },
            SubtreeConsistencyError::RootMismatch { have, need } => Self::LaterRootMismatch { have, need },
        }
    }
}
