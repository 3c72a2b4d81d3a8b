//! Logs as others serve them: Tessera's at sizes 0 to 15, and a mirror's of 300 leaves with its cosignatures.

use prooftrail_ledger::{
    Checkpoint, Frontier, Hash, Note, TrustPolicy, VerifierKey,
    merkle::{ProofPlan, Subtree, verify_consistency, verify_inclusion},
    note::{NoteError, VerifyError},
    tiles::{
        EntryBundleError, HashTile, HashTileError, Tile, TileSet, decode_entries, encode_entries, tiles_of_growth,
    },
    trust_policy::PolicyRefusal,
};

use crate::folder::Folder;

/// The key of Tessera's test log, from the index of the vectors.
pub(crate) const TESSERA_KEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

/// The entries of Tessera's test log.
pub(crate) fn tessera_entries(folder: &Folder) -> Vec<Vec<u8>> {
    let bundle = folder.bytes("tessera-log/log/tile/entries/000.p/15");
    let tile = Tile::parse("tile/entries/000.p/15").unwrap();
    decode_entries(tile, &bundle).unwrap().into_iter().map(<[u8]>::to_vec).collect()
}

pub(crate) fn tessera(folder: &Folder, _files: &[String]) {
    let log = |path: &str| folder.bytes(&format!("tessera-log/log/{path}"));
    let key = VerifierKey::parse(TESSERA_KEY).unwrap();
    let policy = TrustPolicy::parse(format!("log {TESSERA_KEY}\nquorum none\n").as_bytes()).unwrap();
    let entries = tessera_entries(folder);
    let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
    assert_eq!(log("checkpoint"), log("checkpoint.15"));

    let mut tree = Frontier::new();
    let mut heads = Vec::new();
    for size in 0..=15_u16 {
        if let Some(last) = usize::from(size).checked_sub(1) {
            tree.append(leaves[last]).unwrap();
        }
        let note = Note::parse(&log(&format!("checkpoint.{size}"))).unwrap();
        assert_eq!(note.verify(&[&key]).unwrap().signatures().len(), 1);
        let checkpoint = policy.verify_checkpoint(&note).unwrap().checkpoint;
        assert_eq!(checkpoint.origin(), "example.com/log/testdata");
        assert_eq!((checkpoint.size(), checkpoint.root()), (size.into(), tree.root()));
        heads.push((checkpoint.size(), checkpoint.root()));

        let mut tiles = TileSet::new(size.into());
        let mut paths = Vec::new();
        for tile in tiles_of_growth(0, size.into()) {
            let bytes = log(&tile.to_string());
            paths.push(tile.to_string());
            if tile.to_string().starts_with("tile/entries/") {
                let decoded = decode_entries(tile, &bytes).unwrap();
                assert_eq!(decoded, entries[..size.into()]);
                assert_eq!(encode_entries(&decoded).unwrap(), bytes);
            } else {
                let hashes = HashTile::parse(tile, &bytes).unwrap();
                assert_eq!(hashes.hashes(), &leaves[..size.into()]);
                assert_eq!((hashes.root(), hashes.to_bytes()), (tree.root(), bytes.clone()));
                tiles.insert(tile, &bytes).unwrap();
            }
        }
        assert_eq!(paths.len(), if size == 0 { 0 } else { 2 });
        for (index, leaf) in (0..).zip(&leaves[..size.into()]) {
            let proof = ProofPlan::inclusion(index, size.into()).unwrap().prove(&tiles).unwrap();
            assert_eq!(verify_inclusion(leaf, index, size.into(), &proof, &tree.root()), Ok(()));
        }
        for (earlier, root) in &heads[1..] {
            let proof = ProofPlan::consistency(*earlier, size.into()).unwrap().prove(&tiles).unwrap();
            assert_eq!(verify_consistency(*earlier, size.into(), &proof, root, &tree.root()), Ok(()));
        }
    }
}

pub(crate) fn sunlight_mirror(folder: &Folder, files: &[String]) {
    const WITNESSED: &str = "sunlight-mirror/witness/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706";
    const WITNESSED2: &str =
        "sunlight-mirror/witness2/88ad7a28caeb0b2aa890fdf0304c2fcaf59fca2ee140134ff8c1300bac493482";
    const MIRRORED: &str =
        "sunlight-mirror/witness/mirror/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706";
    let key = |file: &str| {
        let description = folder.json(&format!("sunlight-mirror/{file}"));
        VerifierKey::parse(description["verifier_keys"][0].as_str().unwrap()).unwrap()
    };
    let (witness, witness2) = (key("witness/witness.v0.json"), key("witness2/witness.v0.json"));
    let mirror = key("witness/mirror/mirror.v0.json");
    let keys = [&witness, &witness2, &mirror];

    // The log's own signature is an RFC 6962 tree head (type 0x05), which is not verified here.
    let of_log = Note::parse(&folder.bytes("sunlight-mirror/tree/checkpoint")).unwrap();
    assert_eq!(of_log.verify(&keys), Err(VerifyError::NoKnownSignature));
    for (path, by) in [(WITNESSED, &witness), (WITNESSED2, &witness2), (MIRRORED, &mirror)] {
        let note = Note::parse(&folder.bytes(&format!("{path}/checkpoint"))).unwrap();
        let verified = note.verify(&keys).unwrap();
        let signatures: Vec<_> = verified.signatures().iter().map(|by| (by.key, by.time)).collect();
        assert_eq!(signatures, [(by, Some(1_767_139_200))]);
        assert_eq!(Checkpoint::parse(verified.text()).unwrap().size(), 300);
        let others: Vec<_> = keys.into_iter().filter(|key| *key != by).collect();
        assert_eq!(note.verify(&others), Err(VerifyError::NoKnownSignature));
        // Cosigners alone make no checkpoint of a log.
        let policy = TrustPolicy::parse(format!("witness w {by}\nquorum w\n").as_bytes()).unwrap();
        assert!(matches!(policy.verify_checkpoint(&note), Err(PolicyRefusal::NotSignedByLog { .. })));
    }

    let note = Note::parse(&folder.bytes(&format!("{MIRRORED}/checkpoint"))).unwrap();
    let root = Checkpoint::parse(note.unverified_text()).unwrap().root();
    let mut tiles = TileSet::new(300);
    let mut leaves = Vec::new();
    for tile in tiles_of_growth(0, 300) {
        let bytes = folder.bytes(&format!("{MIRRORED}/{tile}"));
        if tile.to_string().starts_with("tile/entries/") {
            // Placeholders, gzip-compressed text: no bundles at all.
            let refused = decode_entries(tile, &bytes);
            assert!(matches!(refused, Err(EntryBundleError::Truncated { position: 0, .. })), "{tile}");
            continue;
        }
        tiles.insert(tile, &bytes).unwrap();
        if tile.to_string().starts_with("tile/0/") {
            leaves.extend_from_slice(HashTile::parse(tile, &bytes).unwrap().hashes());
        }
        // The log's own tiles are placeholders of another length.
        let placeholder = folder.bytes(&format!("sunlight-mirror/tree/{tile}"));
        let (have, need) = (placeholder.len(), usize::from(tile.width()) * 32);
        assert_eq!(HashTile::parse(tile, &placeholder), Err(HashTileError::Length { have, need }));
    }
    assert_eq!(Subtree::prefix(300).root(&tiles), Ok(root));
    let mut tree = Frontier::new();
    leaves.iter().for_each(|leaf| tree.append(*leaf).unwrap());
    assert_eq!((tree.size(), tree.root()), (300, root));
    for index in [0, 1, 255, 256, 299] {
        let proof = ProofPlan::inclusion(index, 300).unwrap().prove(&tiles).unwrap();
        let leaf = leaves[usize::try_from(index).unwrap()];
        assert_eq!(verify_inclusion(&leaf, index, 300, &proof, &root), Ok(()));
    }

    let decoys: Vec<_> =
        files.iter().filter(|file| file.matches('/').count() < 4 && file.contains("/witness/")).collect();
    let decoys: Vec<_> =
        decoys.into_iter().filter(|file| file.ends_with("/checkpoint") && !file.contains("000de184")).collect();
    assert_eq!(decoys.len(), 2);
    for decoy in decoys {
        assert_eq!(Note::parse(&folder.bytes(decoy)), Err(NoteError::NoSignatures), "{decoy}");
    }
}
