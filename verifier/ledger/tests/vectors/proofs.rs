//! Cosigned checkpoints and proof files over Tessera's test log, made with another implementation.

use prooftrail_ledger::{
    Checkpoint, Hash, InvalidDecimal, Note, TlogProof, TrustPolicy, VerifierKey,
    cosignature::{self, Cosigner},
    merkle::{ConsistencyError, InclusionError, verify_consistency},
    note::{KeyName, SignatureError, VerifierKeyError, VerifyError},
    tlog_proof::{TlogProofError, TlogProofRefusal},
};

use crate::{
    folder::{Folder, number},
    tiles::{TESSERA_KEY, tessera_entries},
};

pub(crate) fn generated(folder: &Folder, files: &[String]) {
    cosignatures(folder);
    proof_files(folder);
    let unread: Vec<_> = files.iter().filter(|file| !folder.was_read(file)).collect();
    assert!(unread.is_empty(), "{unread:?}");
}

fn cosignatures(folder: &Folder) {
    let generated = |file: &str| folder.bytes(&format!("generated/{file}"));
    let params = folder.json("generated/params.json");
    let time = number(&params["timestamp"]);
    let keys = folder.text("generated/cosigners.vkeys");
    let (ed25519, ml_dsa) = keys.trim_end().split_once('\n').unwrap();
    let (log, ed25519) = (VerifierKey::parse(TESSERA_KEY).unwrap(), VerifierKey::parse(ed25519).unwrap());

    let bytes = generated("cosigned.checkpoint");
    let cosigned = Note::parse(&bytes).unwrap();
    assert_eq!(cosigned.to_string().as_bytes(), bytes);
    let checkpoint = Checkpoint::parse(cosigned.unverified_text()).unwrap();
    assert_eq!(cosignature::ed25519_message(&checkpoint, time), Ok(generated("ed25519-cosigned-message.bin")));
    let ml_dsa_name = KeyName::new("witness.example/mldsa").unwrap();
    assert_eq!(
        cosignature::ml_dsa_44_message(&ml_dsa_name, &checkpoint, time),
        Ok(generated("mldsa44-cosigned-message.bin"))
    );
    // Ed25519 is deterministic: the same seed makes the same key and the same cosignature.
    let seed = params["ed25519_seed_hex"].as_str().unwrap();
    assert_eq!(seed, "09".repeat(32));
    let cosigner = Cosigner::from_seed(ed25519.name().clone(), &[9; 32]).unwrap();
    assert_eq!(cosigner.verifier_key(), &ed25519);
    assert_eq!(cosigner.cosign(&checkpoint, time).as_ref(), Ok(&cosigned.signatures()[1]));

    let times = |note: &Note, keys: &[&VerifierKey]| {
        let verified = note.verify(keys)?;
        Ok(verified.signatures().iter().map(|by| by.time).collect::<Vec<_>>())
    };
    let invalid = |name: &str, note: &Note| {
        let signature = note.signatures().iter().find(|by| by.name().as_str() == name).unwrap();
        let (name, id) = (signature.name().clone(), signature.id());
        Err(VerifyError::Signature { name, id, reason: SignatureError::Invalid })
    };
    let bad_ml_dsa = Note::parse(&generated("cosigned-bad-mldsa.checkpoint")).unwrap();
    let ml_dsa = VerifierKey::parse(ml_dsa);
    if cfg!(feature = "ml-dsa") {
        let keys = [&log, &ed25519, &ml_dsa.unwrap()];
        assert_eq!(times(&cosigned, &keys), Ok(vec![None, Some(time), Some(time)]));
        assert_eq!(times(&bad_ml_dsa, &keys), invalid("witness.example/mldsa", &bad_ml_dsa));
    } else {
        assert_eq!(ml_dsa, Err(VerifierKeyError::UnsupportedType { code: 6 }));
    }
    // Without the key, a bad cosignature is one of an unknown cosigner.
    assert_eq!(times(&bad_ml_dsa, &[&log, &ed25519]), Ok(vec![None, Some(time)]));
    let bad_time = Note::parse(&generated("cosigned-time-mismatch.checkpoint")).unwrap();
    assert_eq!(times(&bad_time, &[&log]), Ok(vec![None]));
    assert_eq!(times(&bad_time, &[&log, &ed25519]), invalid("witness.example/ed25519", &bad_time));

    // A fork: signed by the log, yet not the tree it has shown before.
    let fork = Note::parse(&generated("fork-same-size.checkpoint")).unwrap();
    assert_eq!(times(&fork, &[&log]), Ok(vec![None]));
    let fork = Checkpoint::parse(fork.unverified_text()).unwrap();
    let (size, root1, root2) = (15, checkpoint.root(), fork.root());
    assert_eq!(
        verify_consistency(size, fork.size(), &[], &root1, &root2),
        Err(ConsistencyError::Fork { size, root1, root2 })
    );
}

fn proof_files(folder: &Folder) {
    let generated = |file: &str| folder.bytes(&format!("generated/{file}"));
    let entries = tessera_entries(folder);
    let leaf = |index: usize| Hash::of_leaf(&entries[index]);
    let policy = TrustPolicy::parse(format!("log {TESSERA_KEY}\nquorum none\n").as_bytes()).unwrap();
    for index in [0, 7, 14] {
        let file = generated(&format!("tessera-log-index{index}.tlog-proof"));
        let proof = TlogProof::parse(&file).unwrap();
        assert_eq!(proof.to_string().as_bytes(), file);
        assert_eq!(usize::try_from(proof.index()), Ok(index));
        assert_eq!(proof.verify(&leaf(index), &policy).unwrap().checkpoint.size(), 15);
        assert!(matches!(
            proof.verify(&leaf((index + 1) % 15), &policy),
            Err(TlogProofRefusal::Inclusion(InclusionError::RootMismatch { .. }))
        ));
    }

    let out_of_range = TlogProof::parse(&generated("tessera-log-index15-out-of-range.tlog-proof")).unwrap();
    let reason = InclusionError::IndexOutOfRange { index: 15, size: 15 };
    assert_eq!(out_of_range.verify(&leaf(14), &policy), Err(TlogProofRefusal::Inclusion(reason)));
    assert_eq!(
        TlogProof::parse(&generated("tessera-log-index7-leading-zero.tlog-proof")),
        Err(TlogProofError::Index(InvalidDecimal::LeadingZero))
    );
    let swapped = TlogProof::parse(&generated("tessera-log-index7-swapped-path.tlog-proof")).unwrap();
    assert!(matches!(
        swapped.verify(&leaf(7), &policy),
        Err(TlogProofRefusal::Inclusion(InclusionError::RootMismatch { .. }))
    ));

    // The same path under the cosigned checkpoint meets a quorum of its cosigners.
    let keys = folder.text("generated/cosigners.vkeys");
    let (ed25519, _) = keys.split_once('\n').unwrap();
    let policy = format!("log {TESSERA_KEY}\nwitness w {ed25519}\nquorum w\n");
    let policy = TrustPolicy::parse(policy.as_bytes()).unwrap();
    let plain = TlogProof::parse(&generated("tessera-log-index7.tlog-proof")).unwrap();
    let cosigned = Note::parse(&generated("cosigned.checkpoint")).unwrap();
    let with_quorum = TlogProof::new(7, plain.path().to_vec(), cosigned).unwrap();
    let verified = with_quorum.verify(&leaf(7), &policy).unwrap();
    assert_eq!(verified.cosignatures[0].time, Some(1_790_000_000));
    assert!(matches!(plain.verify(&leaf(7), &policy), Err(TlogProofRefusal::Checkpoint(_))));
}
