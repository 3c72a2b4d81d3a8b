//! The documents say what the tables say, and the sample of a trust file is one.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use prooftrail_provenance::{
    BundleCode, Check, TrustFile,
    verification::{NEVER_SHOWN, NEVER_SHOWN_BY_TOKENS},
};

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

#[test]
fn every_check_and_code_is_documented_with_its_words() {
    let text = document("provenance.md");
    let rows = |prefix: &str| text.lines().filter(|line| line.starts_with(prefix)).count();
    for check in Check::ALL {
        assert!(text.contains(&format!("| `{check}` | {} |\n", check.words())), "{check}");
    }
    for code in BundleCode::ALL {
        assert!(text.contains(&format!("| `{code}` | {} |\n", code.words())), "{code}");
    }
    assert_eq!(rows("| `bundle."), BundleCode::ALL.len());
    for words in NEVER_SHOWN.iter().chain([&NEVER_SHOWN_BY_TOKENS]) {
        assert!(text.contains(&format!("- {words}\n")), "{words}");
    }
}

#[test]
fn the_sample_is_a_trust_file() {
    let sample = document("examples/auditor.trust.toml");
    TrustFile::parse(&sample).unwrap();
    let keys = document("trust-file.md");
    for key in sample.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key) {
        assert!(key.starts_with('#') || keys.contains(&format!("| `{key}` |")), "{key}");
    }
}
