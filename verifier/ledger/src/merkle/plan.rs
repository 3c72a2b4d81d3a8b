//! What a proof consists of. In: which leaf or subtree, in a tree of which size; out: the ranges of leaves whose roots
//! are the proof, and the stored nodes that those roots are made of. RFC 6962 sections 2.1.1 and 2.1.2 and
//! draft-ietf-plants-merkle-tree-certs section 4.4, as one walk: an inclusion proof is that of a subtree of one leaf.

use std::ops::Range;

use crate::{
    Hash,
    merkle::{ConsistencyError, HashReader, InclusionError, Node, Subtree, SubtreeConsistencyError, node::split},
};

/// A proof to be made: the stored nodes it needs, known before any of them is read, so that a log can fetch them at
/// once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProofPlan {
    /// From the leaf's side up to the root's: the order of the proof's hashes.
    parts: Vec<Subtree>,
}

impl ProofPlan {
    /// The inclusion proof of the leaf at `index` in the tree of `size` leaves.
    ///
    /// # Errors
    /// [`InclusionError::IndexOutOfRange`].
    pub fn inclusion(index: u64, size: u64) -> Result<Self, InclusionError> {
        let outside = InclusionError::IndexOutOfRange { index, size };
        let end = index.checked_add(1).ok_or(outside)?;
        let leaf = Subtree::new(index, end).map_err(|_| outside)?;
        Siblings::new(leaf, size).map(Siblings::into_plan).map_err(|_| outside)
    }

    /// The proof that the tree of `size2` leaves extends the one of `size1`.
    ///
    /// # Errors
    /// [`ConsistencyError::Shrinks`] or [`ConsistencyError::FromEmpty`].
    pub fn consistency(size1: u64, size2: u64) -> Result<Self, ConsistencyError> {
        if size1 == 0 {
            return Err(ConsistencyError::FromEmpty { size2 });
        }
        Ok(Self::subtree_consistency(Subtree::prefix(size1), size2)?)
    }

    /// The proof that the tree of `size` leaves contains `subtree`.
    ///
    /// # Errors
    /// [`SubtreeConsistencyError::OutsideTree`].
    pub fn subtree_consistency(subtree: Subtree, size: u64) -> Result<Self, SubtreeConsistencyError> {
        Siblings::new(subtree, size).map(Siblings::into_plan)
    }

    /// The stored nodes that the proof is made of. Each is named once.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.parts.iter().flat_map(Subtree::nodes)
    }

    /// Makes the proof.
    ///
    /// # Errors
    /// The reader's own.
    pub fn prove<R: HashReader>(&self, reader: &R) -> Result<Vec<Hash>, R::Error> {
        self.parts.iter().map(|part| part.root(reader)).collect()
    }
}

/// A subtree and what stands beside the way from it to the root.
pub(super) struct Siblings {
    subtree: Subtree,
    /// Where the way begins: the subtree itself, or, if the tree parts inside it, its last piece.
    base: Range<u64>,
    /// From the base up to the root.
    beside: Vec<Range<u64>>,
}

impl Siblings {
    /// Walks from the root of the tree of `size` leaves down to `subtree`.
    pub(super) fn new(subtree: Subtree, size: u64) -> Result<Self, SubtreeConsistencyError> {
        let (mut start, end) = (subtree.start(), subtree.end());
        if end > size {
            return Err(SubtreeConsistencyError::OutsideTree { end, size });
        }
        if start == end {
            return Ok(Self { subtree, base: start..end, beside: Vec::new() });
        }
        let mut tree = 0..size;
        let mut beside = Vec::new();
        while tree != (start..end) {
            let middle = tree.start + split(tree.end - tree.start);
            if end <= middle {
                beside.push(middle..tree.end);
                tree.end = middle;
            } else {
                beside.push(tree.start..middle);
                tree.start = middle;
                // A subtree that the tree parts begins where the tree does: its left part is proved by this sibling.
                start = start.max(middle);
            }
        }
        beside.reverse();
        Ok(Self { subtree, base: tree, beside })
    }

    /// The number of hashes of the proof.
    pub(super) fn proof_length(&self) -> usize {
        self.beside.len() + usize::from(!self.base_is_subtree())
    }

    /// The roots of the subtree and of the tree to which `proof` leads, which has [`Siblings::proof_length`] hashes.
    pub(super) fn roots(&self, subtree_root: Hash, proof: &[Hash]) -> (Hash, Hash) {
        let (base, proof) = match proof.split_first() {
            Some((first, rest)) if !self.base_is_subtree() => (*first, rest),
            _ => (subtree_root, proof),
        };
        self.beside.iter().zip(proof).fold((base, base), |(subtree, tree), (range, hash)| {
            if range.start >= self.base.end {
                (subtree, Hash::of_node(&tree, hash))
            } else if range.start >= self.subtree.start() {
                (Hash::of_node(hash, &subtree), Hash::of_node(hash, &tree))
            } else {
                (subtree, Hash::of_node(hash, &tree))
            }
        })
    }

    fn base_is_subtree(&self) -> bool {
        self.base == (self.subtree.start()..self.subtree.end())
    }

    fn into_plan(self) -> ProofPlan {
        let base = (!self.base_is_subtree()).then_some(self.base);
        // Each is a side of a split of the tree, hence aligned to its size.
        let parts = base.into_iter().chain(self.beside).filter_map(|range| Subtree::new(range.start, range.end).ok());
        ProofPlan { parts: parts.collect() }
    }
}
