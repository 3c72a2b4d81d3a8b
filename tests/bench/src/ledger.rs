//! The pure ledger: appending to a frontier, making and verifying proofs in a tree of a million leaves; against the
//! SHA-256 computations (AWS-LC) that none of them can avoid.

use std::{cell::Cell, convert::Infallible, hint::black_box};

use aws_lc_rs::digest::{SHA256, digest};
use prooftrail_ledger::{
    Frontier, Hash,
    merkle::{HashReader, Node, ProofPlan, verify_consistency, verify_inclusion},
};

use crate::measure::ratio;

/// Leaves: not a power of two, so that the tree has a ragged edge.
const SIZE: u64 = 1_000_003;
/// Bytes of an entry, as large as a decision's.
const ENTRY: [u8; 300] = [0x5a; 300];

pub fn run() {
    let tree = Tree::new(SIZE);
    let root = tree.root(SIZE);
    let nodes = |count: usize| {
        for _ in 0..count {
            black_box(digest(&SHA256, black_box(&[1; 65])));
        }
    };
    // Places spread over the tree, the same for both sides.
    let place = Cell::new(0_u64);
    let next = || {
        place.set((place.get() + 777_767) % SIZE);
        place.get()
    };

    let mut frontier = Frontier::new();
    ratio(
        "ledger-frontier-append",
        || frontier.append(Hash::of_leaf(black_box(&ENTRY))).expect("room"),
        || {
            black_box(digest(&SHA256, black_box(&[0; 301])));
            nodes(1);
        },
    );
    let prove = |index| ProofPlan::inclusion(index, SIZE).expect("inside").prove(&tree).expect("in memory");
    ratio("ledger-prove-inclusion", || drop(black_box(prove(next()))), || nodes(20));
    let proofs: Vec<_> = (0..64).map(|_| next()).map(|index| (index, prove(index))).collect();
    let mut turn = proofs.iter().cycle();
    ratio(
        "ledger-verify-inclusion",
        || {
            let (index, path) = turn.next().expect("endless");
            verify_inclusion(&tree.levels[0][*index as usize], *index, SIZE, path, &root).expect("included");
        },
        || nodes(20),
    );
    let earlier = SIZE / 3;
    let proof = ProofPlan::consistency(earlier, SIZE).expect("grows").prove(&tree).expect("in memory");
    let earlier_root = tree.root(earlier);
    ratio(
        "ledger-verify-consistency",
        || verify_consistency(earlier, SIZE, black_box(&proof), &earlier_root, &root).expect("extends"),
        || nodes(2 * proof.len()),
    );
}

/// Every complete node, level by level, as tiles keep them.
struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    fn new(size: u64) -> Self {
        let mut levels = vec![(0..size).map(|leaf| Hash::of_leaf(&leaf.to_be_bytes())).collect::<Vec<_>>()];
        while levels[levels.len() - 1].len() > 1 {
            let below = &levels[levels.len() - 1];
            levels.push(below.as_chunks::<2>().0.iter().map(|[left, right]| Hash::of_node(left, right)).collect());
        }
        Self { levels }
    }

    fn root(&self, size: u64) -> Hash {
        let mut frontier = Frontier::new();
        for leaf in &self.levels[0][..size as usize] {
            frontier.append(*leaf).expect("room");
        }
        frontier.root()
    }
}

impl HashReader for Tree {
    type Error = Infallible;

    fn hash(&self, node: Node) -> Result<Hash, Infallible> {
        Ok(self.levels[usize::from(node.level)][node.index as usize])
    }
}
