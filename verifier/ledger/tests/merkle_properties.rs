//! The Merkle tree against an independent implementation: RFC 6962 section 2.1 and the subtrees of
//! draft-ietf-plants-merkle-tree-certs section 4, written down as they are defined, by recursion over leaf hashes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a helper that fails fails its test")]

use std::convert::Infallible;

use prooftrail_ledger::{
    Frontier, Hash,
    merkle::{
        ConsistencyError, HashReader, InclusionError, Node, ProofPlan, Subtree, SubtreeConsistencyError,
        verify_consistency, verify_inclusion,
    },
    tiles::{HashTile, TileKind, TileSet, tiles_of_growth},
};
use proptest::prelude::*;

// RFC 6962 section 2.1: MTH.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(k(leaves.len()));
            Hash::of_node(&root(left), &root(right))
        }
    }
}

// RFC 6962 section 2.1.1: PATH.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m < k { [path(m, left), vec![root(right)]].concat() } else { [path(m - k, right), vec![root(left)]].concat() }
}

// draft-ietf-plants-merkle-tree-certs section 4.4.1: SUBTREE_SUBPROOF; with start = 0 it is RFC 6962's SUBPROOF.
fn subproof(start: usize, end: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if (start, end) == (0, leaves.len()) {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    if end <= k {
        [subproof(start, end, left, known), vec![root(right)]].concat()
    } else if start >= k {
        [subproof(start - k, end - k, right, known), vec![root(left)]].concat()
    } else {
        assert_eq!(start, 0, "only a subtree from 0 can be parted");
        [subproof(0, end - k, right, false), vec![root(left)]].concat()
    }
}

fn k(leaves: usize) -> usize {
    let mut k = 1;
    while k * 2 < leaves {
        k *= 2;
    }
    k
}

/// A store of every node, as the definition gives it.
struct Leaves<'a>(&'a [Hash]);

impl HashReader for Leaves<'_> {
    type Error = Infallible;

    fn hash(&self, node: Node) -> Result<Hash, Infallible> {
        let width = 1 << node.level;
        let start = usize::try_from(node.index).unwrap() * width;
        Ok(root(&self.0[start..start + width]))
    }
}

fn leaves(size: usize) -> Vec<Hash> {
    (0..size).map(|index| Hash::of_leaf(&index.to_be_bytes())).collect()
}

fn size(leaves: usize) -> u64 {
    u64::try_from(leaves).unwrap()
}

#[test]
fn the_frontier_has_the_defined_root_at_every_size() {
    let leaves = leaves(260);
    let mut frontier = Frontier::new();
    for (count, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), root(&leaves[..count]));
        assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier.clone()));
        for (node, hash) in frontier.nodes() {
            assert_eq!(Leaves(&leaves).hash(node), Ok(hash));
        }
        frontier.append(*leaf).unwrap();
        assert_eq!(frontier.size(), size(count + 1));
    }
}

#[test]
fn every_small_proof_is_the_defined_one_and_verifies() {
    let leaves = leaves(20);
    for count in 1..=leaves.len() {
        let tree = &leaves[..count];
        for index in 0..count {
            let proof = ProofPlan::inclusion(size(index), size(count)).unwrap().prove(&Leaves(tree)).unwrap();
            assert_eq!(proof, path(index, tree));
            verify_inclusion(&tree[index], size(index), size(count), &proof, &root(tree)).unwrap();
        }
        for earlier in 1..=count {
            let proof = ProofPlan::consistency(size(earlier), size(count)).unwrap().prove(&Leaves(tree)).unwrap();
            assert_eq!(proof, subproof(0, earlier, tree, true));
            verify_consistency(size(earlier), size(count), &proof, &root(&tree[..earlier]), &root(tree)).unwrap();
        }
        for start in 0..count {
            for end in start + 1..=count {
                let Ok(subtree) = Subtree::new(size(start), size(end)) else { continue };
                assert_eq!(subtree.root(&Leaves(tree)).unwrap(), root(&tree[start..end]));
                let proof = ProofPlan::subtree_consistency(subtree, size(count)).unwrap();
                let proof = proof.prove(&Leaves(tree)).unwrap();
                assert_eq!(proof, subproof(start, end, tree, true), "{start}..{end} of {count}");
                subtree.verify_consistency(&root(&tree[start..end]), size(count), &proof, &root(tree)).unwrap();
            }
        }
    }
}

#[test]
fn proofs_that_cannot_be_are_not_planned() {
    let out_of_range = |index, size| Err(InclusionError::IndexOutOfRange { index, size });
    for (index, size) in [(0, 0), (5, 5), (6, 5), (u64::MAX, u64::MAX)] {
        assert_eq!(ProofPlan::inclusion(index, size), out_of_range(index, size));
    }
    assert_eq!(ProofPlan::consistency(0, 5), Err(ConsistencyError::FromEmpty { size2: 5 }));
    assert_eq!(ProofPlan::consistency(6, 5), Err(ConsistencyError::Shrinks { size1: 6, size2: 5 }));
    assert_eq!(
        ProofPlan::subtree_consistency(Subtree::new(4, 6).unwrap(), 5),
        Err(SubtreeConsistencyError::OutsideTree { end: 6, size: 5 })
    );
}

/// A tree of up to 2^64 − 1 equal leaves: all nodes of a level are equal, so no leaf need be stored.
struct EqualLeaves;

impl HashReader for EqualLeaves {
    type Error = Infallible;

    fn hash(&self, node: Node) -> Result<Hash, Infallible> {
        Ok((0..node.level).fold(Hash::of_leaf(b""), |hash, _| Hash::of_node(&hash, &hash)))
    }
}

// MTH of `leaves` equal leaves: a complete left part and the rest.
fn root_of_equal_leaves(leaves: u64) -> Hash {
    match leaves {
        0 => Hash::EMPTY_ROOT,
        1 => Hash::of_leaf(b""),
        _ if leaves.is_power_of_two() => {
            let half = root_of_equal_leaves(leaves / 2);
            Hash::of_node(&half, &half)
        }
        _ => {
            let left = 1 << leaves.ilog2();
            Hash::of_node(&root_of_equal_leaves(left), &root_of_equal_leaves(leaves - left))
        }
    }
}

fn large() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (0_u32..64, -2_i64..3).prop_map(|(shift, offset)| (1_u64 << shift).saturating_add_signed(offset)),
        Just(u64::MAX),
    ]
}

proptest! {
    // A failing case is printed; it becomes a test of its own rather than a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn large_trees_are_exact(a in large(), b in large()) {
        let (index, size) = if a < b { (a, b) } else { (b, a) };
        let root = root_of_equal_leaves(size);
        prop_assert_eq!(Subtree::prefix(size).root(&EqualLeaves).unwrap(), root);
        if index < size {
            let plan = ProofPlan::inclusion(index, size).unwrap();
            let proof = plan.prove(&EqualLeaves).unwrap();
            prop_assert!(proof.len() <= 64);
            prop_assert!(verify_inclusion(&Hash::of_leaf(b""), index, size, &proof, &root).is_ok());
            let other = verify_inclusion(&Hash::of_leaf(b"x"), index, size, &proof, &root);
            let refused = matches!(other, Err(InclusionError::RootMismatch { need, .. }) if need == root);
            prop_assert!(refused);
        }
        if index > 0 {
            let earlier = root_of_equal_leaves(index);
            let proof = ProofPlan::consistency(index, size).unwrap().prove(&EqualLeaves).unwrap();
            prop_assert!(proof.len() <= 65);
            prop_assert_eq!(verify_consistency(index, size, &proof, &earlier, &root), Ok(()));
        }
        prop_assert!(tiles_of_growth(size - size.min(3), size).count() <= 2 * 9);
    }

    #[test]
    fn changed_proofs_are_refused(
        count in 1_usize..70,
        index in any::<prop::sample::Index>(),
        earlier in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
        bit in 0_usize..256,
    ) {
        let leaves = leaves(count);
        let (total, tree_root) = (size(count), root(&leaves));
        let index = index.index(count);
        let proof = path(index, &leaves);
        let verify = |proof: &[Hash]| verify_inclusion(&leaves[index], size(index), total, proof, &tree_root);
        prop_assert_eq!(verify(&proof), Ok(()));
        for wrong in resized(&proof) {
            let refused = matches!(verify(&wrong), Err(InclusionError::WrongLength { have, .. }) if have == wrong.len());
            prop_assert!(refused);
        }
        if let Some(wrong) = flipped(&proof, change, bit) {
            let refused = matches!(verify(&wrong), Err(InclusionError::RootMismatch { need, .. }) if need == tree_root);
            prop_assert!(refused);
        }

        let earlier = earlier.index(count) + 1;
        let earlier_root = root(&leaves[..earlier]);
        let proof = subproof(0, earlier, &leaves, true);
        let verify = |proof: &[Hash]| verify_consistency(size(earlier), total, proof, &earlier_root, &tree_root);
        prop_assert_eq!(verify(&proof), Ok(()));
        for wrong in resized(&proof) {
            let refused = matches!(verify(&wrong), Err(ConsistencyError::WrongLength { have, .. }) if have == wrong.len());
            prop_assert!(refused);
        }
        if let Some(wrong) = flipped(&proof, change, bit) {
            let refused = matches!(
                verify(&wrong),
                Err(ConsistencyError::EarlierRootMismatch { .. } | ConsistencyError::LaterRootMismatch { .. })
            );
            prop_assert!(refused);
        }
    }

    #[test]
    fn tiles_give_the_defined_proofs(count in 1_usize..1100, index in any::<prop::sample::Index>(), earlier in any::<prop::sample::Index>()) {
        let leaves = leaves(count);
        let (index, earlier) = (index.index(count), earlier.index(count) + 1);
        let inclusion = ProofPlan::inclusion(size(index), size(count)).unwrap();
        let consistency = ProofPlan::consistency(size(earlier), size(count)).unwrap();
        let mut tiles = TileSet::new(size(count));
        let needed = tiles.tiles_of(inclusion.nodes().chain(consistency.nodes())).unwrap();
        for tile in needed {
            tiles.insert(tile, &tile_bytes(tile, &leaves)).unwrap();
        }
        prop_assert_eq!(inclusion.prove(&tiles).unwrap(), path(index, &leaves));
        prop_assert_eq!(consistency.prove(&tiles).unwrap(), subproof(0, earlier, &leaves, true));
    }
}

#[test]
fn three_levels_of_tiles_give_the_root() {
    let leaves = leaves(70_000);
    let mut tiles = TileSet::new(70_000);
    // Each level from the one below, as a log makes them.
    let mut level_hashes = leaves.clone();
    let mut level = 0;
    while !level_hashes.is_empty() {
        let kind = TileKind::Hashes { level };
        let of_level: Vec<_> = tiles_of_growth(0, 70_000).filter(|tile| tile.kind() == kind).collect();
        let mut above = Vec::new();
        assert_eq!(of_level.len(), level_hashes.chunks(256).len());
        for (tile, hashes) in of_level.into_iter().zip(level_hashes.chunks(256)) {
            let contents = HashTile::new(hashes.to_vec()).unwrap();
            assert_eq!(HashTile::parse(tile, &contents.to_bytes()), Ok(contents.clone()));
            tiles.insert(tile, &contents.to_bytes()).unwrap();
            if tile.is_full() {
                above.push(contents.root());
            }
        }
        level_hashes = above;
        level += 1;
    }
    assert_eq!(level, 3);
    let whole = Subtree::prefix(70_000);
    assert_eq!(whole.root(&tiles), Ok(root(&leaves)));
    let proof = ProofPlan::inclusion(65_536, 70_000).unwrap().prove(&tiles).unwrap();
    assert_eq!(proof, path(65_536, &leaves));
}

/// The contents of a tile by its definition: MTH of 256^level leaves each.
fn tile_bytes(tile: prooftrail_ledger::tiles::Tile, leaves: &[Hash]) -> Vec<u8> {
    let TileKind::Hashes { level } = tile.kind() else { panic!("{tile} holds entries") };
    let span = 256_usize.pow(level.into());
    let first = usize::try_from(tile.index()).unwrap() * 256;
    (first..first + usize::from(tile.width()))
        .flat_map(|index| *root(&leaves[index * span..(index + 1) * span]).as_bytes())
        .collect()
}

fn resized(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut wrong = vec![[proof, &[Hash::EMPTY_ROOT]].concat(), [&[Hash::EMPTY_ROOT], proof].concat()];
    wrong.extend(proof.split_first().map(|(_, rest)| rest.to_vec()));
    wrong.extend(proof.split_last().map(|(_, rest)| rest.to_vec()));
    wrong
}

fn flipped(proof: &[Hash], change: prop::sample::Index, bit: usize) -> Option<Vec<Hash>> {
    if proof.is_empty() {
        return None;
    }
    let mut wrong = proof.to_vec();
    let place = change.index(wrong.len());
    let mut bytes = *wrong[place].as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    wrong[place] = Hash::new(bytes);
    Some(wrong)
}
