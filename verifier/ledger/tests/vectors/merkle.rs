//! Inclusion and consistency proofs: the cases of transparency-dev/merkle and answers of Google's Rocketeer log.
//!
//! In some of the former, a root or leaf is a short text ("don't care"), which stands for some hash, here for that of its
//! text; or it is nothing at all, which cannot be read as a hash, in a proof neither.

use prooftrail_ledger::{
    Hash,
    merkle::{
        ConsistencyError, InclusionError, Subtree, SubtreeConsistencyError, verify_consistency, verify_inclusion,
    },
};
use serde_json::Value;

use crate::folder::{Folder, base64, hash, hashes, number};

/// The verdicts in the index agree with those in the files.
pub(crate) fn manifest_agrees(folder: &Folder, files: &[String]) {
    for line in folder.text(&files[0]).lines().filter(|line| line.starts_with("merkle-rfc6962/")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let case = folder.json(fields[0]);
        let expected = if is_negative(&case) { "REJECT" } else { "ACCEPT" };
        assert!(fields[6].starts_with(expected), "{line}");
    }
}

pub(crate) fn inclusion(folder: &Folder, files: &[String]) {
    for file in files {
        let case = folder.json(file);
        let Ok(proof) = hashes(&case["proof"]) else {
            assert!(is_negative(&case), "{file}: the path cannot be read");
            continue;
        };
        let (Some(leaf), Some(root)) = (stand_in(&case["leafHash"]), stand_in(&case["root"])) else {
            assert!(is_negative(&case), "{file}: a hash is missing");
            assert_matches(file, &["empty-", "random-leaf"], "a hash is missing");
            continue;
        };
        let result = verify_inclusion(&leaf, number(&case["leafIdx"]), number(&case["treeSize"]), &proof, &root);
        check_inclusion(file, &case, result);
    }
}

pub(crate) fn subtree_inclusion(folder: &Folder, files: &[String]) {
    for file in files {
        let case = folder.json(file);
        let (start, end) = (number(&case["start"]), number(&case["end"]));
        let Ok(proof) = hashes(&case["proof"]) else {
            assert!(is_negative(&case), "{file}: the path cannot be read");
            continue;
        };
        let subtree = match Subtree::new(start, end) {
            Ok(subtree) => subtree,
            Err(_) => {
                assert!(is_negative(&case), "{file}: no subtree");
                assert_matches(file, &["invalid-", "start-larger-", "treeSize-"], "no subtree");
                continue;
            }
        };
        let (Some(leaf), Some(root)) = (stand_in(&case["leafHash"]), stand_in(&case["root"])) else {
            assert!(is_negative(&case), "{file}: a hash is missing");
            assert_matches(file, &["empty-", "random-leaf"], "a hash is missing");
            continue;
        };
        let result = subtree.verify_inclusion(&leaf, number(&case["leafIdx"]), &proof, &root);
        check_inclusion(file, &case, result);
    }
}

fn check_inclusion(file: &str, case: &Value, result: Result<(), InclusionError>) {
    assert_eq!(result.is_err(), is_negative(case), "{file}: {result:?}");
    let (names, reason): (&[&str], _) = match result {
        Ok(()) => (&["happy-path", "matching-root-and-leaf"], "accepted"),
        Err(InclusionError::IndexOutOfRange { .. } | InclusionError::OutsideSubtree { .. }) => (
            &["leafIdx-", "treeSize-", "oob-", "everything-zero", "start-equals-end", "empty-root", "random-leaf"],
            "out of range",
        ),
        Err(InclusionError::WrongLength { .. }) => {
            (&["leafIdx-", "treeSize-", "trailing-", "preceding-", "inserted-", "removed-"], "wrong length")
        }
        Err(InclusionError::RootMismatch { .. }) => {
            (&["leafIdx-", "treeSize-", "modified-", "wrong-", "random-", "empty-"], "root mismatch")
        }
        Err(other) => panic!("{file}: {other}"),
    };
    assert_matches(file, names, reason);
}

pub(crate) fn consistency(folder: &Folder, files: &[String]) {
    for file in files {
        let case = folder.json(file);
        let Ok(proof) = hashes(&case["proof"]) else {
            assert!(is_negative(&case), "{file}: the proof cannot be read");
            continue;
        };
        let (size1, size2) = (number(&case["size1"]), number(&case["size2"]));
        let [Some(root1), Some(root2)] = ["root1", "root2"].map(|name| stand_in(&case[name])) else {
            panic!("{file}: a root is missing");
        };
        let result = verify_consistency(size1, size2, &proof, &root1, &root2);
        assert_eq!(result.is_err(), is_negative(&case), "{file}: {result:?}");
        let (names, reason): (&[&str], _) = match result {
            Ok(()) => (&["happy-path", "sizes-are-equal-one-and-proof-is-empty"], "accepted"),
            Err(ConsistencyError::FromEmpty { .. }) => (
                &[
                    "size1-",
                    "size2-",
                    "sizes-",
                    "roots-do-not-match-and-sizes-are-zero",
                    "consistency-check-on-empty-tree",
                ],
                "from the empty tree",
            ),
            Err(ConsistencyError::Shrinks { .. }) => (&["size1-", "size2-"], "shrinks"),
            Err(ConsistencyError::Fork { .. }) => {
                (&["sizes-are-equal-one-but-roots-are-not", "roots-do-not-not-match-and-sizes-are-one"], "fork")
            }
            Err(ConsistencyError::WrongLength { .. }) => (
                &["size1-", "size2-", "sizes-", "trailing-", "preceding-", "truncated-", "empty-proof"],
                "wrong length",
            ),
            Err(ConsistencyError::EarlierRootMismatch { .. } | ConsistencyError::LaterRootMismatch { .. }) => {
                (&["size1-", "size2-", "modified-", "wrong-", "swapped-"], "root mismatch")
            }
            Err(other) => panic!("{file}: {other}"),
        };
        assert_matches(file, names, reason);
    }
}

pub(crate) fn subtree_consistency(folder: &Folder, files: &[String]) {
    for file in files {
        let case = folder.json(file);
        let (start, end) = (number(&case["start"]), number(&case["end"]));
        let Ok(proof) = hashes(&case["proof"]) else {
            assert!(is_negative(&case), "{file}: the proof cannot be read");
            continue;
        };
        let subtree = match Subtree::new(start, end) {
            Ok(subtree) => subtree,
            Err(_) => {
                assert!(is_negative(&case), "{file}: no subtree");
                assert_matches(file, &["invalid-subtree", "size1-"], "no subtree");
                continue;
            }
        };
        let [Some(root1), Some(root2)] = ["root1", "root2"].map(|name| stand_in(&case[name])) else {
            panic!("{file}: a root is missing");
        };
        let result = subtree.verify_consistency(&root1, number(&case["size"]), &proof, &root2);
        assert_eq!(result.is_err(), is_negative(&case), "{file}: {result:?}");
        let (names, reason): (&[&str], _) = match result {
            Ok(()) => (&["happy-path", "subtree-is-empty-", "sizes-are-equal-one-and-proof-is-empty"], "accepted"),
            Err(SubtreeConsistencyError::OutsideTree { .. }) => (&["size1-", "size2-"], "outside"),
            Err(SubtreeConsistencyError::WrongLength { .. }) => (
                &[
                    "size1-",
                    "size2-",
                    "sizes-",
                    "trailing-",
                    "preceding-",
                    "truncated-",
                    "empty-proof",
                    "subtree-is-empty-",
                    "consistency-check-on-empty-tree",
                ],
                "wrong length",
            ),
            Err(SubtreeConsistencyError::SubtreeRootMismatch { .. } | SubtreeConsistencyError::RootMismatch { .. }) => {
                (
                    &["size1-", "size2-", "sizes-", "roots-", "modified-", "wrong-", "swapped-", "subtree-is-empty-"],
                    "root mismatch",
                )
            }
            Err(other) => panic!("{file}: {other}"),
        };
        assert_matches(file, names, reason);
    }
}

/// Google's Rocketeer log at 961,984,011 leaves.
pub(crate) fn rocketeer(folder: &Folder, files: &[String]) {
    let [entry, by_hash, head, extends] = files else { panic!("{files:?}") };
    let head = folder.json(head);
    let (size, root) = (number(&head["tree_size"]), hash(&head["sha256_root_hash"]).unwrap());
    let entry = folder.json(entry);
    let leaf = Hash::of_leaf(&base64(&entry["entries"][0]["leaf_input"]));
    let by_hash = folder.json(by_hash);
    let path = hashes(&by_hash["audit_path"]).unwrap();
    assert_eq!(verify_inclusion(&leaf, number(&by_hash["leaf_index"]), size, &path, &root), Ok(()));
    assert!(matches!(
        verify_inclusion(&leaf, 10_001, size, &path, &root),
        Err(InclusionError::RootMismatch { need, .. }) if need == root
    ));

    // The earlier root is not shipped, so only what the proof says of the later one can be checked: the error about the
    // earlier root names the one that the proof leads to, and with it the proof verifies.
    let proof = hashes(&folder.json(extends)["consistency"]).unwrap();
    let verify = |earlier: &Hash| verify_consistency(3_654_490, size, &proof, earlier, &root);
    let Err(ConsistencyError::EarlierRootMismatch { have, .. }) = verify(&Hash::EMPTY_ROOT) else {
        panic!("some other root is not the earlier one");
    };
    assert_eq!(verify(&have), Ok(()));
}

fn is_negative(case: &Value) -> bool {
    case["wantErr"].as_bool().expect("every case has a verdict")
}

fn stand_in(value: &Value) -> Option<Hash> {
    match value.as_str().expect("hashes are strings") {
        "" => None,
        text => Some(hash(value).unwrap_or_else(|_| Hash::of_leaf(text.as_bytes()))),
    }
}

/// The case's name must be among those that have this outcome.
fn assert_matches(file: &str, names: &[&str], outcome: &str) {
    let name = file.rsplit('/').next().unwrap();
    assert!(names.iter().any(|start| name.starts_with(start)), "{file}: {outcome}");
}
