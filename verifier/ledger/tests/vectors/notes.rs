//! Signed notes and checkpoints that others have made: the examples of the specifications, and Rekor's checkpoints with
//! the inclusion proofs under them.

use prooftrail_ledger::{
    Checkpoint, Hash, Note, VerifierKey,
    merkle::{InclusionError, verify_inclusion},
    note::{KeyName, NoteError, SignatureError, VerifyError},
};

use crate::folder::{Folder, base64, hash, hashes, number};

pub(crate) fn examples_of_the_specifications(folder: &Folder, files: &[String]) {
    let [example, example_key, sumdb, sumdb_key] = files else { panic!("{files:?}") };
    for (note, key) in [(example, example_key), (sumdb, sumdb_key)] {
        let key = VerifierKey::parse(folder.text(key).trim_end()).unwrap();
        let bytes = folder.bytes(note);
        let note = Note::parse(&bytes).unwrap();
        assert_eq!(note.to_string().as_bytes(), bytes);
        assert_eq!(note.verify(&[&key]).unwrap().signatures().len(), 1);
        refuses_every_change(&bytes, &key);
    }
    let note = Note::parse(&folder.bytes(sumdb)).unwrap();
    let checkpoint = Checkpoint::parse(note.unverified_text()).unwrap();
    assert_eq!(checkpoint.origin(), "go.sum database tree");
    assert_eq!(note.signatures()[0].name().as_str(), "sum.golang.org");
    assert_eq!(checkpoint.size(), 35_225_469);
}

/// Flips the lowest bit of every byte in turn; no such note verifies.
fn refuses_every_change(bytes: &[u8], key: &VerifierKey) {
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1;
        let Ok(note) = Note::parse(&changed) else { continue };
        match note.verify(&[key]) {
            Err(VerifyError::NoKnownSignature) => {}
            Err(VerifyError::Signature { reason: SignatureError::Invalid, .. }) => {}
            other => panic!("byte {place}: {other:?}"),
        }
    }
}

pub(crate) fn sigstore(folder: &Folder, files: &[String]) {
    for file in files.iter().filter(|file| !file.ends_with("valid_trusted_root.json")) {
        check_bundle(folder, file);
    }
}

pub(crate) fn sigstore_entry(folder: &Folder, files: &[String]) {
    files.iter().for_each(|file| check_bundle(folder, file));
}

/// The inclusion proof of every entry verifies, and its checkpoint states the same size and root. Where the log's key is
/// of a type known here, the checkpoint is signed by it.
fn check_bundle(folder: &Folder, file: &str) {
    let rekor = rekor_key(folder);
    let bundle = folder.json(file);
    let entries = bundle["verificationMaterial"]["tlogEntries"].as_array().expect("the bundle has entries");
    assert!(!entries.is_empty(), "{file}");
    for entry in entries {
        let proof = &entry["inclusionProof"];
        let (index, size) = (number(&proof["logIndex"]), number(&proof["treeSize"]));
        let (path, root) = (hashes(&proof["hashes"]).unwrap(), hash(&proof["rootHash"]).unwrap());
        let body = base64(&entry["canonicalizedBody"]);
        assert_eq!(verify_inclusion(&Hash::of_leaf(&body), index, size, &path, &root), Ok(()), "{file}");
        let altered = Hash::of_leaf(&body[1..]);
        assert!(matches!(
            verify_inclusion(&altered, index, size, &path, &root),
            Err(InclusionError::RootMismatch { .. })
        ));

        let envelope = proof["checkpoint"]["envelope"].as_str().unwrap_or_default();
        if file.ends_with("bundle_no_checkpoint.txt.sigstore") {
            assert_eq!(Note::parse(envelope.as_bytes()), Err(NoteError::Unterminated), "{file}");
            continue;
        }
        let note = Note::parse(envelope.as_bytes()).unwrap();
        assert_eq!(note.to_string(), envelope, "{file}");
        let checkpoint = Checkpoint::parse(note.unverified_text()).unwrap();
        assert_eq!((checkpoint.size(), checkpoint.root()), (size, root), "{file}");
        if note.signatures()[0].name() == rekor.name() {
            assert_eq!(base64(&entry["logId"]["keyId"])[..4], rekor.id().0, "{file}");
            assert_eq!(note.verify(&[&rekor]).unwrap().signatures().len(), 1, "{file}");
            refuses_every_change(envelope.as_bytes(), &rekor);
        } else {
            assert_eq!(note.verify(&[&rekor]), Err(VerifyError::NoKnownSignature), "{file}");
        }
    }
}

/// The one Ed25519 key among the trusted roots: that of a Rekor v2 staging log.
fn rekor_key(folder: &Folder) -> VerifierKey {
    let roots = folder.json("sigstore-bundles/valid_trusted_root.json");
    let logs = roots["tlogs"].as_array().unwrap();
    let log = logs.iter().find(|log| log["publicKey"]["keyDetails"] == "PKIX_ED25519").unwrap();
    // The last 32 bytes of a SubjectPublicKeyInfo of Ed25519 (RFC 8410) are the key.
    let spki = base64(&log["publicKey"]["rawBytes"]);
    let name = log["baseUrl"].as_str().unwrap().trim_start_matches("https://");
    VerifierKey::ed25519(KeyName::new(name).unwrap(), spki.last_chunk().unwrap()).unwrap()
}
