//! Every parser on arbitrary bytes and on valid input with a few bytes changed: none panics, and what one accepts it
//! writes back byte for byte, so that everything has one spelling.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_ledger::{
    Checkpoint, Frontier, Hash, Note, NoteSigner, TlogProof, TrustPolicy, VerifierKey,
    cosignature::Cosigner,
    note::{KeyName, NoteSignature, NoteText},
    tiles::{HashTile, Tile, decode_entries, encode_entries},
};
use proptest::prelude::*;

/// Runs every parser on `bytes`.
fn parse_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(note) = Note::parse(bytes) {
        prop_assert_eq!(note.to_string().into_bytes(), bytes);
        if let Ok(checkpoint) = Checkpoint::parse(note.unverified_text()) {
            prop_assert_eq!(checkpoint.text(), note.unverified_text());
        }
    }
    if let Ok(proof) = TlogProof::parse(bytes) {
        prop_assert_eq!(proof.to_string().into_bytes(), bytes);
    }
    if let Ok(frontier) = Frontier::from_bytes(bytes) {
        prop_assert_eq!(frontier.to_bytes(), bytes);
    }
    // Policies have comments and spaces, and so many spellings.
    let _: Result<_, _> = TrustPolicy::parse(bytes);
    for width in ["", ".p/1", ".p/2"] {
        let tile = Tile::parse(&format!("tile/entries/000{width}")).unwrap();
        if let Ok(entries) = decode_entries(tile, bytes) {
            prop_assert_eq!(encode_entries(&entries).unwrap(), bytes);
        }
        let tile = Tile::parse(&format!("tile/0/000{width}")).unwrap();
        if let Ok(hashes) = HashTile::parse(tile, bytes) {
            prop_assert_eq!(hashes.to_bytes(), bytes);
        }
    }
    if let Ok(text) = str::from_utf8(bytes) {
        if let Ok(key) = VerifierKey::parse(text) {
            prop_assert_eq!(key.to_string(), text);
        }
        if let Ok(tile) = Tile::parse(text) {
            prop_assert_eq!(tile.to_string(), text);
        }
        if let Ok(signature) = NoteSignature::parse(text) {
            prop_assert_eq!(signature.to_string(), text);
        }
        if let Ok(hash) = Hash::from_base64(text) {
            prop_assert_eq!(hash.to_string(), text);
        }
        if let Ok(note_text) = NoteText::new(text) {
            prop_assert_eq!(note_text.as_str(), text);
        }
    }
    Ok(())
}

/// Something valid for each parser.
fn valid() -> Vec<Vec<u8>> {
    let signer = NoteSigner::from_seed(KeyName::new("log.example").unwrap(), &[1; 32]).unwrap();
    let cosigner = Cosigner::from_seed(KeyName::new("cosigner.example").unwrap(), &[2; 32]).unwrap();
    let checkpoint = Checkpoint::new("log.example", 7, Hash::of_leaf(b"")).unwrap();
    let mut note = Note::sign(checkpoint.text(), &signer).unwrap();
    note.add_signature(cosigner.cosign(&checkpoint, 1_679_315_147).unwrap()).unwrap();
    let proof = TlogProof::new(3, vec![Hash::EMPTY_ROOT; 3], note.clone()).unwrap().with_extra(vec![1, 2, 3]).unwrap();
    let (log, cosigner) = (signer.verifier_key(), cosigner.verifier_key());
    let mut frontier = Frontier::new();
    (0..7_u8).for_each(|entry| frontier.append(Hash::of_leaf(&[entry])).unwrap());
    vec![
        note.to_string().into_bytes(),
        proof.to_string().into_bytes(),
        frontier.to_bytes(),
        format!("log {log}\nwitness w {cosigner} url\ngroup g 1 w\nquorum g\n").into_bytes(),
        encode_entries(&[b"one", b"two"]).unwrap(),
        log.to_string().into_bytes(),
        b"tile/3/x001/x234/067.p/8".to_vec(),
        Hash::EMPTY_ROOT.to_string().into_bytes(),
    ]
}

proptest! {
    // A failing case is printed; it becomes a test of its own rather than a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse_all(&bytes)?;
    }

    #[test]
    fn changed_input_has_one_spelling_or_none(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..4),
    ) {
        let valid = valid();
        let mut bytes = which.get(&valid).clone();
        parse_all(&bytes)?;
        for (place, value, kind) in changes {
            let place = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(place, value),
                1 if place < bytes.len() => bytes[place] = value,
                2 if place < bytes.len() => drop(bytes.remove(place)),
                _ => {}
            }
        }
        parse_all(&bytes)?;
    }
}
