//! The JSON forms: they read what they write, and refuse unknown members, other spellings and too much.

use prooftrail_protocol::{
    limits,
    wire::{
        Bytes, ChallengeRequest, ChallengeResponse, LedgerPlace, PieceOfEvidence, Problem, ProblemReason, ProofRequest,
        ReleaseRequest, ReleaseResponse, from_json,
    },
};
use prooftrail_result::{Kind, Reason, ReasonCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::fixture::{
    HEADER, challenge, context, fleet_keys, key, proof_key, record, release, release_key, statement, terms,
};

fn request() -> ReleaseRequest {
    let context = context();
    ReleaseRequest {
        challenge: fleet_keys().token(&challenge()).as_str().to_owned(),
        purpose: context.purpose,
        key: key(),
        suite: context.suite,
        recipient: context.recipient,
        proof_key: context.proof_key,
        statement: statement().encode().into(),
        witness_header: HEADER.into(),
        evidence: vec![PieceOfEvidence { kind: Kind::AwsNitro, evidence: Bytes(vec![1, 2, 3]) }],
        endorsements: Vec::new(),
    }
}

fn place() -> LedgerPlace {
    LedgerPlace { leaf_index: 6, leaf: Bytes(vec![1]), checkpoint: "note\n".into(), proof: None }
}

fn response() -> ReleaseResponse {
    let (encoded, sealed, signature) = release(&terms());
    let expires = terms().expires;
    ReleaseResponse {
        release_id: terms().release_id,
        terms: encoded.into(),
        sealed,
        signature,
        expires,
        ledger: place(),
    }
}

fn reads_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(form: &T) -> Value {
    let written = serde_json::to_vec(form).unwrap();
    assert_eq!(from_json::<T>(&written, "form", limits::REQUEST_BYTES).as_ref(), Ok(form));
    let mut with_more: Value = serde_json::from_slice(&written).unwrap();
    let value = with_more.clone();
    with_more["more"] = Value::Null;
    let refused = from_json::<T>(with_more.to_string().as_bytes(), "form", limits::REQUEST_BYTES).unwrap_err();
    assert_eq!(refused.code(), "malformed.json");
    assert!(refused.to_string().contains("unknown field"), "{refused}");
    value
}

#[test]
fn forms_read_what_they_write_and_know_no_other_members() {
    let challenge = challenge();
    reads_back(&ChallengeRequest { purpose: context().purpose, key: Some(key().name) });
    let answer = reads_back(&ChallengeResponse {
        challenge: fleet_keys().token(&challenge).as_str().to_owned(),
        nonce: challenge.nonce(),
        checkpoint: challenge.checkpoint().to_owned(),
        recovery_epoch: 3,
        expires: challenge.expires(),
        log_origin: context().log_origin,
        release_key: release_key().public(),
        key: Some(key()),
    });
    assert_eq!(answer["expires"], "2026-06-01T12:05:00.000Z");
    assert_eq!(answer["key"], json!({"name": "solvency", "version": 2}));
    let asked = reads_back(&request());
    assert_eq!(asked["evidence"], json!([{"kind": "aws-nitro", "evidence": "AQID"}]));
    assert_eq!(asked["purpose"], "release");
    reads_back(&response());
    let signed = proof_key().sign(&record());
    let proof = ProofRequest {
        session: record().session,
        record: signed.record.clone().into(),
        signature: signed.signature,
        vk: None,
        public: None,
        proof: Some(Bytes(vec![9])),
    };
    reads_back(&proof);
    assert_eq!(proof.signed_record(), signed);
}

#[test]
fn forms_refuse_other_spellings() {
    for (member, value) in [
        ("purpose", json!("Release")),
        ("suite", json!("rsa")),
        ("recipient", json!("AQID")),
        ("proof_key", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), // a point of small order
        ("statement", json!("AQID=")),
        ("statement", json!("AQI+")),
        ("statement", json!("AQJ")), // bits that stand for nothing
        ("key", json!({"name": "solvency", "version": 0})),
        ("key", json!({"name": "Solvency", "version": 1})),
        ("key", json!({"name": "solvency"})),
        ("evidence", json!([{"kind": "nitro", "evidence": ""}])),
        ("evidence", json!([{"kind": "aws-nitro", "evidence": "", "more": 1}])),
        ("challenge", json!(1)),
    ] {
        let mut form = serde_json::to_value(request()).unwrap();
        form[member] = value.clone();
        let read = from_json::<ReleaseRequest>(form.to_string().as_bytes(), "release", limits::REQUEST_BYTES);
        assert_eq!(read.unwrap_err().code(), "malformed.json", "{member}: {value}");
    }
    let twice = br#"{"purpose":"release","purpose":"appraisal"}"#;
    assert!(from_json::<ChallengeRequest>(twice, "challenge", 100).unwrap_err().to_string().contains("duplicate"));
    let trailing = br#"{"purpose":"release"} {}"#;
    assert!(from_json::<ChallengeRequest>(trailing, "challenge", 100).is_err());
    assert_eq!(
        from_json::<ChallengeRequest>(&[b' '; 101], "challenge", 100).unwrap_err().code(),
        "malformed.too_large"
    );
}

#[test]
fn a_problem_carries_every_reason_and_ignores_what_it_does_not_know() {
    let reason = Reason::from(ReasonCode::PolicyRuleViolated).have(1).need(2).rule("image");
    let mut problem = Problem::new("policy.rule_violated", 403, "A rule is not satisfied.", "the image");
    problem.reasons.push(ProblemReason::from(&reason));
    let mut json = serde_json::to_value(&problem).unwrap();
    assert_eq!(json["type"], "urn:prooftrail:policy.rule_violated");
    assert_eq!(json["reasons"][0], serde_json::to_value(&reason).unwrap());
    json["retry_after"] = json!(3);
    assert_eq!(from_json::<Problem>(json.to_string().as_bytes(), "problem", 4096), Ok(problem));
}

#[test]
fn a_leaf_hash_is_rfc_6962_s() {
    // The hash of the one-byte leaf 0x01 is SHA-256(00 01).
    let expected = "b413f47d13ee2fe6c845b2ee141af81de858df4ec549a58b7970bb96645bc8d2";
    assert_eq!(hex::encode(place().leaf_hash()), expected);
}
