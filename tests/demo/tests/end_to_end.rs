//! The demo, whole: service, agent, prover, page, bundle, refusals, as processes of their own. It checks every outcome
//! itself and exits accordingly; what is checked here is that it played everything, and what it left behind.

use std::{
    env, fs,
    net::TcpStream,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

const EXPECTED_BESIDE_THE_README: [&str; 10] = [
    "error: Evidence of simulators is accepted",
    "bundle.simulated",
    "bundle.time_operator",
    "have true, need false",
    "(rule image)",
    "(rule program)",
    "proof.record_signature",
    "have devtools, need on",
    "binding.unlinked",
    "8 releases, 7 denials, 7 verified proofs, 1 finding",
];

/// The lines that the README's section about the main job promises.
fn readme_transcript() -> impl Iterator<Item = &'static str> {
    let readme = include_str!("../../../README.md");
    let section = readme.split_once("## The main job").map_or("", |(_, section)| section);
    let block = section.split("```").nth(1).and_then(|block| block.strip_prefix("console\n"));
    block.unwrap_or_default().lines()
}

/// Whether a line is what was promised, where an ellipsis may stand for anything.
fn is_like(line: &str, promised: &str) -> bool {
    let (first, rest) = promised.split_once('…').unwrap_or((promised, ""));
    let Some(mut line) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = rest.split('…').collect();
    for part in &parts {
        let Some((_, after)) = line.split_once(part) else { return false };
        line = after;
    }
    line.is_empty() || promised.ends_with('…')
}

#[test]
fn the_main_job_comes_out_as_announced_and_its_bundle_verifies_by_itself() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-test");
    let played = Command::new(env!("CARGO_BIN_EXE_demo"))
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8(played.stdout).unwrap();
    let stderr = String::from_utf8(played.stderr).unwrap();
    assert!(played.status.success(), "{stdout}{stderr}");

    let folder = target.join("demo");
    let transcript = fs::read_to_string(folder.join("transcript.txt")).unwrap();
    assert_eq!(transcript, stdout);
    let mut lines = transcript.lines();
    for expected in EXPECTED_BESIDE_THE_README {
        assert!(lines.any(|line| line.contains(expected)), "{expected} is missing, or stands too early:\n{stdout}");
    }
    assert!(readme_transcript().count() > 20, "the README has a transcript");
    let mut lines = transcript.lines();
    for shown in readme_transcript() {
        assert!(
            lines.any(|line| is_like(line, shown)),
            "the README shows a line that is not there:\n{shown}\n{stdout}"
        );
    }

    // Secrets stay where they are.
    let token = fs::read_to_string(folder.join("operator.token")).unwrap();
    assert!(token.starts_with("pt_") && !transcript.contains(&token));
    assert!(!folder.join("balances.json").exists());
    let witness = fs::read_to_string(folder.join("outside/balances.json")).unwrap();
    let witness: Value = serde_json::from_str(&witness).unwrap();
    assert!(!transcript.contains(witness["accounts"][0]["id"].as_str().unwrap()));

    // Nothing is left running.
    let address = transcript.lines().find_map(|line| line.split_once("serves at http://")).unwrap().1;
    assert!(TcpStream::connect(address).is_err());

    // The bundle verifies with nothing but itself and the trust file, and not with one bit of a proof changed.
    let verify = |bundle: &str| {
        Command::new(folder.join("bin/prooftrail"))
            .arg0("prooftrail")
            .args(["verify-bundle", bundle, "--root", "simulated-root.toml", "--trust", "trust-demo.toml", "--json"])
            .current_dir(&folder)
            .output()
            .unwrap()
    };
    assert_eq!(verify("bundle.json").status.code(), Some(0));
    let mut bundle: Value = serde_json::from_slice(&fs::read(folder.join("bundle.json")).unwrap()).unwrap();
    let proof = &mut bundle["documents"]["proof"];
    let text = proof.as_str().unwrap();
    *proof = format!("{}{}", if text.starts_with('A') { "B" } else { "A" }, &text[1..]).into();
    fs::write(folder.join("altered.json"), serde_json::to_vec(&bundle).unwrap()).unwrap();
    let refused = verify("altered.json");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("bundle.proof_documents"));
}
