//! docs/proofs.md: its test vector, its caps and its table of codes are the crate's.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;

use prooftrail_proofs::{
    Document, KeyWeakness, MAX_PUBLIC_INPUTS, ProofSystem, PublicInputs, StatementId, VerifyingKey,
};
use serde_json::json;

const PAGE: &str = include_str!("../../../docs/proofs.md");

/// The value behind a label of the test vector.
fn of_the_page(label: &str) -> &'static str {
    PAGE.lines().find_map(|line| line.strip_prefix(label)).unwrap().trim()
}

#[test]
fn the_test_vector_is_ours() {
    let (first, second) = (
        json!(["1", "2", "1"]),
        json!([
            [
                "10857046999023057135944570762232829481370756359578518086990519993285655852781",
                "11559732032986387107991004021392285783925812861821192530917403151452391805634"
            ],
            [
                "8495653923123431417604973247489272438418190587263600148770280649306958101930",
                "4082367875863433681332203403145435568316851327593401208105741076214120093531"
            ],
            ["1", "0"]
        ]),
    );
    let key = json!({
        "protocol": "groth16", "curve": "bn128", "nPublic": 1, "vk_alpha_1": first,
        "vk_beta_2": second, "vk_gamma_2": second, "vk_delta_2": second, "IC": [first, first],
    });
    let system = ProofSystem::Groth16Bn254;
    let key = VerifyingKey::parse(system, key.to_string().as_bytes()).unwrap();
    let inputs = PublicInputs::parse(system, br#"["33"]"#).unwrap();
    let statement = StatementId::of(&key, &inputs).unwrap();
    assert_eq!(key.digest().to_string(), of_the_page("verifying key digest "));
    assert_eq!(statement.to_string(), of_the_page("statement id "));
    assert_eq!(key.weakness(), Some(KeyWeakness::Forgeable));
    assert_eq!(StatementId::from_bytes(*statement.as_bytes()), statement);
}

#[test]
fn the_table_has_every_code() {
    const SOURCES: [&str; 5] = [
        include_str!("../src/decimal.rs"),
        include_str!("../src/error.rs"),
        include_str!("../src/json.rs"),
        include_str!("../src/point.rs"),
        include_str!("../src/weakness.rs"),
    ];
    let quoted = |text: &'static str, quote| text.split(quote).filter(|part| part.starts_with("proof."));
    let ours = SOURCES.into_iter().flat_map(|source| quoted(source, '"'));
    let ours: Vec<_> = ours.filter(|code| !code.contains(' ')).collect();
    let codes: BTreeSet<_> = ours.iter().copied().collect();
    assert_eq!(codes.len(), ours.len(), "one code, one place");
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next());
    let of_the_page: BTreeSet<_> = rows.filter(|name| name.starts_with("proof.")).collect();
    assert_eq!(of_the_page, codes);
}

#[test]
fn the_caps_are_the_pages() {
    let thousands = |number: usize| format!("{},{:03}", number / 1000, number % 1000);
    let (key, proof, inputs) = (Document::VerifyingKey, Document::Proof, Document::PublicInputs);
    for number in [key.max_bytes(), proof.max_bytes(), inputs.max_bytes(), MAX_PUBLIC_INPUTS] {
        assert!(PAGE.contains(&thousands(number)), "{number}");
    }
    for system in ProofSystem::ALL {
        assert!(PAGE.contains(&format!("| `{system}` |")), "{system}");
    }
}
