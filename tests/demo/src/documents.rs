//! The documents that people write: the service's configuration, the policy, and what a relying party trusts.

use serde_json::Value;

use crate::{attached, enclave};

/// The circuit's size: enough to be real, small enough to be quick.
pub(crate) const ACCOUNTS: &str = "16";

/// The command that the policy approves.
pub(crate) const COMMAND: [&str; 6] = ["solvency-prover", "prove", "--pk", "proving.key", "--out", "proof"];

/// The proof system.
pub(crate) const SYSTEM: &str = "groth16-bn254";

/// The service's configuration.
pub(crate) fn configuration(port: u16) -> String {
    format!(
        r#"data = "service"                      # keys, database, guard file
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"

[roots]
# Beside the vendors' own roots: the simulator's, whose manifests say that they are simulated.
files = [
    "simulated-root.toml", "simulated-amd.toml", "simulated-intel.toml",
    "simulated-nvidia.toml", "simulated-google.toml", "simulated-maa.toml",
]

[endorsements]
folder = "endorsements"               # what vendors publish: revocation lists, and Intel's collateral
fetch = false                         # the vendors themselves know nothing of simulated machines

[log]
level = "warn"
"#
    )
}

/// What of a policy is measured.
pub(crate) struct Pins<'a> {
    /// SHA-256 of the simulator's root.
    pub(crate) root: &'a str,
    /// PCR0 of the approved image.
    pub(crate) pcr0: &'a str,
    /// SHA-384 of the approved program.
    pub(crate) executable: &'a str,
    /// The digest of the circuit's verifying key.
    pub(crate) verifying_key: &'a str,
}

/// The policy.
pub(crate) fn policy(pins: &Pins<'_>) -> String {
    let Pins { root, pcr0, executable, verifying_key } = pins;
    let command = rules_of_the_command(executable);
    format!(
        r#"prooftrail_policy = 1
name = "solvency"
rationale = "Customers' balances open only inside the audited image, for the audited prover, on the command line we approved."
presets = ["aws-nitro-enclave"]
require_binding = true
allow_simulated = true      # the demo has no other hardware; no policy in earnest says this
roots = ["{root}"]

[freshness]
max_age = "5m"

[[platform]]
name = "nitro"
primary = "aws-nitro"

[[rule]]
id = "image"
claim = "nitro.pcr0"
operator = "in"
reference = "prover-images"
rationale = "PCR0 covers the whole image: kernel, its command line, the agent."
controls = ["SOC2 CC6.1", "SOC2 CC8.1"]

{command}
[[rule]]
id = "environment"
claim = "job.environment"
operator = "subset-of"
value = []
rationale = "A program that is told nothing cannot be told where to send the balances."
controls = ["SOC2 CC6.6"]

[[rule]]
id = "sandbox"
claim = "job.sandbox"
operator = "contains-all"
value = ["no_network", "no_new_privs"]
rationale = "What reads the balances can write a proof and nothing else."
controls = ["SOC2 CC6.6"]

# The one circuit whose proofs count.
[[proof]]
system = "{SYSTEM}"
vk_sha256 = "{verifying_key}"

[[reference]]
name = "prover-images"

[[reference.value]]
value = "{pcr0}"
note = "v1.0.0"
"#
    )
}

/// What may be run, in either policy.
fn rules_of_the_command(executable: &str) -> String {
    let arguments = COMMAND.map(|word| format!("{word:?}")).join(", ");
    format!(
        r#"[[rule]]
id = "program"
claim = "job.executable_sha384"
operator = "equals"
value = "{executable}"
rationale = "An approved image must not open the balances for any other program, such as cat."
controls = ["SOC2 CC6.1"]

[[rule]]
id = "arguments"
claim = "job.argv"
operator = "equals"
value = [{arguments}]
rationale = "The same program could be asked to do something else."
controls = ["SOC2 CC6.1"]
"#
    )
}

/// The policy for two further kinds of machines, each with rules of its own.
pub(crate) fn policy_of_machines([snp, tdx]: [&str; 2], executable: &str, verifying_key: &str) -> String {
    let command = rules_of_the_command(executable);
    format!(
        r#"prooftrail_policy = 1
name = "solvency-vm"
rationale = "Balances open only in the audited image, on AMD's or Intel's hardware in good standing, for the audited prover."
require_binding = true
allow_simulated = true      # the demo has no other hardware; no policy in earnest says this

[[platform]]
name = "sev-snp"
primary = "amd-sev-snp"

[[platform]]
name = "tdx"
primary = "intel-tdx"

[[group]]
name = "sev-snp"
when = [{{ claim = "platform", operator = "equals", value = "sev-snp" }}]

[[group.rule]]
id = "exposed-seeds"
claim = "snp.root_seed_exposed"
operator = "equals"
value = false
rationale = "The seeds of Milan's keys can be read out of the chip."

[[group]]
name = "tdx"
when = [{{ claim = "platform", operator = "equals", value = "tdx" }}]

[[group.rule]]
id = "tcb"
claim = "tcb.status"
operator = "equals"
value = "UpToDate"
rationale = "Intel's word on the versions of its firmware."

[[rule]]
id = "image"
claim = "measurement"
operator = "in"
reference = "vm-images"
rationale = "The launch measurement covers the firmware, which measures the rest."
controls = ["SOC2 CC6.1", "SOC2 CC8.1"]

{command}
[[proof]]
system = "{SYSTEM}"
vk_sha256 = "{verifying_key}"

[[reference]]
name = "vm-images"

[[reference.value]]
value = "{snp}"
note = "v1.0.0 on SEV-SNP"

[[reference.value]]
value = "{tdx}"
note = "v1.0.0 on TDX"
"#
    )
}

/// The policy for sets of evidence, each shape with rules of its own.
pub(crate) fn policy_of_sets(executable: &str, verifying_key: &str) -> anyhow::Result<String> {
    let command = rules_of_the_command(executable);
    let [_, trust_domain] = enclave::approved_machines()?;
    let container = attached::approved_container()?;
    let machine = attached::azure("demo")?;
    let (paravisor, boot) = (hex::encode(machine.measurement()), hex::encode(machine.quote.pcrs[4]));
    let provider = attached::provider()?;
    let token = provider.guest_token(&machine);
    let attestation_policy = token.payload.get("x-ms-policy-hash").map(ToString::to_string).unwrap_or_default();
    let (provider, attestation_policy) = (provider.issuer, attestation_policy.trim_matches('"'));
    Ok(format!(
        r#"prooftrail_policy = 1
name = "solvency-sets"
rationale = "Balances open only where CPU and GPU are confidential together, or where a cloud's word is backed by its hardware's."
require_binding = true
allow_simulated = true      # the demo has no other hardware; no policy in earnest says this

[[platform]]
name = "tdx-gpu"
primary = "intel-tdx"
devices = [{{ kind = "nvidia-gpu" }}]

[[platform.rule]]
id = "domain"
claim = "tdx.mrtd"
operator = "equals"
value = "{trust_domain}"
rationale = "The launch measurement covers the firmware, which measures the rest."
controls = ["SOC2 CC6.1", "SOC2 CC8.1"]

[[platform.rule]]
id = "tcb"
claim = "tcb.status"
operator = "equals"
value = "UpToDate"
rationale = "Intel's word on the versions of its firmware."
controls = ["SOC2 CC7.1"]

[[platform.rule]]
id = "gpu-mode"
claim = "gpu.cc_mode"
operator = "equals"
value = "on"
rationale = "No report says whether its GPU can be debugged. The agent, which is measured, read it from the driver."
controls = ["SOC2 CC6.1"]

[[platform.rule]]
id = "gpu-nonce"
claim = "gpu.*.sample_nonce"
operator = "equals"
value = false
rationale = "The nonce that vendors print in their samples makes evidence that anyone can replay."
controls = ["SOC2 CC6.1"]

[[platform.rule]]
id = "gpu-firmware"
claim = "gpu.*.measres"
operator = "equals"
value = "success"
rationale = "Driver and VBIOS are the ones of NVIDIA's signed reference values."
controls = ["SOC2 CC8.1"]

[[platform]]
name = "google"
primary = "gcp-confidential-space"

[[platform.rule]]
id = "container"
claim = "gcs.container.image_digest"
operator = "equals"
value = "{container}"
rationale = "The one container that was audited."
controls = ["SOC2 CC6.1", "SOC2 CC8.1"]

[[platform.rule]]
id = "hardened"
claim = "gcs.support_attributes"
operator = "contains-all"
value = ["STABLE"]
rationale = "Google supports the image; images for debugging have no such attribute."
controls = ["SOC2 CC8.1"]

[[platform]]
name = "azure"
primary = "azure-snp-vtpm"
attached = [{{ kind = "azure-maa" }}]

[[platform.rule]]
id = "paravisor"
claim = "snp.measurement"
operator = "equals"
value = "{paravisor}"
rationale = "The paravisor keeps the TPM whose quote says what the guest runs."
controls = ["SOC2 CC6.1", "SOC2 CC8.1"]

[[platform.rule]]
id = "exposed-seeds"
claim = "snp.root_seed_exposed"
operator = "equals"
value = false
rationale = "The seeds of Milan's keys can be read out of the chip."
controls = ["SOC2 CC6.1"]

[[platform.rule]]
id = "boot"
claim = "azure_vtpm.pcr4"
operator = "equals"
value = "{boot}"
rationale = "The boot loader and the kernel."
controls = ["SOC2 CC6.1", "SOC2 CC8.1"]

[[platform.rule]]
id = "provider"
claim = "maa.issuer"
operator = "equals"
value = "{provider}"
rationale = "Anyone may have a provider of Azure Attestation. This one is ours."
controls = ["SOC2 CC6.1"]

[[platform.rule]]
id = "attestation-policy"
claim = "maa.policy_hash"
operator = "equals"
value = "{attestation_policy}"
rationale = "What our provider attests, it attests by the policy that we read."
controls = ["SOC2 CC6.1"]

{command}
[[proof]]
system = "{SYSTEM}"
vk_sha256 = "{verifying_key}"
"#
    ))
}

/// What a relying party trusts. The service's keys are taken from itself here; in earnest they come another way.
pub(crate) fn trust(well_known: &Value, policy_digest: &str, pins: &Pins<'_>, accept: bool) -> String {
    let text = |name: &str| well_known.get(name).and_then(Value::as_str).unwrap_or_default();
    let Pins { root, verifying_key, .. } = pins;
    let accepted = if accept {
        "accept_simulated = true         # no hardware stands behind this evidence, and I know it\n\
         accept_operator_time = true     # no outside cosigner has seen this log: when it happened is the operator's word\n"
    } else {
        ""
    };
    format!(
        r#"prooftrail_trust = 1
{accepted}release_keys = ["{}"]
policies = ["{policy_digest}"]
roots = ["{root}"]
verifying_keys = ["{verifying_key}"]

# C2SP tlog-policy: the log, and who else must have seen it.
log = """
log {}
quorum none
"""
"#,
        text("release_key"),
        text("log_key"),
    )
}
