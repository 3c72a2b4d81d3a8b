//! What is this machine? Which attestation devices it shows, what this build would collect, and how a command would be
//! confined. Nothing is asked to sign; a collector may open its device to see whose it is.

use std::{fs, path::Path};

use prooftrail_result::Kind;
use serde::Serialize;

/// A thing that attests, or may.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// What it is.
    pub what: &'static str,
    /// Where it was looked for.
    pub path: &'static str,
    /// Is it there?
    pub present: bool,
    /// The kind of evidence that it makes, by its name.
    pub kind: &'static str,
    /// Does this build collect it?
    pub supported: bool,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    /// Every device of the table.
    pub devices: Vec<Found>,
    /// The kinds that a run would collect, the primary last.
    pub would_collect: Vec<&'static str>,
    /// Why it would collect nothing, where the settings ask for what is not there.
    pub would_not_collect: Option<String>,
    /// Confidential computing on for NVIDIA GPUs is the driver's to say; only its presence is seen here.
    pub swap: bool,
    /// What a command would be confined by.
    pub sandbox: Vec<&'static str>,
    /// What it would not, and why.
    pub sandbox_missing: Vec<String>,
}

/// The table: what, where, and the evidence that it makes.
const DEVICES: [(&str, &str, Kind); 8] = [
    ("AWS Nitro Secure Module", "/dev/nsm", Kind::AwsNitro),
    ("AMD SEV-SNP guest", "/dev/sev-guest", Kind::AmdSevSnp),
    ("Intel TDX guest", "/dev/tdx_guest", Kind::IntelTdx),
    ("Intel TDX guest (older driver)", "/dev/tdx-guest", Kind::IntelTdx),
    ("TSM reports (configfs: SEV-SNP or TDX)", "/sys/kernel/config/tsm/report", Kind::AmdSevSnp),
    ("TPM (Azure's vTPM; a NitroTPM is not used)", "/dev/tpmrm0", Kind::AzureSnpVtpm),
    ("Google Confidential Space launcher", "/run/container_launcher/teeserver.sock", Kind::GcpConfidentialSpace),
    ("NVIDIA GPU", "/dev/nvidiactl", Kind::NvidiaGpu),
];

/// The kinds of the table that this build collects.
const COLLECTED: [Kind; 6] =
    [Kind::AwsNitro, Kind::AmdSevSnp, Kind::IntelTdx, Kind::AzureSnpVtpm, Kind::GcpConfidentialSpace, Kind::NvidiaGpu];

/// Looks. `would_collect` are the collectors that a run would use; `sandbox` was found by a trial.
#[must_use]
pub fn probe(
    would_collect: Vec<&'static str>,
    would_not_collect: Option<String>,
    sandbox: Vec<&'static str>,
    sandbox_missing: Vec<String>,
) -> Probe {
    let devices = DEVICES
        .into_iter()
        .map(|(what, path, kind)| Found {
            what,
            path,
            present: Path::new(path).exists(),
            kind: kind.as_str(),
            supported: COLLECTED.contains(&kind),
        })
        .collect();
    let swap = fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1);
    Probe { devices, would_collect, would_not_collect, swap, sandbox, sandbox_missing }
}
