//! `prooftrail verify-bundle` as a process: a bundle from a running service, the trust file of a relying party, and what the
//! program answers and returns.

use std::{
    fs,
    process::{Command, Stdio},
};

use prooftrail_protocol::{Purpose, sha256};
use serde_json::{Value, json};

use crate::{
    agent::{EXECUTABLE, Site, policy, root_file},
    proofs::{Proof, SYSTEM, pinned},
    provenance::{get, trust},
    release::start,
    scratch::Scratch,
};

/// Exit status, standard output, standard error.
type Ended = (Option<i32>, String, String);

fn verify(scratch: &Scratch, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    command.env_clear().current_dir(scratch.path()).arg("verify-bundle").args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The codes of the reasons.
fn codes(told: &Value) -> Vec<&str> {
    told["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[test]
fn a_bundle_from_a_service_is_verified_by_the_program() {
    let scratch = Scratch::new();
    let service = start(scratch.path(), None, |_| {});
    let site = Site::prepare(service.address, &service.token);
    let proof = Proof::of_two();
    site.put_in_force(&policy("proofs", EXECUTABLE, "pinned", &pinned(SYSTEM, &proof.key)));
    let job = site.job(Purpose::Release);
    let opened = site.release(&job);
    let reply = site.post("/v1/proofs", &json!(proof.registration(&job, &proof.record(&job, &opened, 0))));
    assert_eq!(reply.status, 200, "{reply:?}");
    let id = hex::encode(sha256(&[&proof.proof]));
    let bundle = get(&site, &format!("/v1/proofs/{id}/bundle"), "*/*").body;
    let write = |name: &str, content: &[u8]| fs::write(scratch.path().join(name), content).unwrap();
    let trusted = trust(&site, std::slice::from_ref(&proof.key));
    write("proof.bundle.json", &bundle);
    write("trust.toml", trusted.as_bytes());
    root_file(scratch.path());
    // Offline from here on.
    drop(service);
    let usual = ["proof.bundle.json", "--trust", "trust.toml", "--root", "simulated.der"];
    let run = |file: &str, trust: &str, more: &[&str]| {
        let arguments = [&[file, "--trust", trust, "--root", "simulated.der"], more].concat();
        verify(&scratch, &arguments)
    };

    let (status, said, error) = verify(&scratch, &usual);
    assert_eq!((status, error.as_str()), (Some(0), ""), "{said}");
    assert!(said.starts_with("✓ Everything that a bundle can show is shown."), "{said}");
    assert!(said.contains("SIMULATED") && said.contains("operator's word") && said.contains("what no bundle shows"));
    let (status, said, _) = run("proof.bundle.json", "trust.toml", &["--json"]);
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &told["verdict"], codes(&told)), (Some(0), &json!("affirming"), vec![]));
    assert_eq!((&told["not_shown"], &told["simulated"], &told["time"]), (&json!([]), &json!(true), &Value::Null));
    assert_eq!(told["shown"].as_array().unwrap().len(), 18);

    // What is trusted decides: each part that is missing, or is another, is a refusal with its own code.
    let other_key = "ab".repeat(32);
    for (name, changed, code) in [
        ("time", trusted.replace("accept_operator_time = true\n", ""), "bundle.time_operator"),
        ("simulated", trusted.replace("accept_simulated = true\n", ""), "bundle.simulated"),
        ("circuit", trusted.replace(&proof.key, &other_key), "bundle.verifying_key"),
        ("verifier", trusted.clone() + "verifiers = ['prooftrail 9.9.9']\n", "bundle.verifier"),
        ("roots", trusted.clone() + &format!("roots = ['{other_key}']\n"), "bundle.root_untrusted"),
    ] {
        write("other.toml", changed.as_bytes());
        let (status, said, _) = run("proof.bundle.json", "other.toml", &["--json"]);
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((status, codes(&told)), (Some(1), vec![code]), "{name}: {told}");
        assert_eq!(told["verdict"], "refused");
    }
    // Without the simulator's root there is no hardware that anybody knows.
    let (status, said, _) = verify(&scratch, &["proof.bundle.json", "--trust", "trust.toml"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("bundle.root_untrusted"), "{said}");
    // Before it was made.
    let (status, said, _) = run("proof.bundle.json", "trust.toml", &["--at", "2026-01-01T00:00:00Z"]);
    assert!(status == Some(1) && said.contains("bundle.future"), "{said}");

    // What was changed on the way, and what was withheld.
    let parsed: Value = serde_json::from_slice(&bundle).unwrap();
    let mut withheld = parsed.clone();
    withheld.as_object_mut().unwrap().remove("documents");
    let mut swapped = parsed.clone();
    swapped["policy"] = json!(parsed["policy"].as_str().unwrap().replace(&proof.key, &other_key));
    for (name, changed, code) in [("withheld", withheld, None), ("policy", swapped, Some("bundle.policy_text"))] {
        write("changed.json", changed.to_string().as_bytes());
        let (status, said, _) = run("changed.json", "trust.toml", &["--json"]);
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((status, codes(&told)), (Some(1), Vec::from_iter(code)), "{name}");
        assert_ne!(told["not_shown"], json!([]), "{name}");
    }
    write("changed.json", b"{}");
    let (status, said, _) = run("changed.json", "trust.toml", &[]);
    assert!(status == Some(1) && said.contains("bundle.malformed"), "{said}");

    // Usage, and files that are not there or are none.
    write("broken.toml", b"prooftrail_trust = 2\n");
    for arguments in [
        vec!["proof.bundle.json"],
        vec!["absent.json", "--trust", "trust.toml"],
        vec!["proof.bundle.json", "--trust", "absent.toml"],
        vec!["proof.bundle.json", "--trust", "broken.toml"],
        vec!["proof.bundle.json", "--trust", "trust.toml", "--root", "trust.toml"],
        vec!["proof.bundle.json", "--trust", "trust.toml", "--at", "yesterday"],
    ] {
        let (status, said, error) = verify(&scratch, &arguments);
        assert_eq!((status, said.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!error.is_empty(), "{arguments:?}");
    }
}
