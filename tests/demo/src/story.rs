//! The main path: a service, a policy, a key, a sealed witness, an attested prover, a page, a bundle that verifies offline.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use prooftrail_result::Timestamp;
use serde_json::Value;

use crate::{
    documents::{self, ACCOUNTS, COMMAND, Pins, SYSTEM},
    enclave,
    http::Http,
    machines,
    refusals::{self, now},
    service::{Service, free_port},
    sets,
    stage::{Printed, Stage},
};

/// Where the service is and what its agents need to know of it.
pub(crate) struct Place {
    /// The service's URL.
    pub(crate) url: String,
    /// Its address.
    pub(crate) address: SocketAddr,
    /// The release key: what it did not sign, no agent opens.
    pub(crate) release_key: String,
}

/// Plays everything.
pub(crate) fn play(keep: bool) -> anyhow::Result<()> {
    let begun = now()?;
    let mut stage = Stage::set()?;
    let say = |text: &str| stage.narrator.say(text);
    say(
        "Prooftrail releases a secret input (a witness) only to a prover whose hardware proves what it runs, and leaves",
    );
    say(
        "for every proof a trail that anyone can check, offline, years later. This is its main job, on simulated hardware:",
    );
    say("the machines are simulated; service, agent, prover, proof and every check are real.");
    say("");
    say(&format!("Everything happens in {}. To repeat a command:", stage.folder().display()));
    stage.narrator.typed(&format!("cd {} && export PATH=$PWD/bin:$PATH", stage.folder().display()));

    let http = Http::new()?;
    let service = service(&mut stage)?;
    let (place, well_known) = place(&mut stage, &http, &service)?;
    let measured = policy(&stage)?;
    witness(&stage, &place)?;
    let registered = prove(&stage, &place)?;
    let bundle = page(&stage, &http, &place, &registered)?;
    verify(&stage, &well_known, &measured, bundle)?;
    refusals::play(&stage, &http, &place, &registered)?;
    machines::play(&stage, &place, &measured)?;
    sets::play(&stage, &place, &measured)?;
    report(&stage, begun)?;
    close(&stage, service, &registered, keep)
}

fn service(stage: &mut Stage) -> anyhow::Result<Service> {
    stage.narrator.heading("1  The service starts: an empty ledger on SQLite, keys of its own");
    stage.write("simulated-nitro-root.der", enclave::hypervisor().root_der())?;
    stage.write("simulated-root.toml", enclave::hypervisor().root_manifest())?;
    machines::provide(stage)?;
    sets::provide(stage)?;
    stage.write("service.toml", documents::configuration(free_port()?))?;
    let service = Service::start(stage, "service.toml")?;
    stage.write_secret("operator.token", &service.token)?;
    stage.narrator.say("  The token went to operator.token; commands find it and the service by two variables:");
    stage.narrator.typed(&format!("export PROOFTRAIL_URL={} PROOFTRAIL_TOKEN=$(cat operator.token)", service.url));
    stage.export("PROOFTRAIL_URL", &service.url);
    stage.export("PROOFTRAIL_TOKEN", &service.token);
    Ok(service)
}

fn place(stage: &mut Stage, http: &Http, service: &Service) -> anyhow::Result<(Place, Value)> {
    let well_known = http.get(&format!("{}/.well-known/prooftrail", service.url))?;
    stage.write("well-known.json", &well_known)?;
    let well_known: Value = serde_json::from_slice(&well_known)?;
    let release_key = well_known.get("release_key").and_then(Value::as_str).context("the service has a release key")?;
    stage.narrator.say(
        "  Agents open nothing that the service's release key did not sign; an image has its public half built in:",
    );
    stage.narrator.typed(&format!("export RELEASE_KEY={release_key}      # of $PROOFTRAIL_URL/.well-known/prooftrail"));
    stage.export("RELEASE_KEY", release_key);
    let address = service.url.strip_prefix("http://").context("a URL without TLS")?.parse()?;
    Ok((Place { url: service.url.clone(), address, release_key: release_key.to_owned() }, well_known))
}

/// What the policy pins, and its digest.
pub(crate) struct Measured {
    root: String,
    pcr0: String,
    executable: String,
    verifying_key: String,
    policy_digest: String,
}

impl Measured {
    pub(crate) fn executable(&self) -> &str {
        &self.executable
    }

    pub(crate) fn verifying_key(&self) -> &str {
        &self.verifying_key
    }

    fn pins(&self) -> Pins<'_> {
        let Self { root, pcr0, executable, verifying_key, policy_digest: _ } = self;
        Pins { root, pcr0, executable, verifying_key }
    }
}

fn policy(stage: &Stage) -> anyhow::Result<Measured> {
    let narrator = &stage.narrator;
    narrator
        .heading("2  A policy says who may open the witness: one image, one program, one command line, one circuit");
    narrator
        .say("  The circuit: a published root commits to customers' balances that are in range and sum to a total.");
    stage.line(&["solvency-prover", "setup", "--accounts", ACCOUNTS, "--out", "."]).run()?;
    let pinned = stage.line(&["prooftrail", "pin", "vk", "verification_key.json", "--system", SYSTEM]).run()?;
    let verifying_key = pinned.after("vk_sha256 = ")?;
    let pinned = stage.line(&["prooftrail", "pin", "command", "--program", "bin/solvency-prover", "--"]);
    let executable = pinned.and(&COMMAND).run()?.after("job.executable_sha384 ")?;
    let roots = stage.line(&["prooftrail", "roots", "list", "--root", "simulated-root.toml"]).run()?;
    let root = roots.after("sha256 ")?;
    let mut measured =
        Measured { root, pcr0: enclave::approved_pcr0()?, executable, verifying_key, policy_digest: String::new() };
    stage.write("policy.toml", documents::policy(&measured.pins()))?;
    narrator.say("  policy.toml pins all of these, and PCR0 of the image. That it allows simulated evidence is an error, which the");
    narrator.say("  service lets pass only because its own configuration trusts a simulator's root.");
    let uploaded = stage.line(&["prooftrail", "policies", "upload", "policy.toml"]).run()?;
    measured.policy_digest = uploaded.after("solvency version 1 ")?;
    stage.line(&["prooftrail", "policies", "activate", "solvency", "1"]).run()?;
    Ok(measured)
}

fn witness(stage: &Stage, place: &Place) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("3  A witness key: its private half never leaves the service");
    stage.line(&["prooftrail", "keys", "new", "balances", "--policy", "solvency"]).run()?;
    narrator.heading("4  On the laptop of whoever owns the data: the balances are sealed to the key's public half");
    stage.line(&["solvency-prover", "witness", "--accounts", ACCOUNTS, "--out", "balances.json"]).run()?;
    stage.line(&["prooftrail", "seal", "--key", &format!("{}#balances", place.url), "balances.json"]).run()?;
    std::fs::remove_file(stage.path("balances.json"))?;
    narrator.say("  Nobody opens balances.json.age now but an enclave that satisfies the policy.");
    Ok(())
}

/// What came of the approved run.
pub(crate) struct Registered {
    /// SHA-256 of the proof.
    pub(crate) proof_id: String,
    /// The session's release.
    pub(crate) release_id: String,
    /// The page.
    pub(crate) url: String,
}

/// The agent's command line, up to the witness, which was sealed to a key.
pub(crate) fn agent<'a>(place: &'a Place, key: &'a str) -> Vec<&'a str> {
    let Place { url, release_key, .. } = place;
    let agent = ["prover-agent", "run", "--json", "--service", url, "--insecure-http", "--release-key", release_key];
    [&agent[..], &["--key", key, "--system", SYSTEM]].concat()
}

/// Witness, places of the proof and its documents, and the command: the same wherever it runs.
pub(crate) fn job(witness: &str) -> Vec<&str> {
    let files = ["--witness", witness, "--vk", "verification_key.json"];
    [&files[..], &["--proof-out", "proof/proof.json", "--public", "proof/public.json", "--"], &COMMAND[..]].concat()
}

fn prove(stage: &Stage, place: &Place) -> anyhow::Result<Registered> {
    let narrator = &stage.narrator;
    narrator
        .heading("5  In the enclave: the agent attests, gets the witness's key, runs the prover, registers the proof");
    stage.make_folder("proof")?;
    let events = stage.line(&agent(place, "balances")).and(&job("balances.json.age")).run_agent(&[])?;
    let found = |name: &str, field: &str| {
        let event = events.iter().find(|event| event.get("event").and_then(Value::as_str) == Some(name));
        let text = event.and_then(|event| event.get(field)).and_then(Value::as_str);
        text.map(str::to_owned).with_context(|| format!("the agent tells no {field} of {name}"))
    };
    ensure!(found("registered", "verified")? == "verified", "the service should have verified the proof");
    Ok(Registered {
        proof_id: found("registered", "proof_id")?,
        release_id: found("released", "release_id")?,
        url: found("registered", "url")?,
    })
}

fn page(stage: &Stage, http: &Http, place: &Place, registered: &Registered) -> anyhow::Result<&'static str> {
    let Registered { proof_id, url, .. } = registered;
    let narrator = &stage.narrator;
    narrator.heading("6  The proof has a page, for anyone who was handed it");
    narrator.say(&format!("  {url}"));
    let page = http.get(url)?;
    let text = String::from_utf8_lossy(&page);
    ensure!(text.contains(proof_id.as_str()), "the page is about another proof");
    ensure!(text.to_lowercase().contains("simulated"), "the page hides that the hardware is simulated");
    stage.write("page.html", &page)?;
    narrator.output(&format!("page.html, {} bytes: no script, nothing loaded from elsewhere", page.len()));
    let from = format!("{}/v1/proofs/{proof_id}/bundle", place.url);
    narrator.say("  and a bundle, which is the whole trail in one file:");
    narrator.say(&format!("  {from}"));
    let bundle = http.get(&from)?;
    stage.write("bundle.json", &bundle)?;
    narrator.output(&format!("bundle.json, {} bytes", bundle.len()));
    Ok("bundle.json")
}

fn verify(stage: &Stage, well_known: &Value, measured: &Measured, bundle: &str) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("7  A stranger verifies the bundle, offline, by a trust file of their own");
    let trust = |accept| documents::trust(well_known, &measured.policy_digest, &measured.pins(), accept);
    stage.write("trust.toml", trust(false))?;
    stage.write("trust-demo.toml", trust(true))?;
    narrator.say("  As it should be, it fails: no hardware stands behind the evidence, and only the operator vouches for the time.");
    let verify = ["prooftrail", "verify-bundle", bundle, "--root", "simulated-root.toml", "--trust"];
    let Printed(refused) = stage.line(&verify).and(&["trust.toml"]).ends_with(1).quietly()?;
    let counts = |line: &&str| !line.contains('✓') && !line.contains('·') && !line.contains("what no bundle");
    refused.lines().filter(counts).for_each(|line| narrator.output(line));
    narrator.output(&format!("  … and {} checks that hold", refused.matches('✓').count()));
    for code in ["bundle.simulated", "bundle.time_operator"] {
        ensure!(refused.contains(code), "{code} should be among the reasons");
    }
    narrator.say("  A stranger who accepts both in so many words (trust-demo.toml) sees all the rest verified:");
    stage.line(&verify).and(&["trust-demo.toml"]).run()?;
    Ok(())
}

fn report(stage: &Stage, begun: Timestamp) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("11  An auditor asks what happened, and the ledger remembers that too");
    let from = begun.to_rfc3339_millis();
    stage.line(&["prooftrail", "report", "compliance", "--from", &from, "--out", "report.html"]).run()?;
    let page = String::from_utf8(stage.read("report.html")?)?;
    for code in ["policy.debug", "policy.rule_violated", "proof.not_allowed", "SOC2 CC6.1"] {
        ensure!(page.contains(code), "{code} should stand in the report");
    }
    let preview = ["prooftrail", "report", "compliance", "--from", &from, "--preview", "--json"];
    let report: Value = serde_json::from_str(&stage.line(&preview).quietly()?.0)?;
    let number = |name: &str| report.pointer(&format!("/summary/{name}")).and_then(Value::as_u64);
    let numbers = ["releases", "denials", "proofs_verified", "findings"].map(number);
    let [Some(releases), Some(denials), Some(verified), Some(findings)] = numbers else {
        bail!("the summary has numbers")
    };
    ensure!([releases, denials, verified, findings] == [8, 7, 7, 1], "the report counts {numbers:?}");
    narrator
        .output(&format!("{releases} releases, {denials} denials, {verified} verified proofs, {findings} finding:"));
    for finding in report.get("findings").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        narrator.output(&format!("  {} {}: {}", text("severity"), text("code"), text("detail")));
    }
    Ok(())
}

fn close(stage: &Stage, service: Service, registered: &Registered, keep: bool) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("All of it came out as announced.");
    narrator.say(&format!(
        "  In {}: bundle.json, page.html, report.html, policy.toml, transcript.txt, …",
        stage.folder().display()
    ));
    if keep {
        narrator.say(&format!("  The service is up until you interrupt it: {}", registered.url));
        return service.wait();
    }
    narrator.say("  To look at the page in a browser, leave the service up: cargo run --release -p demo -- --keep");
    service.stop()
}

impl Printed {
    /// The word that follows `before`, without quotes.
    fn after(&self, before: &str) -> anyhow::Result<String> {
        let rest = self.0.split_once(before).map(|(_, rest)| rest.trim_start());
        let word = rest.and_then(|rest| rest.split_whitespace().next());
        word.map(|word| word.trim_matches('"').to_owned()).with_context(|| format!("no {before:?} in {}", self.0))
    }
}
