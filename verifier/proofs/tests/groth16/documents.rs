//! The readers: JSON, fields, decimals, caps. One mutation per rule, each with its exact refusal.

use ark_bls12_381::Bls12_381;
use ark_bn254::Bn254;
use ark_ff::PrimeField;
use prooftrail_proofs::{
    Document::{self, Proof, PublicInputs, VerifyingKey},
    Documents, InvalidDecimal, JsonFault, MAX_PUBLIC_INPUTS, Place, ProofError, Verdict, judge,
};
use serde_json::{Value, json};

use crate::fixture::{Curve, Fixture, made};

/// The refusal of one document's bytes, the other two being genuine.
fn refusal(genuine: &Fixture, document: Document, bytes: &[u8]) -> ProofError {
    let [mut key, mut proof, mut inputs] =
        [&genuine.key, &genuine.proof, &genuine.inputs].map(|value| value.to_string().into_bytes());
    match document {
        VerifyingKey => key = bytes.to_vec(),
        Proof => proof = bytes.to_vec(),
        PublicInputs => inputs = bytes.to_vec(),
    }
    let documents = Documents { verifying_key: &key, proof: &proof, public_inputs: &inputs };
    match judge(genuine.system.as_str(), documents) {
        Verdict::Refused(error) => error,
        other => panic!("{other:?}"),
    }
}

fn value(fixture: &Fixture, document: Document) -> &Value {
    match document {
        VerifyingKey => &fixture.key,
        Proof => &fixture.proof,
        PublicInputs => &fixture.inputs,
    }
}

/// The text with spaces behind it.
fn padded(text: &str, length: usize) -> String {
    text.to_owned() + &" ".repeat(length - text.len())
}

const ALL: [Document; 3] = [VerifyingKey, Proof, PublicInputs];

#[test]
fn json_is_strict() {
    let genuine = made::<Bn254>(1).fixture();
    for document in ALL {
        let text = value(&genuine, document).to_string();
        let columns = text.len();
        let json = |fault| ProofError::Json { document, fault };
        let syntax = |column| json(JsonFault::Syntax { line: 1, column });
        for (bytes, expected) in [
            (String::new(), json(JsonFault::Syntax { line: 1, column: 0 })),
            (text[..columns - 1].to_owned(), syntax(columns - 1)),
            (format!("\u{feff}{text}"), syntax(1)),
            (format!("{text}x"), json(JsonFault::TrailingBytes)),
            (format!("{text}{text}"), json(JsonFault::TrailingBytes)),
            (format!("{text}\0"), json(JsonFault::TrailingBytes)),
            ("[".repeat(5), json(JsonFault::TooDeep { max: 4 })),
            ("{\"a\":".repeat(5), json(JsonFault::TooDeep { max: 4 })),
            ("[".repeat(document.max_bytes()), json(JsonFault::TooDeep { max: 4 })),
            ("[null]".to_owned(), json(JsonFault::ForeignType { line: 1, column: 5 })),
            ("[true]".to_owned(), json(JsonFault::ForeignType { line: 1, column: 5 })),
            ("[-1]".to_owned(), json(JsonFault::ForeignType { line: 1, column: 3 })),
            ("[1.0]".to_owned(), json(JsonFault::ForeignType { line: 1, column: 4 })),
            ("[1e3]".to_owned(), json(JsonFault::ForeignType { line: 1, column: 4 })),
            ("{\"a\":1,\"a\":1}".to_owned(), json(JsonFault::DuplicateName { name: "a".to_owned() })),
            ("{\"a\":1,\"\\u0061\":1}".to_owned(), json(JsonFault::DuplicateName { name: "a".to_owned() })),
            ("[{\"a\":1,\"a\":2}]".to_owned(), json(JsonFault::DuplicateName { name: "a".to_owned() })),
        ] {
            assert_eq!(refusal(&genuine, document, bytes.as_bytes()), expected, "{document}: {bytes:.40}");
        }
        let max = document.max_bytes();
        let larger = padded(&text, max + 1);
        let too_large = ProofError::TooLarge { document, bytes: max + 1, max };
        assert_eq!(refusal(&genuine, document, larger.as_bytes()), too_large);
    }
    let not_utf8 = refusal(&genuine, PublicInputs, b"[\"\xff\"]");
    assert!(matches!(not_utf8, ProofError::Json { fault: JsonFault::Syntax { .. }, .. }), "{not_utf8}");
}

/// White space up to the cap is no defect, nor is the order of the fields.
#[test]
fn a_document_at_its_cap_is_read() {
    let genuine = made::<Bn254>(1).fixture();
    let documents = ALL.map(|document| padded(&value(&genuine, document).to_string(), document.max_bytes()));
    let [key, proof, inputs] = documents.each_ref().map(String::as_bytes);
    let verdict = judge("groth16-bn254", Documents { verifying_key: key, proof, public_inputs: inputs });
    assert_eq!(verdict.as_str(), "verified", "{verdict:?}");
}

#[test]
fn a_duplicate_of_a_genuine_field_is_refused() {
    let genuine = made::<Bn254>(1).fixture();
    for (document, field) in [(Proof, "pi_a"), (Proof, "curve"), (VerifyingKey, "IC"), (VerifyingKey, "vk_delta_2")] {
        let object = value(&genuine, document);
        let text = object.to_string().replacen('{', &format!("{{\"{field}\":{},", object[field]), 1);
        let fault = JsonFault::DuplicateName { name: field.to_owned() };
        assert_eq!(refusal(&genuine, document, text.as_bytes()), ProofError::Json { document, fault });
    }
}

#[test]
fn fields_are_exact() {
    let genuine = made::<Bn254>(1).fixture();
    for document in [VerifyingKey, Proof] {
        let object = value(&genuine, document);
        for field in object.as_object().unwrap().keys() {
            let mut lacking = object.clone();
            lacking.as_object_mut().unwrap().remove(field);
            let error = refusal(&genuine, document, lacking.to_string().as_bytes());
            assert!(
                matches!(error, ProofError::FieldMissing { document: at, field: name } if at == document && name == field),
                "{field}: {error}"
            );
            // A value of another type.
            let mut other = object.clone();
            other[field] = json!({});
            let error = refusal(&genuine, document, other.to_string().as_bytes());
            assert!(
                matches!(error, ProofError::Shape { place, .. } if place.document == document && place.field == Some(field)),
                "{field}: {error}"
            );
        }
        let mut extra = object.clone();
        extra["x".repeat(65)] = json!("1");
        let unknown = ProofError::FieldUnknown { document, field: "x".repeat(64) };
        assert_eq!(refusal(&genuine, document, extra.to_string().as_bytes()), unknown);
        let mut protocol = object.clone();
        protocol["protocol"] = json!("plonk");
        let expected = ProofError::Protocol { document, have: "plonk".to_owned(), need: "groth16" };
        assert_eq!(refusal(&genuine, document, protocol.to_string().as_bytes()), expected);
        let mut curve = object.clone();
        curve["curve"] = json!("BN128");
        let expected = ProofError::Curve { document, have: "BN128".to_owned(), need: "bn128" };
        assert_eq!(refusal(&genuine, document, curve.to_string().as_bytes()), expected);
        let whole = Place::whole(document);
        let expected = ProofError::Shape { place: whole, need: "an object" };
        assert_eq!(refusal(&genuine, document, b"[]"), expected);
    }
    let expected = ProofError::Shape { place: Place::whole(PublicInputs), need: "a list" };
    assert_eq!(refusal(&genuine, PublicInputs, b"{}"), expected);
    let place = Place::whole(PublicInputs).item(1);
    let expected = ProofError::Shape { place, need: "a decimal string" };
    assert_eq!(refusal(&genuine, PublicInputs, b"[\"1\",2]"), expected);
}

#[test]
fn shapes_inside_fields_are_exact() {
    let genuine = made::<Bn254>(1).fixture();
    let (two, pair) = (json!(["1", "2"]), "a pair of decimal strings");
    let three = "a list of three coordinates";
    for (document, field, value, need) in [
        (Proof, "pi_a", two.clone(), three),
        (Proof, "pi_a", json!(["1", "2", "1", "1"]), three),
        (Proof, "pi_a", json!([["1"], "2", "1"]), "a decimal string"),
        (Proof, "pi_b", json!(["1", "2", "1"]), pair),
        (Proof, "pi_b", json!([["1"], two, two]), pair),
        (Proof, "pi_b", json!([["1", "2", "3"], two, two]), pair),
        (VerifyingKey, "vk_alphabeta_12", json!([]), "two lists of three pairs"),
        (VerifyingKey, "vk_alphabeta_12", json!([[two, two, two], [two, two]]), "two lists of three pairs"),
        (VerifyingKey, "vk_alphabeta_12", json!([[two, two, two], [two, two, "1"]]), pair),
    ] {
        let mut object = self::value(&genuine, document).clone();
        object[field] = value;
        let expected = ProofError::Shape { place: Place::field(document, field), need };
        assert_eq!(refusal(&genuine, document, object.to_string().as_bytes()), expected, "{object}");
    }
}

fn decimals_are_canonical<E: Curve>() {
    let genuine = made::<E>(1).fixture();
    let scalar_modulus = E::ScalarField::MODULUS.to_string();
    let base_modulus = E::BaseField::MODULUS.to_string();
    let aliases: [(&str, InvalidDecimal); 9] = [
        ("", InvalidDecimal::Empty),
        ("01", InvalidDecimal::LeadingZero),
        ("+1", InvalidDecimal::NotADigit),
        ("-1", InvalidDecimal::NotADigit),
        (" 1", InvalidDecimal::NotADigit),
        ("1\n", InvalidDecimal::NotADigit),
        ("0x1", InvalidDecimal::NotADigit),
        ("1_0", InvalidDecimal::NotADigit),
        ("1.0", InvalidDecimal::NotADigit),
    ];
    let in_inputs = aliases.into_iter().chain([(scalar_modulus.as_str(), InvalidDecimal::NotReduced)]);
    for (text, fault) in in_inputs {
        let place = Place::whole(PublicInputs).item(1);
        let bytes = json!(["1", text]).to_string();
        assert_eq!(refusal(&genuine, PublicInputs, bytes.as_bytes()), ProofError::Decimal { place, fault }, "{text}");
    }
    for (text, fault) in aliases.into_iter().chain([(base_modulus.as_str(), InvalidDecimal::NotReduced)]) {
        for (document, field, coordinate) in [(Proof, "pi_a", 0), (Proof, "pi_c", 1), (VerifyingKey, "vk_alpha_1", 2)] {
            let mut object = value(&genuine, document).clone();
            object[field][coordinate] = json!(text);
            let expected = ProofError::Decimal { place: Place::field(document, field), fault };
            assert_eq!(refusal(&genuine, document, object.to_string().as_bytes()), expected, "{text}");
        }
        for (document, field, part) in [(Proof, "pi_b", 0), (VerifyingKey, "vk_gamma_2", 1)] {
            let mut object = value(&genuine, document).clone();
            object[field][1][part] = json!(text);
            let expected = ProofError::Decimal { place: Place::field(document, field), fault };
            assert_eq!(refusal(&genuine, document, object.to_string().as_bytes()), expected, "{text}");
        }
    }
}

#[test]
fn numbers_have_one_spelling() {
    decimals_are_canonical::<Bn254>();
    decimals_are_canonical::<Bls12_381>();
}

#[test]
fn the_key_counts_its_inputs() {
    let genuine = made::<Bn254>(1).fixture();
    for declared in [0u64, 1, 3, u64::MAX] {
        let mut key = genuine.key.clone();
        key["nPublic"] = json!(declared);
        let expected = ProofError::KeyInputCount { declared, points: 3 };
        assert_eq!(refusal(&genuine, VerifyingKey, key.to_string().as_bytes()), expected);
    }
    let mut key = genuine.key.clone();
    key["IC"] = json!([]);
    let expected = ProofError::KeyInputCount { declared: 2, points: 0 };
    assert_eq!(refusal(&genuine, VerifyingKey, key.to_string().as_bytes()), expected);

    let have = MAX_PUBLIC_INPUTS + 1;
    key["IC"] = vec![genuine.key["IC"][0].clone(); have + 1].into();
    key["nPublic"] = json!(have);
    let too_many = |document| ProofError::TooManyInputs { document, have, max: MAX_PUBLIC_INPUTS };
    assert_eq!(refusal(&genuine, VerifyingKey, key.to_string().as_bytes()), too_many(VerifyingKey));
    let inputs = Value::from(vec![json!("1"); have]).to_string();
    assert_eq!(refusal(&genuine, PublicInputs, inputs.as_bytes()), too_many(PublicInputs));
}

/// The caps on bytes leave room for the cap on inputs, on the curve with the longer numbers, as snarkjs indents.
#[test]
fn the_largest_key_fits_its_cap() {
    let fixture = made::<Bls12_381>(1).fixture();
    let longest = ark_bls12_381::Fq::MODULUS.to_string();
    let mut key = fixture.key.clone();
    key["IC"] = vec![json!([longest, longest, "1"]); MAX_PUBLIC_INPUTS + 1].into();
    let triple = json!([[longest, longest], [longest, longest], [longest, longest]]);
    key["vk_alphabeta_12"] = json!([triple, triple]);
    assert!(format!("{key:#}").len() <= VerifyingKey.max_bytes());
    let inputs = Value::from(vec![json!(ark_bls12_381::Fr::MODULUS.to_string()); MAX_PUBLIC_INPUTS]);
    assert!(format!("{inputs:#}").len() <= PublicInputs.max_bytes());
}
