//! The compact frontier: the roots of the complete subtrees of a tree, all that appending needs. In: leaf hashes; out:
//! the root after each, and a serialised form that a log stores beside its head.
//!
//! The serialised form is ours: the size as 8 bytes, big-endian, then the hash of each complete subtree, from left to
//! right (as many as the size has one bits). At most 8 + 64 · 32 bytes.

use crate::{
    Hash,
    merkle::node::{Node, complete_nodes, fold_right},
};

/// A tree of `size` leaves, kept as the roots of its complete subtrees.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Frontier {
    size: u64,
    /// From left to right, one for each one bit of `size`, from the highest bit down.
    roots: Vec<Hash>,
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, roots: Vec::new() }
    }

    /// Appends a leaf, given its hash ([`Hash::of_leaf`]).
    ///
    /// # Errors
    /// [`FrontierError::Full`] if the tree has 2^64 − 1 leaves already.
    pub fn append(&mut self, leaf: Hash) -> Result<(), FrontierError> {
        let size = self.size.checked_add(1).ok_or(FrontierError::Full)?;
        let mut root = leaf;
        // Each trailing one bit of the old size is a complete subtree as large as the one being carried.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                root = Hash::of_node(&left, &root);
            }
        }
        self.roots.push(root);
        self.size = size;
        Ok(())
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(self.roots.iter().copied()).unwrap_or(Hash::EMPTY_ROOT)
    }

    /// The complete subtrees with their roots, from left to right.
    pub fn nodes(&self) -> impl Iterator<Item = (Node, Hash)> {
        complete_nodes(0..self.size).zip(self.roots.iter().copied())
    }

    /// The serialised form. Inverse of [`Frontier::from_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend(self.roots.iter().flat_map(Hash::as_bytes));
        bytes
    }

    /// Reads the serialised form. That the hashes are those of the tree is not checked; compare [`Frontier::root`].
    ///
    /// # Errors
    /// [`FrontierError::Truncated`] below 8 bytes, [`FrontierError::Length`] unless exactly the hashes follow that the
    /// size demands.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, hashes) = bytes.split_first_chunk().ok_or(FrontierError::Truncated { have: bytes.len() })?;
        let size = u64::from_be_bytes(*size);
        let (roots, rest) = hashes.as_chunks::<{ Hash::BYTES }>();
        let have = u64::try_from(roots.len()).unwrap_or(u64::MAX);
        if have != u64::from(size.count_ones()) || !rest.is_empty() {
            return Err(FrontierError::Length { size, need: size.count_ones(), have: hashes.len() });
        }
        Ok(Self { size, roots: roots.iter().copied().map(Hash::new).collect() })
    }
}

/// Why a frontier cannot be read or grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FrontierError {
    /// No further leaf has an index.
    #[error("the tree is full")]
    Full,
    /// The size itself is not all there.
    #[error("{have} bytes are too few for the size of a frontier")]
    Truncated {
        /// The length of the serialised form in bytes.
        have: usize,
    },
    /// Too few or too many bytes follow the size.
    #[error("a frontier of {size} leaves has {need} hashes of 32 bytes; {have} bytes follow its size")]
    Length {
        /// The number of leaves.
        size: u64,
        /// The number of hashes that such a tree has.
        need: u32,
        /// The number of bytes after the size.
        have: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::{Frontier, FrontierError};
    use crate::Hash;

    #[test]
    fn serialised_frontiers_have_one_length_each() {
        let mut frontier = Frontier::new();
        for entry in 0..11u8 {
            let bytes = frontier.to_bytes();
            assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier.clone()));
            let size = u64::from(entry);
            let need = size.count_ones();
            for have in [bytes.len() - 8 + 1, bytes.len() - 8 + 32] {
                let longer = [bytes.clone(), vec![0; have + 8 - bytes.len()]].concat();
                let reason = FrontierError::Length { size, need, have };
                assert_eq!(Frontier::from_bytes(&longer), Err(reason));
            }
            frontier.append(Hash::of_leaf(&[entry])).unwrap();
        }
        assert_eq!(Frontier::from_bytes(&[0; 7]), Err(FrontierError::Truncated { have: 7 }));
    }

    #[test]
    fn the_last_index_is_the_last_leaf() {
        let full = [[0xff; 8].to_vec(), vec![7; 64 * 32]].concat();
        let mut frontier = Frontier::from_bytes(&full).unwrap();
        assert_eq!(frontier.size(), u64::MAX);
        assert_eq!(frontier.append(Hash::of_leaf(b"")), Err(FrontierError::Full));
    }
}
