//! `prooftrail policy`: what a policy leaves open, and whether it decides its cases as expected.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use prooftrail_evidence::{AwsLc, EndorsementFile, Expected, NoIssuers};
use prooftrail_policy::{
    Case, CaseFile, CaseInput, CaseResult, Concern, Demand, EvidenceFile, Policy, PolicyDocument, Request, Severity,
};
use prooftrail_result::{Timestamp, Verdict};
use prooftrail_trust_roots::RootSet;
use serde_json::json;

use super::{
    Ended, files,
    output::{Output, plain},
    roots::RootFiles,
};

/// Work on appraisal policies.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find what a policy leaves open.
    #[command(after_help = "\
Exit status: 0 no errors found, 1 errors found, 2 not a policy, or I/O.

Example:
  prooftrail policy lint docs/examples/nitro-prover.policy.toml")]
    Lint {
        /// The policy.
        policy: PathBuf,
        /// The instant at which reference values are looked at, RFC 3339 [default: now].
        #[arg(long, value_name = "RFC3339")]
        at: Option<Timestamp>,
        #[command(flatten)]
        roots: RootFiles,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run the cases that a policy must accept or refuse.
    #[command(after_help = "\
Exit status: 0 every case as expected, 1 some not, 2 not a policy or not cases, or I/O.

Example:
  prooftrail policy test docs/examples/nitro-prover.policy.toml docs/examples/nitro-prover.cases.toml")]
    Test {
        /// The policy.
        policy: PathBuf,
        /// The cases; evidence that they name is looked for beside this file.
        cases: PathBuf,
        #[command(flatten)]
        roots: RootFiles,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::Lint { policy, at, roots, json } => lint(output, &policy, at, &roots.load()?, json),
            Self::Test { policy, cases, roots, json } => test(output, &policy, &cases, &roots.load()?, json),
        }
    }
}

/// Reads and compiles a policy. Where it lists no roots, its digest covers the ones that are trusted in this run.
pub(super) fn load(path: &Path, roots: &RootSet) -> anyhow::Result<Policy> {
    let trusted: Vec<_> = roots.iter().map(|root| root.sha256).collect();
    let document = PolicyDocument::parse(&files::read_text(path)?);
    document
        .and_then(|document| document.compile(&trusted))
        .with_context(|| format!("{} is no usable policy", path.display()))
}

fn lint(output: &mut Output, path: &Path, at: Option<Timestamp>, roots: &RootSet, json: bool) -> anyhow::Result<Ended> {
    let policy = load(path, roots)?;
    let at = match at {
        Some(at) => at,
        None => super::now()?,
    };
    let findings = policy.lint(at);
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let digest = hex::encode(policy.digest());
    if json {
        output.json(&json!({ "policy": policy.name(), "digest": digest, "at": at, "findings": findings }))?;
    } else {
        output.line(format!("policy \"{}\", digest {digest}", plain(policy.name())))?;
        for finding in &findings {
            let about = match &finding.concerns {
                None => String::new(),
                Some(Concern::Rule(id)) => format!(" (rule {})", plain(id)),
                Some(Concern::Reference(name)) => format!(" (reference {})", plain(name)),
                Some(Concern::Platform(name)) => format!(" (platform {})", plain(name)),
                Some(_) => " (another part of the policy)".to_owned(),
            };
            output.line(format!(
                "{}: {}{about}: {}",
                finding.severity.as_str(),
                finding.code,
                plain(&finding.message)
            ))?;
            output.line(format!("    next  {}", finding.remedy))?;
        }
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (warnings, notes) = (count(Severity::Warning), count(Severity::Note));
        output.line(format!("errors: {errors}, warnings: {warnings}, notes: {notes}"))?;
    }
    Ok(if errors == 0 { Ended::Well } else { Ended::Refused })
}

fn test(output: &mut Output, path: &Path, cases_path: &Path, roots: &RootSet, json: bool) -> anyhow::Result<Ended> {
    let policy = load(path, roots)?;
    let cases = CaseFile::parse(&files::read_text(cases_path)?)
        .with_context(|| format!("{} is no file of cases", cases_path.display()))?
        .cases;
    let beside = cases_path.parent().unwrap_or(Path::new(""));
    let results = cases
        .iter()
        .map(|case| {
            run_case(case, &policy, beside, roots).with_context(|| format!("in case \"{}\"", plain(&case.name)))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let failed = results.iter().filter(|result| !result.passed).count();
    if json {
        let digest = hex::encode(policy.digest());
        output.json(&json!({ "policy": policy.name(), "digest": digest, "cases": results, "failed": failed }))?;
    } else {
        results.iter().try_for_each(|result| print(output, result))?;
        output.line(format!("{} passed, {failed} failed", results.len() - failed))?;
    }
    Ok(if failed == 0 { Ended::Well } else { Ended::Refused })
}

fn print(output: &mut Output, result: &CaseResult) -> anyhow::Result<()> {
    let CaseResult { name, passed, expected, verdict, not_failing, failing_too, reasons } = result;
    output.line(format!("{} {}: {verdict}", if *passed { '✓' } else { '✗' }, plain(name)))?;
    if *passed {
        return Ok(());
    }
    if expected != verdict {
        output.line(format!("    expected {expected}"))?;
    }
    for (names, text) in [(not_failing, "should fail and does not"), (failing_too, "fails and should not")] {
        names.iter().try_for_each(|name| output.line(format!("    {text}: {}", plain(name))))?;
    }
    reasons.iter().try_for_each(|reason| output.line(format!("    {}", plain(&reason.to_string()))))
}

/// Runs a case: typed claims against the policy alone, evidence through the whole walk.
fn run_case(case: &Case, policy: &Policy, beside: &Path, roots: &RootSet) -> anyhow::Result<CaseResult> {
    let pieces = match &case.input {
        CaseInput::Claims(_) => return case.run(policy).context("claims are compared by the policy"),
        CaseInput::Evidence(pieces) => pieces,
    };
    let read = |file: &String| files::read(&beside.join(file));
    let bytes = pieces.iter().map(|piece| Ok((piece.kind, read(&piece.file)?))).collect::<anyhow::Result<Vec<_>>>()?;
    let endorsements = pieces.iter().flat_map(|piece| &piece.endorsements);
    let endorsements = endorsements.map(|file| read(file).map(EndorsementFile::from));
    let answer = Request {
        evidence: &bytes.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect::<Vec<_>>(),
        endorsements: &endorsements.collect::<anyhow::Result<Vec<_>>>()?,
        roots,
        at: case.at,
        expected: expected(pieces)?,
        demand: Demand::Policy(policy),
        crypto: &AwsLc,
        issuers: &NoIssuers,
    }
    .answer();
    let result = answer.result();
    Ok(case
        .compare(if result.reasons.is_empty() { Verdict::Affirming } else { Verdict::Refused }, result.reasons.clone()))
}

/// A set answers one challenge, so its pieces expect one nonce and one binding.
fn expected(pieces: &[EvidenceFile]) -> anyhow::Result<Expected<'_>> {
    let Some(first) = pieces.first() else { return Ok(Expected::default()) };
    if pieces.iter().any(|piece| (&piece.nonce, &piece.binding) != (&first.nonce, &first.binding)) {
        bail!("the pieces of a set are asked with one nonce and one binding");
    }
    Ok(Expected { nonce: first.nonce.as_deref(), binding: first.binding.as_ref(), ..Expected::default() })
}
