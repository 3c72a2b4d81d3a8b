//! Evidence that belongs together: a trust domain with its GPU, a workload of Google's, a machine of Azure's with its provider's
//! token open a witness under one policy. A GPU in the mode for developers, an image for debugging, and a token about another
//! machine do not.

use anyhow::ensure;
use serde_json::Value;

use crate::{
    attached::{self, AZURE, AZURE_LAUNDERED, GOOGLE, GOOGLE_DEBUG, TDX_GPU, TDX_GPU_DEVTOOLS},
    documents::{self, ACCOUNTS},
    enclave,
    refusals::{BEFORE, expect},
    stage::{Line, Stage},
    story::{Measured, Place, agent, job},
};

/// How long NVIDIA's answers about certificates hold here; in earnest a day, and the service asks again.
const ANSWERS_HOLD: i64 = 20 * 24 * 3600;

/// The files that the service is started with: the vendors' roots and keys, and what they publish.
pub(crate) fn provide(stage: &Stage) -> anyhow::Result<()> {
    let (gpu, authority, period) = (attached::gpu(), attached::reference_values()?, enclave::period()?);
    stage.write("simulated-nvidia-device-root.der", gpu.root_der())?;
    stage.write("simulated-nvidia-rim-root.der", authority.root_der())?;
    stage.write("simulated-nvidia.toml", format!("{}\n{}", gpu.root_manifest(), authority.root_manifest()))?;
    for (name, rim) in ["driver", "vbios"].into_iter().zip(attached::rims()?) {
        stage.write(&format!("endorsements/nvidia-{name}.swidtag"), rim.build())?;
    }
    let (own, authority) = (gpu.statuses(period), authority.statuses(period));
    for (number, mut answer) in own.into_iter().chain(authority).enumerate() {
        answer.next_update = Some(period + ANSWERS_HOLD);
        stage.write(&format!("endorsements/nvidia-{number}.ocsp"), answer.build())?;
    }
    let google = attached::google()?;
    stage.write("simulated-google-root.der", google.root_der())?;
    stage.write("simulated-google.toml", google.root_manifest())?;
    let machine = attached::azure("demo")?;
    for (number, endorsement) in machine.endorsements().into_iter().enumerate() {
        stage.write(&format!("endorsements/azure-{number}.der"), endorsement)?;
    }
    let provider = attached::provider()?;
    stage.write("simulated-maa.jwks", provider.key_set().build())?;
    stage.write("simulated-maa.toml", provider.root_manifest())?;
    stage.write("endorsements/maa.jwks", provider.key_set().build())
}

/// Plays all of them.
pub(crate) fn play(stage: &Stage, place: &Place, measured: &Measured) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("10  Evidence that belongs together: a GPU, and clouds' tokens");
    narrator.say("  policy-sets.toml names the shape of each set. A piece that nothing shows to be of the same machine is refused.");
    stage.write("policy-sets.toml", documents::policy_of_sets(measured.executable(), measured.verifying_key())?)?;
    stage.line(&["prooftrail", "policies", "upload", "policy-sets.toml"]).run()?;
    stage.line(&["prooftrail", "policies", "activate", "solvency-sets", "1"]).run()?;
    stage.line(&["prooftrail", "keys", "new", "set-balances", "--policy", "solvency-sets"]).run()?;
    let made = ["solvency-prover", "witness", "--accounts", ACCOUNTS, "--seed", "sets", "--out", "balances.json"];
    stage.line(&made).run()?;
    let seal = ["prooftrail", "seal", "--key", &format!("{}#set-balances", place.url), "balances.json"];
    stage.line(&seal).and(&["--output", "set-balances.json.age"]).run()?;
    std::fs::remove_file(stage.path("balances.json"))?;
    for (kind, about) in [
        (TDX_GPU, "\n  A trust domain with a GPU, whose report carries a value made for this very request."),
        (GOOGLE, "\n  A workload in Google's Confidential Space: Google's token, signed by a key under its root."),
        (AZURE, "\n  Azure's virtual machine: its vTPM's quote, and a token about the same machine beside it."),
    ] {
        narrator.say(about);
        stage.provers_folder(kind)?;
        let events = line(stage, place, kind).run_agent(BEFORE)?;
        let registered = events.last().and_then(|event| event.get("verified")).and_then(Value::as_str);
        ensure!(registered == Some("verified"), "the service should have verified the proof of {kind}");
    }
    for (kind, about, codes) in [
        (
            TDX_GPU_DEVTOOLS,
            "\n  The same GPU in the mode for developers, in which it can be debugged: the agent, which is measured, says so.",
            &["policy.rule_violated", "gpu-mode"][..],
        ),
        (GOOGLE_DEBUG, "\n  The same container on Google's image for debugging.", &["policy.debug"]),
        (
            AZURE_LAUNDERED,
            "\n  The same machine with a token about another one, which is just as genuine.",
            &["binding.unlinked"],
        ),
    ] {
        narrator.say(about);
        stage.provers_folder(kind)?;
        expect(&line(stage, place, kind).ends_with(1).run_agent(BEFORE)?, codes)?;
    }
    Ok(())
}

fn line<'a>(stage: &'a Stage, place: &Place, kind: &'static str) -> Line<'a> {
    let line = stage.line(&agent(place, "set-balances")).and(&job("../set-balances.json.age"));
    line.with(enclave::VARIABLE, kind).within(kind)
}
