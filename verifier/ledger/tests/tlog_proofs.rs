//! Proof files: a genuine one, then one mutation per rule, each with its exact reason.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_ledger::{
    Checkpoint, Frontier, Hash, InvalidDecimal, InvalidHash, MAX_TREE_SIZE, Note, NoteSigner, TlogProof, TrustPolicy,
    merkle::InclusionError,
    note::{KeyName, NoteError, VerifyError},
    tlog_proof::{MAX_EXTRA_BYTES, MAX_PATH_HASHES, MAX_PROOF_BYTES, TlogProofError, TlogProofRefusal},
    trust_policy::PolicyRefusal,
};

fn leaf(index: u8) -> Hash {
    Hash::of_leaf(&[index])
}

fn log() -> NoteSigner {
    NoteSigner::from_seed(KeyName::new("log.example").unwrap(), &[1; 32]).unwrap()
}

fn policy() -> TrustPolicy {
    TrustPolicy::parse(format!("log {}\nquorum none\n", log().verifier_key()).as_bytes()).unwrap()
}

/// The entry at index 2 of three.
fn proof() -> TlogProof {
    let mut tree = Frontier::new();
    (0..3).for_each(|index| tree.append(leaf(index)).unwrap());
    let checkpoint = Checkpoint::new("log.example", 3, tree.root()).unwrap();
    let note = Note::sign(checkpoint.text(), &log()).unwrap();
    TlogProof::new(2, vec![Hash::of_node(&leaf(0), &leaf(1))], note).unwrap()
}

#[test]
fn proofs_come_back_as_they_were_and_verify() {
    for proof in [proof(), proof().with_extra(b"salt".to_vec()).unwrap()] {
        let parsed = TlogProof::parse(proof.to_string().as_bytes()).unwrap();
        assert_eq!(parsed, proof);
        let verified = parsed.verify(&leaf(2), &policy()).unwrap();
        assert_eq!(verified.checkpoint.size(), 3);
        assert_eq!(verified.log_key.0.as_str(), "log.example");
    }
    assert_eq!(proof().untrusted_extra(), None);
    assert_eq!(proof().with_extra(vec![0]).unwrap().untrusted_extra(), Some([0].as_slice()));
}

#[test]
fn each_defect_of_a_file_has_its_reason() {
    let file = proof().to_string();
    let hash = proof().path()[0].to_string();
    let edit = |from: &str, to: &str| {
        assert!(file.contains(from), "{from}");
        file.replacen(from, to, 1).into_bytes()
    };
    let long_extra = "AAAA".repeat(MAX_EXTRA_BYTES / 3 + 1);
    let path_hash = |position, reason| TlogProofError::PathHash { position, reason };
    for (file, reason) in [
        (Vec::new(), TlogProofError::NoCheckpoint),
        (edit("@v1", "@v2"), TlogProofError::Header),
        (edit("c2sp", "C2SP"), TlogProofError::Header),
        (edit("@v1", "@v1\n"), TlogProofError::NoIndex),
        (edit("index 2", "index  2"), TlogProofError::Index(InvalidDecimal::NotADigit)),
        (edit("index 2", "index 02"), TlogProofError::Index(InvalidDecimal::LeadingZero)),
        (edit("index 2", "index "), TlogProofError::Index(InvalidDecimal::Empty)),
        (
            edit("index 2", "index 9223372036854775808"),
            TlogProofError::Index(InvalidDecimal::TooLarge { max: MAX_TREE_SIZE }),
        ),
        (edit("index 2\n", ""), TlogProofError::NoIndex),
        (edit("index 2", "extra AAAA"), TlogProofError::NoIndex),
        (edit("index 2", "extra \nindex 2"), TlogProofError::EmptyExtra),
        (edit("index 2", "extra AAA\nindex 2"), TlogProofError::ExtraBase64),
        (edit("index 2", "extra AAAA\nextra AAAA\nindex 2"), TlogProofError::NoIndex),
        (
            edit("index 2", &format!("extra {long_extra}\nindex 2")),
            TlogProofError::ExtraTooLong { max: MAX_EXTRA_BYTES },
        ),
        (edit(&hash, "x"), path_hash(0, InvalidHash::Length { characters: 1 })),
        (edit(&hash, &format!("{hash}\n{hash}x")), path_hash(1, InvalidHash::Length { characters: 45 })),
        (edit(&hash, &format!("{hash}\r")), path_hash(0, InvalidHash::Length { characters: 45 })),
        (
            edit(&hash, &format!("{hash}\n").repeat(MAX_PATH_HASHES + 1)),
            TlogProofError::PathTooLong { max: MAX_PATH_HASHES },
        ),
        (edit("\n\nlog.example", "\nlog.example"), path_hash(1, InvalidHash::Length { characters: 11 })),
        (
            file.split_inclusive("\n\n").next().unwrap().as_bytes().to_vec(),
            TlogProofError::Checkpoint(NoteError::Unterminated),
        ),
        (edit("— ", "- "), TlogProofError::Checkpoint(NoteError::NoSignatures)),
        (vec![b'x'; MAX_PROOF_BYTES + 1], TlogProofError::TooLong { have: MAX_PROOF_BYTES + 1, max: MAX_PROOF_BYTES }),
        (b"\xff\n\n".to_vec(), TlogProofError::NotUtf8),
    ] {
        assert_eq!(TlogProof::parse(&file), Err(reason), "{}", String::from_utf8_lossy(&file));
    }
    assert_eq!(proof().with_extra(Vec::new()), Err(TlogProofError::EmptyExtra));
    let reason = TlogProofError::ExtraTooLong { max: MAX_EXTRA_BYTES };
    assert_eq!(proof().with_extra(vec![0; MAX_EXTRA_BYTES + 1]), Err(reason));
    assert!(proof().with_extra(vec![0; MAX_EXTRA_BYTES]).is_ok());
    let note = proof().checkpoint().clone();
    let reason = TlogProofError::PathTooLong { max: MAX_PATH_HASHES };
    assert_eq!(TlogProof::new(0, vec![leaf(0); MAX_PATH_HASHES + 1], note.clone()), Err(reason));
    let reason = TlogProofError::Index(InvalidDecimal::TooLarge { max: MAX_TREE_SIZE });
    assert_eq!(TlogProof::new(MAX_TREE_SIZE + 1, Vec::new(), note), Err(reason));
}

#[test]
fn each_refusal_has_its_reason() {
    let (path, note) = (proof().path().to_vec(), proof().checkpoint().clone());
    let verify = |index, path: &[Hash], leaf_hash| {
        TlogProof::new(index, path.to_vec(), note.clone()).unwrap().verify(&leaf_hash, &policy())
    };
    let refused = |reason| Err(TlogProofRefusal::Inclusion(reason));
    assert_eq!(verify(3, &path, leaf(2)), refused(InclusionError::IndexOutOfRange { index: 3, size: 3 }));
    assert_eq!(verify(1, &path, leaf(1)), refused(InclusionError::WrongLength { have: 1, need: 2 }));
    assert_eq!(verify(2, &[], leaf(2)), refused(InclusionError::WrongLength { have: 0, need: 1 }));
    assert!(matches!(verify(2, &path, leaf(1)), Err(TlogProofRefusal::Inclusion(InclusionError::RootMismatch { .. }))));

    let other = NoteSigner::from_seed(KeyName::new("log.example").unwrap(), &[2; 32]).unwrap();
    let policy = format!("log {}\nquorum none\n", other.verifier_key());
    assert_eq!(
        proof().verify(&leaf(2), &TrustPolicy::parse(policy.as_bytes()).unwrap()),
        Err(TlogProofRefusal::Checkpoint(PolicyRefusal::Note(VerifyError::NoKnownSignature)))
    );
}
