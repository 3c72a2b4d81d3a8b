//! What does not get through: each attempt with the reason code that must come out.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use prooftrail_protocol::{
    ProofKey, ProofRecord, RecipientKey, SignedProofRecord,
    rand_core::UnwrapErr,
    sha256,
    wire::{Bytes, ProofRequest, ReleaseRequest},
};
use prooftrail_result::Timestamp;
use serde_json::Value;

use crate::{
    documents::{ACCOUNTS, SYSTEM},
    enclave,
    http::Http,
    stage::{Stage, refusal},
    story::{Place, Registered, agent, job},
    wiretap::Wiretap,
};

/// What every run tells before it comes to something.
pub(crate) const BEFORE: &[&str] = &["confined", "challenged", "attested"];

/// Plays all of them.
pub(crate) fn play(stage: &Stage, http: &Http, place: &Place, registered: &Registered) -> anyhow::Result<()> {
    stage.narrator.heading("8  What does not get through");
    let refused = |about: &str, kind: &'static str, codes: &[&str]| {
        stage.narrator.say(about);
        let line = stage.line(&agent(place, "balances")).and(&job("../balances.json.age"));
        let line = if kind.is_empty() { line } else { line.with(enclave::VARIABLE, kind) };
        expect(&line.within("attempt").ends_with(1).run_agent(BEFORE)?, codes)
    };
    stage.provers_folder("attempt")?;
    refused(
        "\n  The approved image in debug mode: whoever runs the host reads its memory.",
        enclave::DEBUG,
        &["policy.debug"],
    )?;
    refused(
        "\n  Another image, on hardware that is just as genuine.",
        enclave::OTHER_IMAGE,
        &["policy.rule_violated", "image"],
    )?;
    cat(stage, place)?;
    replay(stage, http, place)?;
    foreign_circuit(stage, place)?;
    outside(stage, http, place, registered)
}

fn cat(stage: &Stage, place: &Place) -> anyhow::Result<()> {
    stage.narrator.say("\n  The approved image, asked to run cat instead of the prover.");
    let files = ["--witness", "../balances.json.age", "--proof-out", "proof/copy", "--proof-from-stdout", "--", "cat"];
    let events = stage.line(&agent(place, "balances")).and(&files).within("attempt").ends_with(1).run_agent(BEFORE)?;
    expect(&events, &["policy.rule_violated", "program"])
}

/// Whoever was on the wire sends what the enclave sent, with keys of their own in place of the enclave's.
fn replay(stage: &Stage, http: &Http, place: &Place) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.say("\n  An approved run, with somebody on the wire (--via) who keeps what the agent sent …");
    let wiretap = Wiretap::start(place.address)?;
    let via = wiretap.address.to_string();
    let line = stage.line(&agent(place, "balances")).and(&["--via", &via]).and(&job("../balances.json.age"));
    line.within("attempt").run_agent(BEFORE)?;
    narrator.say("  … and sends it again, with a key of their own to seal the witness's key to: POST /v1/releases");
    let mut request: ReleaseRequest = serde_json::from_slice(&wiretap.body("/v1/releases")?)?;
    request.recipient = RecipientKey::generate(&mut UnwrapErr(getrandom::SysRng)).public();
    let answer = http.post(&format!("{}/v1/releases", place.url), serde_json::to_vec(&request)?)?;
    expect_problem(stage, &answer.problem()?, "challenge.spent")
}

/// The approved command line in a folder where another circuit's key stands under the same name.
fn foreign_circuit(stage: &Stage, place: &Place) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.say("\n  The approved program and command line, with another circuit's key under the approved name.");
    let setup = ["solvency-prover", "setup", "--accounts", ACCOUNTS, "--seed", "of my own", "--out", "foreign"];
    stage.line(&setup).run()?;
    stage.make_folder("foreign/proof")?;
    let line = stage.line(&agent(place, "balances")).and(&job("../balances.json.age"));
    let events = line.within("foreign").ends_with(1).run_agent(BEFORE)?;
    expect(&events, &["proof.not_allowed"])
}

/// The same program on a laptop makes a proof that verifies, and nobody attested to it.
fn outside(stage: &Stage, http: &Http, place: &Place, registered: &Registered) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.say("\n  A proof from outside a TEE: the same program and circuit, run on a laptop, on balances that somebody made up.");
    stage.make_folder("outside")?;
    let made_up = ["solvency-prover", "witness", "--accounts", ACCOUNTS, "--seed", "made up", "--out"];
    stage.line(&made_up).and(&["outside/balances.json"]).run()?;
    let prove = ["solvency-prover", "prove", "--pk", "proving.key", "--out", "outside"];
    stage.line(&prove).reading("outside/balances.json").run()?;
    narrator.say("  The proof verifies. Signed by a key of their own, it is sent in the name of the attested session:");
    narrator.say("  POST /v1/proofs");
    let request = forged(stage, registered)?;
    let answer = http.post(&format!("{}/v1/proofs", place.url), serde_json::to_vec(&request)?)?;
    expect_problem(stage, &answer.problem()?, "proof.record_signature")
}

/// A record in the name of the attested session, signed by a key that no hardware vouched for.
fn forged(stage: &Stage, registered: &Registered) -> anyhow::Result<ProofRequest> {
    let [proof, public, vk] =
        ["outside/proof.json", "outside/public.json", "verification_key.json"].map(|name| stage.read(name));
    let (proof, public, vk) = (proof?, public?, vk?);
    let session = registered.release_id.parse()?;
    let now = now()?;
    let record = ProofRecord {
        release_leaf_hash: [0; 32],
        session,
        sequence: 1,
        statement_sha384: [0; 48],
        witness_header_sha384: [0; 48],
        witness_sha256: [0; 32],
        system: Some(SYSTEM.to_owned()),
        vk_sha256: Some(sha256(&[&vk])),
        public_sha256: Some(sha256(&[&public])),
        proof_sha256: Some(sha256(&[&proof])),
        exit_status: 0,
        started: now,
        ended: now,
    };
    let SignedProofRecord { record, signature } = ProofKey::from_seed(&[7; 32]).sign(&record);
    Ok(ProofRequest {
        session,
        record: Bytes(record),
        signature,
        vk: Some(Bytes(vk)),
        public: Some(Bytes(public)),
        proof: Some(Bytes(proof)),
    })
}

/// Now.
#[expect(clippy::disallowed_methods, reason = "the edge: whoever plays has a clock")]
pub(crate) fn now() -> anyhow::Result<Timestamp> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Timestamp::from_unix_millis(i64::try_from(since_epoch.as_millis())?).context("the clock is past the year 9999")
}

/// The run was refused, and every one of these stands among codes and rules of the reasons.
pub(crate) fn expect(events: &[Value], named: &[&str]) -> anyhow::Result<()> {
    let refused = events.last().filter(|event| event.get("event").and_then(Value::as_str) == Some("refused"));
    let refused = refused.context("the run should have been refused")?;
    let reasons = refused.get("reasons").and_then(Value::as_array).into_iter().flatten();
    let mut names: Vec<_> = reasons.flat_map(|reason| [reason.get("code"), reason.get("rule")]).collect();
    names.push(refused.get("code"));
    let names: Vec<_> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    for name in named {
        ensure!(names.contains(name), "refused for {names:?}, which should name {name}");
    }
    Ok(())
}

fn expect_problem(stage: &Stage, problem: &Value, code: &str) -> anyhow::Result<()> {
    stage.narrator.output(&refusal(problem));
    let have = problem.get("code").and_then(Value::as_str).unwrap_or_default();
    ensure!(have == code, "refused for {have}, which should be {code}");
    Ok(())
}
