//! `prooftrail explain`: what a file is, in words, for a person who was handed one. It tells the kind by the content
//! and, unless told otherwise, looks at evidence at the time at which it says it was made; it is no verdict.

use std::path::PathBuf;

use clap::Parser;
use prooftrail_evidence::{AwsLc, Expected, Identified, NoIssuers, identify};
use prooftrail_policy::{Demand, Request};
use prooftrail_result::{AppraisalResult, Kind, Reason, Timestamp};
use serde::Serialize;

use super::{
    Ended, files,
    output::{Output, plain},
    roots::RootFiles,
    words,
};

/// Arguments of `explain`.
#[derive(Debug, Parser)]
#[command(after_help = "\
Exit status: 0 explained, 1 of no known format, 2 usage or I/O.

Example:
  prooftrail explain document.cose")]
pub(super) struct Args {
    /// The file; `-` is standard input.
    file: PathBuf,
    /// The instant at which to look at it, RFC 3339 [default: when it says it was made].
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    /// A certificate, CRL or other endorsement to look at it with; repeatable.
    #[arg(long = "endorsement", value_name = "FILE")]
    endorsements: Vec<PathBuf>,
    #[command(flatten)]
    roots: RootFiles,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The JSON.
#[derive(Serialize)]
struct Explained<'a> {
    kind: Kind,
    bytes: usize,
    claimed_time: Option<Timestamp>,
    result: &'a AppraisalResult,
}

impl Args {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let bytes = files::read(&self.file)?;
        let Identified { kind, claimed_time } = match identify(&bytes) {
            Ok(identified) => identified,
            Err(reasons) => return unknown(output, &reasons, self.json),
        };
        let at = match self.at.or(claimed_time) {
            Some(at) => at,
            None => super::now()?,
        };
        let roots = self.roots.load()?;
        let endorsements = files::endorsements(&self.endorsements)?;
        let answer = Request {
            evidence: &[(kind, &bytes)],
            endorsements: &endorsements,
            roots: &roots,
            at,
            expected: Expected::default(),
            demand: Demand::Authenticity { allow_debug: true },
            crypto: &AwsLc,
            issuers: &NoIssuers,
        }
        .answer();
        let result = answer.result();
        if self.json {
            output.json(&Explained { kind, bytes: bytes.len(), claimed_time, result })?;
            return Ok(Ended::Well);
        }
        output.line(format!("{} ({kind}), {} bytes.", describe(kind), bytes.len()))?;
        if let Some(time) = claimed_time {
            let looked_at = if self.at.is_none() { ", and is looked at as of then" } else { "" };
            output.line(format!("It says it was made at {}{looked_at}.", time.to_rfc3339_millis()))?;
        }
        output.line("This explains; it is no verdict: no nonce was compared, and debug evidence is let through.")?;
        output.line("")?;
        words::verdict(output, result, None, &roots)?;
        if !result.claims.is_empty() {
            output.line("  what these names mean")?;
            // One line for all registers of a name.
            let mut specs: Vec<_> = result.claims.iter().map(|(name, _)| name.id().spec()).collect();
            specs.dedup_by_key(|spec| spec.pattern);
            for spec in specs {
                let meaning = if spec.meaning.is_empty() { spec.source } else { spec.meaning };
                output.line(format!("    {}: {meaning}", spec.pattern))?;
            }
        }
        Ok(Ended::Well)
    }
}

/// A file of no known format: why, for each.
fn unknown(output: &mut Output, reasons: &[(Kind, Reason)], json: bool) -> anyhow::Result<Ended> {
    #[derive(Serialize)]
    struct NotThis<'a> {
        kind: Kind,
        reason: &'a Reason,
    }
    if json {
        let refused: Vec<_> = reasons.iter().map(|(kind, reason)| NotThis { kind: *kind, reason }).collect();
        output.json(&serde_json::json!({ "kind": null, "reasons": refused }))?;
        return Ok(Ended::Refused);
    }
    output.line("✗ This is no evidence of a kind that this build knows.")?;
    for (kind, reason) in reasons {
        output.line(format!("    not {kind}: {}", plain(&reason.to_string())))?;
    }
    Ok(Ended::Refused)
}

/// What a kind is, for a reader who does not know the name.
fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::AwsNitro => "An AWS Nitro Enclaves attestation document",
        Kind::AwsNitroTpm => "An AWS NitroTPM attestation document of an EC2 instance",
        Kind::IntelTdx => "An Intel TDX quote of a trust domain",
        Kind::IntelSgx => "An Intel SGX quote of an enclave",
        Kind::AmdSevSnp => "An AMD SEV-SNP attestation report of a confidential VM",
        Kind::AzureSnpVtpm => "A TPM quote of an Azure confidential VM on AMD SEV-SNP, with the paravisor's report",
        Kind::AzureTdxVtpm => "A TPM quote of an Azure confidential VM on Intel TDX, with the paravisor's report",
        Kind::GcpConfidentialSpace => "A token of Google's verifier about a Confidential Space workload",
        Kind::IntelTrustAuthority => "A token of Intel Trust Authority about a trust domain, an enclave or GPUs",
        Kind::AzureMaa => "A token of Microsoft Azure Attestation",
        Kind::NvidiaNras => "An answer of NVIDIA's attestation service about GPUs or switches",
        Kind::NvidiaGpu => "Attestation reports of NVIDIA GPUs, one or several",
        Kind::NvidiaSwitch => "Attestation reports of NVIDIA NVSwitches, one or several",
        _ => "Evidence",
    }
}
