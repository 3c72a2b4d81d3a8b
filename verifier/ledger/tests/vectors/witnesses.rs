//! Transcripts and cases of cosigners (C2SP tlog-witness). A cosigner of a few lines stands here, made of this crate's
//! parts, so that each case shows which part refuses it; the cosigner itself is no part of the crate.

use std::collections::BTreeMap;

use prooftrail_ledger::{
    Checkpoint, Frontier, Hash, InvalidHash, Note, NoteSigner, VerifierKey,
    checkpoint::CheckpointError,
    merkle::{ConsistencyError, verify_consistency},
    note::{InvalidSignatureLine, KeyName, NoteError, NoteSignature, SignatureError, VerifyError},
};

use crate::folder::{Folder, hash, number};

/// The last size and root that were cosigned, for each origin.
#[derive(Default)]
struct Cosigner {
    heads: BTreeMap<String, (u64, Hash)>,
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Note(NoteError),
    Signature(VerifyError),
    Checkpoint(CheckpointError),
    ProofHash(InvalidHash),
    OldBeyondNew,
    OldIsNotLast,
    Consistency(ConsistencyError),
}

impl Refusal {
    /// The status that C2SP tlog-witness demands, but for unknown logs, which these transcripts answer with 403.
    fn status(&self) -> u64 {
        match self {
            Self::Note(_) | Self::Checkpoint(_) | Self::ProofHash(_) | Self::OldBeyondNew => 400,
            Self::Signature(_) => 403,
            Self::OldIsNotLast => 409,
            Self::Consistency(_) => 422,
        }
    }
}

impl Cosigner {
    fn add_checkpoint(&mut self, key: &VerifierKey, old: u64, proof: &[&str], note: &[u8]) -> Result<(), Refusal> {
        let note = Note::parse(note).map_err(Refusal::Note)?;
        let verified = note.verify(&[key]).map_err(Refusal::Signature)?;
        let new = Checkpoint::parse(verified.text()).map_err(Refusal::Checkpoint)?;
        let proof: Vec<_> =
            proof.iter().map(|line| Hash::from_base64(line)).collect::<Result<_, _>>().map_err(Refusal::ProofHash)?;
        if old > new.size() {
            return Err(Refusal::OldBeyondNew);
        }
        let (last, root) = self.heads.get(new.origin()).copied().unwrap_or((0, Hash::EMPTY_ROOT));
        if old != last {
            return Err(Refusal::OldIsNotLast);
        }
        if old > 0 {
            verify_consistency(old, new.size(), &proof, &root, &new.root()).map_err(Refusal::Consistency)?;
        }
        self.heads.insert(new.origin().to_owned(), (new.size(), new.root()));
        Ok(())
    }
}

pub(crate) fn litewitness(folder: &Folder, files: &[String]) {
    let mut refusals = Vec::new();
    for file in files {
        let transcript = folder.text(file);
        let key = log_key(&transcript);
        let mut cosigner = Cosigner::default();
        let steps = transcript.split("/add-checkpoint\n```\n").skip(1);
        for (number, step) in (1..).zip(steps) {
            let (body, answer) = step.split_once("```\nHTTP ").unwrap();
            let status: u64 = answer.lines().next().unwrap().parse().unwrap();
            let (head, note) = body.split_once("\n\n").unwrap();
            let mut lines = head.lines();
            let old = lines.next().and_then(|line| line.strip_prefix("old ")).unwrap().parse().unwrap();
            let proof: Vec<_> = lines.collect();
            match cosigner.add_checkpoint(&key, old, &proof, note.as_bytes()) {
                Ok(()) => assert_eq!(status, 200, "{file} step {number}"),
                Err(refusal) => {
                    let file = file.rsplit('/').next().unwrap().to_owned();
                    refusals.push((file, number, status, refusal));
                }
            }
        }
    }

    let mut refusals = refusals
        .into_iter()
        .map(|(file, number, status, refusal)| (format!("{file} {number}"), status, refusal.status(), refusal));
    let mut next = || refusals.next().expect("one more refusal");
    // The signature's last character has bits beyond its last byte, which Go's decoder drops and this one refuses. With
    // them cleared, the signature is the invalid one that the transcript means (see below).
    let (step, status, ours, refusal) = next();
    assert_eq!((step.as_str(), status, ours), ("litewitness.txt 2", 403, 400));
    let reason = InvalidSignatureLine::Base64;
    assert_eq!(refusal, Refusal::Note(NoteError::SignatureLine { number: 1, reason }));
    let mut same_status = |step: &str| {
        let (have, status, ours, refusal) = next();
        assert_eq!((have.as_str(), status), (step, ours));
        refusal
    };
    assert_eq!(same_status("litewitness.txt 3"), Refusal::Signature(VerifyError::NoKnownSignature));
    let reason = ConsistencyError::WrongLength { have: 0, need: 2 };
    assert_eq!(same_status("litewitness.txt 4"), Refusal::Consistency(reason));
    let refusal = same_status("litewitness.txt 5");
    assert!(matches!(refusal, Refusal::Consistency(ConsistencyError::LaterRootMismatch { .. })), "{refusal:?}");
    assert_eq!(same_status("litewitness.txt 7"), Refusal::OldIsNotLast);
    assert_eq!(same_status("litewitness.txt 9"), Refusal::OldIsNotLast);
    assert!(refusals.next().is_none());

    let transcript = folder.text("litewitness/litewitness.txt");
    let step = transcript.split("/add-checkpoint\n```\n").nth(2).unwrap();
    let note = step.split_once("\n\n").unwrap().1.split_once("```").unwrap().0.replace("6gx=", "6gw=");
    let key = log_key(&transcript);
    let (name, id) = (key.name().clone(), key.id());
    assert_eq!(
        Note::parse(note.as_bytes()).unwrap().verify(&[&key]),
        Err(VerifyError::Signature { name, id, reason: SignatureError::Invalid })
    );
}

/// The log's key: a verifier key, or a Sigsum log's 32 bytes in hexadecimal, whose name the first checkpoint has.
fn log_key(transcript: &str) -> VerifierKey {
    if let Some((_, rest)) = transcript.split_once("add-sigsum-log -key=") {
        let hex = rest.lines().next().unwrap();
        let key: Vec<u8> = (0..32).map(|byte| u8::from_str_radix(&hex[2 * byte..2 * byte + 2], 16).unwrap()).collect();
        let name = transcript.lines().find(|line| line.starts_with("sigsum.org/v1/tree/")).unwrap();
        VerifierKey::ed25519(KeyName::new(name).unwrap(), key.as_slice().try_into().unwrap()).unwrap()
    } else {
        let (_, rest) = transcript.split_once(" -key ").unwrap();
        VerifierKey::parse(rest.lines().next().unwrap()).unwrap()
    }
}

/// Cases over the tree whose leaf hashes are 0x2a, the index, and zeros.
pub(crate) fn siglog(folder: &Folder, files: &[String]) {
    let log = NoteSigner::from_seed(KeyName::new("log.example").unwrap(), &[1; 32]).unwrap();
    for file in files {
        let case = folder.json(file);
        let (old, new) = (number(&case["old_size"]), number(&case["new_size"]));
        let proof: Vec<_> = case["proof"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let mut cosigner = Cosigner::default();
        if old > 0 {
            cosigner.heads.insert("log.example".to_owned(), (old, root(old)));
        }
        let note = match hash(&case["root_hash"]) {
            Ok(root) => {
                let checkpoint = Checkpoint::new("log.example", new, root).unwrap();
                let mut note = Note::sign(checkpoint.text(), &log).unwrap();
                if case["checkpoint_valid"] == false {
                    note.add_signature(NoteSignature::new(log.verifier_key(), vec![0; 64])).unwrap();
                }
                note.to_string()
            }
            Err(_) => String::new(),
        };
        let result = cosigner.add_checkpoint(log.verifier_key(), old, &proof, note.as_bytes());
        assert_eq!(result.is_err(), case["should_fail"] == true, "{file}: {result:?}");
        let status = result.as_ref().map_or_else(Refusal::status, |()| 200);
        // The case without a checkpoint states no status.
        assert_eq!(status, case["expected_status"].as_u64().unwrap_or(400), "{file}: {result:?}");
        let Err(refusal) = result else { continue };
        let name = file.rsplit('/').next().unwrap();
        let is_expected = match name {
            "empty_checkpoint_fail.json" => refusal == Refusal::Note(NoteError::Unterminated),
            "invalid_base64_proof_fail.json" => refusal == Refusal::ProofHash(InvalidHash::Length { characters: 20 }),
            "invalid_signature_fail.json" => {
                matches!(refusal, Refusal::Signature(VerifyError::Signature { reason: SignatureError::Invalid, .. }))
            }
            "missing_proof_fail.json" => {
                refusal == Refusal::Consistency(ConsistencyError::WrongLength { have: 0, need: 3 })
            }
            "wrong_proof_length_fail.json" => {
                refusal == Refusal::Consistency(ConsistencyError::WrongLength { have: 1, need: 2 })
            }
            "old_size_greater_than_new_fail.json" => refusal == Refusal::OldBeyondNew,
            "same_size_different_root_fail.json" => {
                matches!(refusal, Refusal::Consistency(ConsistencyError::Fork { size: 3, .. }))
            }
            "wrong_proof_hashes_fail.json" => {
                matches!(refusal, Refusal::Consistency(ConsistencyError::LaterRootMismatch { .. }))
            }
            _ => false,
        };
        assert!(is_expected, "{file}: {refusal:?}");
    }
}

fn root(size: u64) -> Hash {
    let mut tree = Frontier::new();
    for index in 0..size {
        let mut leaf = [0; 32];
        leaf[0] = 0x2a;
        leaf[1] = u8::try_from(index).unwrap();
        tree.append(Hash::new(leaf)).unwrap();
    }
    tree.root()
}
