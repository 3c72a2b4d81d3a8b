//! The ledger's test vectors, from the folder that `PROOFTRAIL_VECTORS` names. [`TABLE`] says for every file which check
//! reads it, or why none does; a file that the table does not name fails the test, and so does one that its check leaves
//! unread.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

mod folder;
mod merkle;
mod notes;
mod proofs;
mod tiles;
mod witnesses;

use std::collections::BTreeMap;

use folder::Folder;

/// What becomes of the files whose paths begin with a prefix. The longest prefix decides.
enum Use {
    /// This check reads every one of them.
    Checked(fn(&Folder, &[String])),
    /// No check reads them, for this reason.
    Unused(&'static str),
}
use Use::{Checked, Unused};

const CBOR: &str = "COSE receipts are CBOR, which this crate neither reads nor writes";
const CCF: &str = "CCF's tree is not that of RFC 6962, and its receipts are CBOR";
const ARTEFACT: &str = "what was signed, or keys of other kinds: no checkpoint, proof or tile";
const CT_ONLY: &str = "a format of static-ct-api, a configuration or a placeholder for one";

/// Prefix, number of files, use.
const TABLE: &[(&str, usize, Use)] = &[
    ("MANIFEST.tsv", 1, Checked(merkle::manifest_agrees)),
    ("c2sp-spec/", 4, Checked(notes::examples_of_the_specifications)),
    ("cose-receipts/", 6, Unused(CBOR)),
    ("generated/", 14, Checked(proofs::generated)),
    ("litewitness/", 3, Checked(witnesses::litewitness)),
    ("merkle-rfc6962/consistency/", 98, Checked(merkle::consistency)),
    ("merkle-rfc6962/inclusion/", 98, Checked(merkle::inclusion)),
    ("merkle-rfc6962/subtreeconsistency/", 118, Checked(merkle::subtree_consistency)),
    ("merkle-rfc6962/subtreeinclusion/", 204, Checked(merkle::subtree_inclusion)),
    ("scitt-ccf/", 9, Unused(CCF)),
    ("scitt-cose-0.5.0/", 100, Unused(CBOR)),
    ("sigstore-bundles/", 10, Checked(notes::sigstore)),
    ("sigstore-bundles/cosign-v3-blob.txt", 1, Unused(ARTEFACT)),
    ("sigstore-bundles/github_sha384_bundle.json", 1, Unused("it has no log entry")),
    ("sigstore-bundles/github_trusted_root.json", 1, Unused(ARTEFACT)),
    ("sigstore-bundles/public-good.json", 1, Unused(ARTEFACT)),
    ("sigstore-bundles/staging-rekor-v2.txt", 1, Unused(ARTEFACT)),
    ("sigstore-bundles/staging-rekor-v2.txt.sigstore.json", 1, Checked(notes::sigstore_entry)),
    ("sunlight-mirror/", 17, Checked(tiles::sunlight_mirror)),
    ("sunlight-mirror/skylight.yaml", 1, Unused(CT_ONLY)),
    ("sunlight-mirror/tree/issuer/", 1, Unused(CT_ONLY)),
    ("sunlight-mirror/tree/log.v3.json", 1, Unused(CT_ONLY)),
    ("sunlight-mirror/tree/tile/data/", 2, Unused(CT_ONLY)),
    ("sunlight-mirror/tree/tile/names/", 1, Unused(CT_ONLY)),
    ("tessera-log/", 47, Checked(tiles::tessera)),
    ("tlog-tiles-rocketeer/", 4, Checked(merkle::rocketeer)),
    ("witness-conformance-siglog/", 19, Checked(witnesses::siglog)),
];

#[test]
fn every_vector_is_checked_or_excused() {
    let total: usize = TABLE.iter().map(|(_, count, _)| count).sum();
    let Some(folder) = Folder::open(total) else { return };
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in folder.files() {
        let rows = TABLE.iter().filter(|(prefix, ..)| file.starts_with(prefix));
        let row = rows.max_by_key(|(prefix, ..)| prefix.len());
        let (prefix, ..) = row.unwrap_or_else(|| panic!("no row of the table names {file}"));
        files.entry(prefix).or_default().push(file);
    }
    for (prefix, count, use_) in TABLE {
        let files = files.remove(prefix).unwrap_or_default();
        assert_eq!(files.len(), *count, "files that begin with {prefix}");
        match use_ {
            Checked(check) => {
                check(&folder, &files);
                let unread: Vec<_> = files.iter().filter(|file| !folder.was_read(file)).collect();
                assert!(unread.is_empty(), "the check of {prefix} has not read {unread:?}");
            }
            Unused(reason) => {
                assert!(!reason.is_empty());
                let read: Vec<_> = files.iter().filter(|file| folder.was_read(file)).collect();
                assert!(read.is_empty(), "{read:?} are checked, and the table excuses them");
            }
        }
    }
}
