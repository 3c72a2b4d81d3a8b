//! The same job on other hardware: an SEV-SNP guest and a trust domain open a witness under one policy, whose rules are about
//! each by itself; a trust domain in debug mode does not.

use anyhow::ensure;
use serde_json::Value;

use crate::{
    documents::{self, ACCOUNTS},
    enclave,
    refusals::{BEFORE, expect},
    stage::Stage,
    story::{Measured, Place, agent, job},
};

/// The files that the service is started with: the vendors' roots, and what they publish about their machines.
pub(crate) fn provide(stage: &Stage) -> anyhow::Result<()> {
    let (platform, vendor) = (enclave::platform(), enclave::vendor()?);
    stage.write("simulated-amd-root.der", platform.root_der())?;
    stage.write("simulated-amd.toml", platform.root_manifest())?;
    stage.write("simulated-intel-root.der", vendor.root_der())?;
    stage.write("simulated-intel.toml", vendor.root_manifest())?;
    stage.make_folder("endorsements")?;
    stage.write("endorsements/amd.crl", platform.crl(enclave::period()?, &[]).build())?;
    stage.write("endorsements/intel.json", vendor.tdx_collateral().build())
}

/// Plays both machines.
pub(crate) fn play(stage: &Stage, place: &Place, measured: &Measured) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("9  Other hardware: one policy for SEV-SNP guests and trust domains");
    narrator.say("  policy-vm.toml has rules for each: its image, and what its vendor signs about its state.");
    let [snp, tdx] = enclave::approved_machines()?;
    let policy = documents::policy_of_machines([&snp, &tdx], measured.executable(), measured.verifying_key());
    stage.write("policy-vm.toml", policy)?;
    stage.line(&["prooftrail", "policies", "upload", "policy-vm.toml"]).run()?;
    stage.line(&["prooftrail", "policies", "activate", "solvency-vm", "1"]).run()?;
    stage.line(&["prooftrail", "keys", "new", "vm-balances", "--policy", "solvency-vm"]).run()?;
    let made = ["solvency-prover", "witness", "--accounts", ACCOUNTS, "--seed", "machines", "--out", "balances.json"];
    stage.line(&made).run()?;
    let seal = ["prooftrail", "seal", "--key", &format!("{}#vm-balances", place.url), "balances.json"];
    stage.line(&seal).and(&["--output", "vm-balances.json.age"]).run()?;
    std::fs::remove_file(stage.path("balances.json"))?;
    for (kind, folder, about) in [
        (enclave::SEV_SNP, "sev-snp", "\n  An SEV-SNP guest. The host handed it the certificates of its chip."),
        (enclave::TDX, "tdx", "\n  A trust domain. Intel's collateral is in the folder that the service was given."),
    ] {
        narrator.say(about);
        stage.provers_folder(folder)?;
        let events = line(stage, place, kind, folder).run_agent(BEFORE)?;
        let registered = events.last().and_then(|event| event.get("verified")).and_then(Value::as_str);
        ensure!(registered == Some("verified"), "the service should have verified the proof of {folder}");
    }
    narrator.say("\n  The same trust domain in debug mode: whoever runs the host reads its memory.");
    stage.provers_folder("tdx-debug")?;
    expect(&line(stage, place, enclave::TDX_DEBUG, "tdx-debug").ends_with(1).run_agent(BEFORE)?, &["policy.debug"])
}

fn line<'a>(stage: &'a Stage, place: &Place, kind: &'static str, folder: &'static str) -> crate::stage::Line<'a> {
    let line = stage.line(&agent(place, "vm-balances")).and(&job("../vm-balances.json.age"));
    line.with(enclave::VARIABLE, kind).within(folder)
}
