//! Verifying notes and cosignatures: a genuine note, then one mutation per rule, each with its exact reason. Keys are
//! made from fixed seeds.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_ledger::{
    Checkpoint, Hash, Note, NoteSigner, VerifierKey,
    checkpoint::CheckpointError,
    cosignature::{self, CosignatureError, Cosigner, MAX_TIME},
    merkle::Subtree,
    note::{InvalidSignatureLine, KeyName, NoteError, NoteSignature, NoteText, SignatureError, VerifyError},
};

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn signer(seed: u8) -> NoteSigner {
    NoteSigner::from_seed(name("log.example"), &[seed; 32]).unwrap()
}

fn cosigner(seed: u8) -> Cosigner {
    Cosigner::from_seed(name("cosigner.example"), &[seed; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new("log.example", 7, Hash::of_leaf(b"")).unwrap()
}

fn bad(key: &VerifierKey, reason: SignatureError) -> VerifyError {
    VerifyError::Signature { name: key.name().clone(), id: key.id(), reason }
}

#[test]
fn signed_notes_verify_and_altered_ones_do_not() {
    let (log, other) = (signer(1), signer(2));
    let note = Note::sign(&NoteText::new("text\n").unwrap(), &log).unwrap();
    let verified = note.verify(&[log.verifier_key()]).unwrap();
    assert_eq!(verified.text().as_str(), "text\n");
    assert_eq!(verified.signatures().len(), 1);
    assert_eq!(verified.signatures()[0].key, log.verifier_key());
    assert_eq!(verified.signatures()[0].time, None);

    let altered = Note::parse(note.to_string().replacen("text", "Text", 1).as_bytes()).unwrap();
    let invalid = bad(log.verifier_key(), SignatureError::Invalid);
    assert_eq!(altered.verify(&[log.verifier_key()]), Err(invalid));
    assert_eq!(note.verify(&[other.verifier_key()]), Err(VerifyError::NoKnownSignature));
    assert_eq!(note.verify(&[]), Err(VerifyError::NoKnownSignature));
}

#[test]
fn unknown_keys_are_ignored_and_known_ones_must_verify() {
    let (log, other) = (signer(1), signer(2));
    let text = NoteText::new("text\n").unwrap();
    let garbage = |key: &VerifierKey, length| NoteSignature::new(key, vec![7; length]);

    // A bad signature of an unknown key, which shares the name of the known one, changes nothing.
    let mut note = Note::sign(&text, &log).unwrap();
    note.add_signature(garbage(other.verifier_key(), 64)).unwrap();
    assert_eq!(note.verify(&[log.verifier_key()]).unwrap().signatures().len(), 1);
    // Once the key is known, the note is refused, however many others verify.
    let both = [log.verifier_key(), other.verifier_key()];
    assert_eq!(note.verify(&both), Err(bad(other.verifier_key(), SignatureError::Invalid)));

    for (length, reason) in [
        (64, SignatureError::Invalid),
        (63, SignatureError::Length { have: 63, need: 64 }),
        (65, SignatureError::Length { have: 65, need: 64 }),
        (1, SignatureError::Length { have: 1, need: 64 }),
    ] {
        // Also when the same key has signed well before: a duplicate is verified, not skipped.
        let mut note = Note::sign(&text, &log).unwrap();
        note.add_signature(garbage(log.verifier_key(), length)).unwrap();
        assert_eq!(note.verify(&[log.verifier_key()]), Err(bad(log.verifier_key(), reason)));
    }

    let reason = InvalidSignatureLine::TooShort { have: 4 };
    assert_eq!(
        note.clone().add_signature(garbage(log.verifier_key(), 0)),
        Err(NoteError::SignatureLine { number: 3, reason })
    );

    // A good duplicate is reported again; whoever counts signers counts keys.
    let mut note = Note::sign(&text, &log).unwrap();
    note.add_signature(log.sign(&text)).unwrap();
    assert_eq!(note.verify(&[log.verifier_key()]).unwrap().signatures().len(), 2);
    // The same key listed twice is one key.
    assert_eq!(note.verify(&[log.verifier_key(); 2]).unwrap().signatures().len(), 2);
}

#[test]
fn cosignatures_state_their_time() {
    let (log, cosigner) = (signer(1), cosigner(3));
    let mut note = Note::sign(checkpoint().text(), &log).unwrap();
    note.add_signature(cosigner.cosign(&checkpoint(), 1_679_315_147).unwrap()).unwrap();
    note.add_signature(cosigner.cosign(&checkpoint(), MAX_TIME).unwrap()).unwrap();
    let note = Note::parse(note.to_string().as_bytes()).unwrap();
    let keys = [log.verifier_key(), cosigner.verifier_key()];
    let times: Vec<_> = note.verify(&keys).unwrap().signatures().iter().map(|by| by.time).collect();
    assert_eq!(times, [None, Some(1_679_315_147), Some(MAX_TIME)]);
}

#[test]
fn each_defect_of_a_cosignature_has_its_reason() {
    let cosigner = cosigner(3);
    let key = cosigner.verifier_key();
    let good = cosigner.cosign(&checkpoint(), 1_679_315_147).unwrap();
    let mut later = good.bytes().to_vec();
    later[7] ^= 1;
    let mut too_late = good.bytes().to_vec();
    too_late[0] = 0x80;
    let time = 1_679_315_147 | 1 << 63;
    let mut plain = signer(3).sign(checkpoint().text()).bytes().to_vec();
    plain[0] &= 0x7f;
    for (bytes, reason) in [
        (later, SignatureError::Invalid),
        (too_late, SignatureError::Cosignature(CosignatureError::Time { time })),
        (good.bytes()[..7].to_vec(), SignatureError::Cosignature(CosignatureError::TooShort { have: 7 })),
        (good.bytes()[..71].to_vec(), SignatureError::Length { have: 63, need: 64 }),
        // A plain signature over the checkpoint, whose first bytes could be a time, is no cosignature.
        (plain, SignatureError::Length { have: 56, need: 64 }),
    ] {
        let mut note = Note::sign(checkpoint().text(), &signer(1)).unwrap();
        note.add_signature(NoteSignature::new(key, bytes)).unwrap();
        assert_eq!(note.verify(&[key]), Err(bad(key, reason)));
    }

    let mut note = Note::sign(&NoteText::new("text\n").unwrap(), &signer(1)).unwrap();
    note.add_signature(good).unwrap();
    let reason = SignatureError::NotACheckpoint(CheckpointError::TooFewLines);
    assert_eq!(note.verify(&[key]), Err(bad(key, reason)));
    let too_late = MAX_TIME + 1;
    assert_eq!(cosigner.cosign(&checkpoint(), too_late), Err(CosignatureError::Time { time: too_late }));
}

#[test]
fn subtree_messages_state_no_time_beyond_the_first_leaf() {
    let message = |start, end, time, origin: &str| {
        let subtree = Subtree::new(start, end).unwrap();
        cosignature::ml_dsa_44_subtree_message(&name("c"), origin, subtree, &Hash::EMPTY_ROOT, time)
    };
    let expected = [
        b"subtree/v1\n\0\x01c".as_slice(),
        &[0; 8],
        b"\x06origin",
        &[0, 0, 0, 0, 0, 0, 0, 8],
        &[0, 0, 0, 0, 0, 0, 0, 12],
        Hash::EMPTY_ROOT.as_bytes(),
    ];
    assert_eq!(message(8, 12, 0, "origin"), Ok(expected.concat()));
    assert_eq!(message(8, 12, 9, "origin"), Err(CosignatureError::SubtreeTime { start: 8, time: 9 }));
    assert!(message(0, 12, 9, &"x".repeat(255)).is_ok());
    assert_eq!(message(0, 12, 9, &"x".repeat(256)), Err(CosignatureError::NameTooLong { have: 256 }));
    assert_eq!(message(0, 12, MAX_TIME + 1, "origin"), Err(CosignatureError::Time { time: MAX_TIME + 1 }));
}
