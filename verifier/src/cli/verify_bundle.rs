//! `prooftrail verify-bundle`: a provenance from one file, verified offline. In: the bundle, and what the relying party
//! trusts; out: what is shown, what is not, and why. docs/provenance.md, docs/trust-file.md.

use std::path::PathBuf;

use clap::Parser;
use prooftrail_evidence::AwsLc;
use prooftrail_provenance::{Bundle, Surroundings, TrustFile, Verification, verify_bundle};
use prooftrail_result::{Timestamp, Verdict};

use super::{
    Ended, files,
    output::{Output, plain},
    roots::RootFiles,
};

/// Arguments of `verify-bundle`.
#[derive(Debug, Parser)]
#[command(after_help = "\
The trust file is yours: which log, cosigners, policies, roots and keys count. docs/trust-file.md describes it.

Exit status: 0 everything is shown, 1 something is not, 2 usage or I/O.

Examples:
  prooftrail verify-bundle proof.bundle.json --trust auditor.trust.toml
  prooftrail verify-bundle proof.bundle.json --trust auditor.trust.toml --at 2027-01-01T00:00:00Z --json")]
pub(super) struct Args {
    /// The bundle. `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What you trust.
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// The instant of the verification, RFC 3339 [default: now].
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    #[command(flatten)]
    roots: RootFiles,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let trust = TrustFile::parse(&files::read_text(&self.trust)?)?;
        let file = files::read(&self.file)?;
        let roots = self.roots.load()?;
        let at = match self.at {
            Some(at) => at,
            None => super::now()?,
        };
        let found = match Bundle::parse(&file) {
            Ok(bundle) => verify_bundle(&bundle, &trust, Surroundings { roots: &roots, crypto: &AwsLc, at }),
            Err(malformed) => Verification::malformed(&malformed),
        };
        if self.json {
            output.json(&found)?;
        } else {
            words(output, &found)?;
        }
        Ok(match found.verdict() {
            Verdict::Affirming => Ended::Well,
            Verdict::Refused => Ended::Refused,
        })
    }
}

/// The verification for people.
fn words(output: &mut Output, found: &Verification) -> anyhow::Result<()> {
    let Verification { shown, not_shown, reasons, revoked_since, time, simulated, trail: _ } = found;
    let summary = match (found.verdict(), reasons.is_empty(), not_shown.is_empty()) {
        (Verdict::Affirming, ..) => "✓ Everything that a bundle can show is shown.",
        (_, false, _) => "✗ This bundle contradicts itself, or what you trust.",
        (_, true, false) => "✗ Nothing contradicts, but not everything is shown.",
        (_, true, true) => "✗ Everything was shown, and something was revoked since.",
    };
    output.line(summary)?;
    if *simulated {
        output.line("  ! SIMULATED: no hardware stands behind this evidence")?;
    }
    if let Some(window) = time {
        output.line(format!("  decided between {} and {}", window.after, window.before))?;
    }
    for finding in shown {
        output.line(format!("  ✓ {}", plain(&finding.words)))?;
    }
    for finding in not_shown {
        output.line(format!("  – {}", plain(&finding.words)))?;
    }
    for reason in reasons {
        output.line(format!("  ✗ {}: {}", reason.code, plain(&reason.detail)))?;
        for (label, value) in [("have", &reason.have), ("need", &reason.need)] {
            if let Some(value) = value {
                output.line(format!("      {label}  {}", plain(value)))?;
            }
        }
    }
    for revoked in revoked_since {
        let (what, at, why) = (revoked.what.as_str(), revoked.at, plain(&revoked.why));
        output.line(format!("  ! the {what} was revoked since, on {at}: {why}"))?;
    }
    output.line("  what no bundle shows")?;
    found.never_shown().iter().try_for_each(|words| output.line(format!("    · {words}")))
}
