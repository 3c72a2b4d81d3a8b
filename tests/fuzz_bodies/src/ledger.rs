//! The ledger's documents: what a parser accepts it must write back byte for byte, so that everything has one spelling.

use prooftrail_ledger::{
    Checkpoint, Frontier, Note, TlogProof, TrustPolicy, VerifierKey,
    note::NoteSignature,
    tiles::{HashTile, Tile, decode_entries, encode_entries},
};

/// Signed notes and the checkpoints in them.
pub(crate) fn note(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        if let Ok(checkpoint) = Checkpoint::parse(note.unverified_text()) {
            assert_eq!(checkpoint.text(), note.unverified_text());
        }
    }
}

/// Proof files.
pub(crate) fn tlog_proof(bytes: &[u8]) {
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
}

/// Tiles, entry bundles and frontiers.
pub(crate) fn tile(bytes: &[u8]) {
    if let Ok(frontier) = Frontier::from_bytes(bytes) {
        assert_eq!(frontier.to_bytes(), bytes);
    }
    for width in ["", ".p/1", ".p/2"] {
        if let Ok(tile) = Tile::parse(&format!("tile/entries/000{width}"))
            && let Ok(entries) = decode_entries(tile, bytes)
        {
            assert_eq!(encode_entries(&entries).ok().as_deref(), Some(bytes));
        }
        if let Ok(hashes) = Tile::parse(&format!("tile/0/000{width}")).map(|tile| HashTile::parse(tile, bytes)) {
            assert!(hashes.is_err() || hashes.is_ok_and(|hashes| hashes.to_bytes() == bytes));
        }
    }
}

/// Keys, signature lines, paths and trust policies.
pub(crate) fn trust(bytes: &[u8]) {
    let _ = TrustPolicy::parse(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(tile) = Tile::parse(text) {
        assert_eq!(tile.to_string(), text);
    }
    if let Ok(signature) = NoteSignature::parse(text) {
        assert_eq!(signature.to_string(), text);
    }
}
