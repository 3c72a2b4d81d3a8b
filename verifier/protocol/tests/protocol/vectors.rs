//! The test vectors of docs/protocol.md: made by this test with `UPDATE_VECTORS=1` in the environment, otherwise compared byte
//! for byte; and computed again by a program in another language, from the specification alone, where Python is at hand.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::{fs, path::PathBuf, process::Command};

use prooftrail_protocol::{
    KindValue, OtherPiece, SessionRequest, argv_sha384, attached, attached_32, primary, sha384, wire::base64url,
};
use prooftrail_result::Kind;
use serde_json::{Value, json};

use crate::fixture::{
    CHECKPOINT, HEADER, challenge, context, file_key, fleet_keys, proof_key, recipient, record, release, release_key,
    statement, terms,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// 32 bytes that count up, as the fixture's generator gives them.
fn counting(first: u8) -> String {
    hex::encode((0..32).map(|place| first + place).collect::<Vec<_>>())
}

fn vectors() -> Value {
    let (context, statement, record, terms) = (context(), statement(), record(), terms());
    let token = fleet_keys().token(&challenge());
    let gpu = b"evidence of a GPU";
    let value = primary(
        Kind::AwsNitro,
        &context.sha384(),
        &statement.sha384(),
        [OtherPiece::of(Kind::NvidiaSwitch, b"evidence of a switch"), OtherPiece::of(Kind::NvidiaGpu, gpu)],
    );
    let runtime_data = match KindValue::primary(Kind::IntelTrustAuthority, &context, &statement.sha384(), []) {
        Some(KindValue::RuntimeData(data)) => hex::encode(data),
        other => panic!("{other:?}"),
    };
    let (encoded, sealed, signature) = release(&terms);
    let signed = proof_key().sign(&record);
    let request =
        SessionRequest { session: terms.release_id, sequence: 1, header_sha384: sha384(&[b"another header"]) };
    json!({
        "challenge": {
            "random": hex::encode(challenge().random()),
            "checkpoint": CHECKPOINT,
            "recovery_epoch": 3,
            "issued_ms": challenge().issued().unix_millis(),
            "expires_ms": challenge().expires().unix_millis(),
            "fleet_key": "f1".repeat(32),
            "nonce": hex::encode(challenge().nonce().0),
            "token": token.as_str(),
        },
        "context": {
            "log_origin": context.log_origin.as_str(),
            "purpose": context.purpose.as_str(),
            "key": "solvency",
            "version": 2,
            "suite": context.suite.as_str(),
            "recipient_spki": hex::encode(context.recipient.spki()),
            "proof_key": hex::encode(context.proof_key.as_bytes()),
            "cbor": hex::encode(context.encode()),
            "sha384": hex::encode(context.sha384()),
        },
        "statement": {
            "agent_version": statement.agent_version,
            "executable_sha384": hex::encode(statement.executable_sha384),
            "argv": statement.argv,
            "argv_sha384": hex::encode(argv_sha384(statement.argv.iter().map(String::as_str))),
            "environment": statement.environment,
            "sandbox": statement.sandbox,
            "witness_header": hex::encode(HEADER),
            "cbor": hex::encode(statement.encode()),
            "sha384": hex::encode(statement.sha384()),
        },
        "binding": {
            "attached_nvidia_gpu_sha384": hex::encode(attached(Kind::NvidiaGpu, &context)),
            "attached_nvidia_gpu_sha256": hex::encode(attached_32(Kind::NvidiaGpu, &context)),
            "others": [
                {"kind": "nvidia-switch", "evidence": hex::encode(b"evidence of a switch")},
                {"kind": "nvidia-gpu", "evidence": hex::encode(gpu)},
            ],
            "primary_aws_nitro": hex::encode(value),
            "intel_trust_authority_alone_runtime_data": runtime_data,
        },
        "release": {
            "release_id": terms.release_id.to_string(),
            "policy_digest": hex::encode(terms.policy_digest),
            "evidence": terms.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "expires_ms": terms.expires.unix_millis(),
            "terms": hex::encode(&encoded),
            "file_key": hex::encode(file_key().expose()),
            "recipient_ikm": counting(0x21),
            "ephemeral_ikm": counting(0x61),
            "sealed": hex::encode(sealed.0),
            "release_key_seed": "44".repeat(32),
            "release_key": hex::encode(release_key().public().as_bytes()),
            "signature": hex::encode(signature.0),
        },
        "proof": {
            "release_leaf_hash": hex::encode(record.release_leaf_hash),
            "witness_sha256": hex::encode(record.witness_sha256),
            "system": record.system,
            "vk_sha256": record.vk_sha256.map(hex::encode),
            "public_sha256": record.public_sha256.map(hex::encode),
            "proof_sha256": record.proof_sha256.map(hex::encode),
            "started_ms": record.started.unix_millis(),
            "ended_ms": record.ended.unix_millis(),
            "cbor": hex::encode(&signed.record),
            "proof_key_seed": "33".repeat(32),
            "signature": hex::encode(signed.signature.0),
        },
        "session_request": {
            "sequence": 1,
            "header": hex::encode(b"another header"),
            "cbor": hex::encode(request.encode()),
            "signature": hex::encode(proof_key().sign_request(&request).0),
        },
    })
}

#[test]
fn the_vectors_are_what_the_code_computes() {
    let path = folder().join("protocol.json");
    let rendered = format!("{:#}\n", vectors());
    #[expect(clippy::disallowed_methods, reason = "how a developer asks for the file to be written")]
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, &rendered).unwrap();
    }
    let written = fs::read_to_string(path).unwrap();
    assert!(written == rendered, "the vectors changed: the protocol is another, or a bug crept in");
    // The recipient's key pair is that of the chance that the vectors name.
    assert_eq!(context().recipient, recipient().public());
    let token = base64url::decode(vectors()["challenge"]["token"].as_str().unwrap(), "token", usize::MAX).unwrap();
    assert!(token.starts_with(&[0x87, 0x01]));
}

#[test]
fn the_values_on_the_page_are_the_vectors() {
    let page: String = include_str!("../../../../docs/protocol.md").split_whitespace().collect();
    let vectors = vectors();
    for (group, name) in [
        ("challenge", "nonce"),
        ("context", "sha384"),
        ("statement", "sha384"),
        ("binding", "attached_nvidia_gpu_sha256"),
        ("binding", "primary_aws_nitro"),
        ("release", "sealed"),
        ("release", "signature"),
    ] {
        assert!(page.contains(vectors[group][name].as_str().unwrap()), "{group} {name}");
    }
}

#[test]
fn another_program_computes_the_same_from_the_specification() {
    let output = match Command::new("python3").arg(folder().join("check.py")).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: python3 is not installed");
            return;
        }
        Err(error) => panic!("python3: {error}"),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "12 values are the specification's");
}
