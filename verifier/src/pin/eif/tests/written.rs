//! What is written of an image: JSON, and TOML for a policy.

use prooftrail_policy::PolicyDocument;
use serde_json::json;
use toml::Table;

use super::{
    super::Notice,
    image::Image,
    measure_bytes,
    vectors::{SIGNED, UNSIGNED},
};

#[test]
fn json_has_the_promised_keys() {
    let measured = measure_bytes(UNSIGNED).unwrap();
    let json = serde_json::to_value(&measured).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut promised =
        ["pcr0", "pcr1", "pcr2", "pcr8", "signed", "signer", "architecture", "version", "sections", "notices"];
    promised.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, promised);
    assert_eq!((&json["pcr8"], &json["signer"], &json["signed"]), (&json!(null), &json!(null), &json!(false)));
    assert_eq!(json["pcr0"], hex::encode(measured.pcr0));

    let measured = measure_bytes(SIGNED).unwrap();
    let json = serde_json::to_value(&measured).unwrap();
    assert_eq!(json["signed"], true);
    assert_eq!(json["pcr8"], hex::encode(measured.signer.unwrap().pcr8));
    assert_eq!(
        json["signer"],
        json!({
            "subject": "CN=mock signer one,O=Prooftrail tests,C=EU",
            "not_before": "2026-11-22T16:45:11Z",
            "not_after": "2036-11-19T16:45:11Z",
        })
    );
}

/// Name, value and note of every reference.
fn references(toml: &str) -> Vec<(String, String, String)> {
    let table: Table = toml.parse().unwrap();
    assert_eq!(table.keys().collect::<Vec<_>>(), ["reference"]);
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let references = table["reference"].as_array().unwrap().iter().map(|reference| {
        let values = reference["value"].as_array().unwrap();
        assert_eq!((reference.as_table().unwrap().len(), values.len()), (2, 1));
        assert_eq!(values[0].as_table().unwrap().len(), 2);
        (text(&reference["name"]), text(&values[0]["value"]), text(&values[0]["note"]))
    });
    references.collect()
}

#[test]
fn references_hold_the_registers() {
    let measured = measure_bytes(SIGNED).unwrap();
    let references = references(&measured.to_policy_toml("prover"));
    let named: Vec<_> = references.iter().map(|(name, value, _)| (name.as_str(), value.clone())).collect();
    assert_eq!(
        named,
        [
            ("prover-pcr0", hex::encode(measured.pcr0)),
            ("prover-pcr1", hex::encode(measured.pcr1)),
            ("prover-pcr2", hex::encode(measured.pcr2)),
            ("prover-pcr8", hex::encode(measured.signer.as_ref().unwrap().pcr8)),
        ]
    );
    assert!(references.iter().take(3).all(|(_, _, note)| note.starts_with("aarch64 enclave image: ")));
    assert_eq!(
        references[3].2,
        "signing certificate of CN=mock signer one,O=Prooftrail tests,C=EU, valid from 2026-11-22T16:45:11Z to \
         2036-11-19T16:45:11Z"
    );
    let unsigned = measure_bytes(UNSIGNED).unwrap().to_policy_toml("prover");
    assert_eq!(unsigned.matches("[[reference]]").count(), 3);
}

#[test]
fn a_policy_takes_the_references() {
    let mut policy = String::from(
        "prooftrail_policy = 1\nname = \"p\"\nrationale = \"r\"\n[[platform]]\nname = \"nitro\"\nprimary = \"aws-nitro\"\n",
    );
    for register in [0, 1, 2, 8] {
        policy += &format!(
            "[[rule]]\nid = \"pcr{register}\"\nclaim = \"nitro.pcr{register}\"\noperator = \"in\"\n\
             reference = \"prover-v2-pcr{register}\"\nrationale = \"r\"\n"
        );
    }
    let compile = |policy: &str| PolicyDocument::parse(policy)?.compile(&[[0; 32]]);
    assert!(compile(&policy).is_err(), "the rules rest on the references");
    policy += &measure_bytes(SIGNED).unwrap().to_policy_toml("Prover v2");
    compile(&policy).unwrap_or_else(|error| panic!("{error}\n{policy}"));
}

#[test]
fn names_are_names_of_a_policy() {
    let measured = measure_bytes(UNSIGNED).unwrap();
    let long = "x".repeat(59);
    for (name, expected) in [
        ("prover", "prover"),
        ("Prover v1.2.eif", "prover-v1-2-eif"),
        ("--\"]\n[[x]]--", "x"),
        ("", "image"),
        ("Œ", "image"),
        (&"x".repeat(200), &long),
    ] {
        let references = references(&measured.to_policy_toml(name));
        assert_eq!(references[0].0, format!("{expected}-pcr0"), "{name}");
        assert!(references[0].0.len() <= 64);
    }
}

#[test]
fn a_subject_stays_inside_its_note() {
    let mut measured = measure_bytes(SIGNED).unwrap();
    let signer = measured.signer.as_mut().unwrap();
    signer.subject = "CN=\"\n[[reference]]\\ \u{202E}\u{7F}\u{1B}[2Jé".to_owned();
    let toml = measured.to_policy_toml("prover");
    assert!(toml.chars().all(|c| c == '\n' || !c.is_control()) && !toml.contains('\u{202E}'));
    let note = &references(&toml)[3].2;
    assert!(note.starts_with("signing certificate of CN=\"\n[[reference]]\\ \u{202E}\u{7F}\u{1B}[2Jé, valid "));

    measured.signer.as_mut().unwrap().subject = "x".repeat(60_000);
    assert!(measured.to_policy_toml("prover").len() < 2_000);
}

#[test]
fn a_stock_kernel_is_pointed_out() {
    let mut measured = measure_bytes(&Image::new().write()).unwrap();
    assert!(measured.notices().is_empty());
    let pcr1 = "0343b056cd8485ca7890ddd833476d78460aed2aa161548e4e26bedf321726696257d623e8805f3f605946b3d8b0c6aa";
    measured.pcr1 = hex::decode(pcr1).unwrap().try_into().unwrap();
    assert!(matches!(measured.notices()[..], [Notice::StockBoot { .. }]));
    assert!(measured.notices()[0].to_string().contains("no application"));
    assert!(references(&measured.to_policy_toml("prover"))[1].2.contains("stock kernel"));
}
