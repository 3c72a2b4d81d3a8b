//! `prooftrail appraise`: the verdict on evidence, alone or as a set, with or without a policy.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Parser;
use prooftrail_evidence::{AwsLc, Expected, NoIssuers};
use prooftrail_policy::{Answer, Demand, Policy, Request};
use prooftrail_result::{Kind, Timestamp, Verdict};

use super::{Ended, files, output::Output, policy, roots::RootFiles, words};

/// Arguments of `appraise`.
#[derive(Debug, Parser)]
#[command(after_help = "\
Exit status: 0 affirming, 1 refused, 2 usage or I/O.

Examples:
  prooftrail appraise document.cose --kind aws-nitro --nonce 00c0ffee
  prooftrail appraise aws-nitro=document.cose --policy prover.policy.toml --json
  prooftrail appraise old.cose --kind aws-nitro --at 2025-01-06T16:07:05Z")]
pub(super) struct Args {
    /// Evidence: one FILE with --kind, or a set of KIND=FILE. `-` is standard input.
    #[arg(value_name = "FILE | KIND=FILE", required = true)]
    evidence: Vec<String>,
    /// The kind of evidence.
    #[arg(long, value_parser = kind_parser())]
    kind: Option<Kind>,
    /// Data that vouches for the evidence, such as a CRL; its type is told by its content. May be repeated.
    #[arg(long = "endorsement", value_name = "FILE")]
    endorsements: Vec<PathBuf>,
    /// The instant at which to appraise, RFC 3339 [default: now].
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    /// The nonce that the evidence must carry.
    #[arg(long, value_name = "HEX", value_parser = parse_hex)]
    nonce: Option<Bytes>,
    /// The binding value, 48 bytes, that the evidence must carry.
    #[arg(long, value_name = "HEX", value_parser = parse_binding)]
    binding: Option<[u8; 48]>,
    /// The policy that the evidence must satisfy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    roots: RootFiles,
    /// Let debug evidence be affirming. A policy says so itself.
    #[arg(long, conflicts_with = "policy")]
    allow_debug: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let pieces = self.pieces()?;
        let evidence: Vec<_> = pieces.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())).collect();
        let endorsements = files::endorsements(&self.endorsements)?;
        let roots = self.roots.load()?;
        let policy: Option<Policy> = self.policy.as_deref().map(|path| policy::load(path, &roots)).transpose()?;
        let at = match self.at {
            Some(at) => at,
            None => super::now()?,
        };
        let answer = Request {
            evidence: &evidence,
            endorsements: &endorsements,
            roots: &roots,
            at,
            expected: Expected {
                nonce: self.nonce.as_ref().map(|nonce| nonce.0.as_slice()),
                binding: self.binding.as_ref(),
                ..Expected::default()
            },
            demand: match &policy {
                Some(policy) => Demand::Policy(policy),
                None => Demand::Authenticity { allow_debug: self.allow_debug },
            },
            crypto: &AwsLc,
            issuers: &NoIssuers,
        }
        .answer();
        if self.json {
            output.json(answer.result())?;
        } else {
            words::verdict(output, answer.result(), policy.as_ref(), &roots)?;
        }
        Ok(ended(&answer))
    }

    /// Reads the pieces, each with its kind.
    fn pieces(&self) -> anyhow::Result<Vec<(Kind, Vec<u8>)>> {
        match (self.kind, self.evidence.as_slice()) {
            (Some(kind), [file]) => Ok(vec![(kind, files::read(file.as_ref())?)]),
            (Some(_), _) => bail!("--kind goes with one FILE; name the pieces of a set KIND=FILE"),
            (None, pieces) => pieces
                .iter()
                .map(|piece| {
                    let Some((kind, file)) = piece.split_once('=') else {
                        bail!("of which kind is {piece}? Name it: --kind KIND, or KIND={piece}");
                    };
                    let kind = kind.parse().with_context(|| format!("in {piece}"))?;
                    Ok((kind, files::read(file.as_ref())?))
                })
                .collect(),
        }
    }
}

fn ended(answer: &Answer) -> Ended {
    match answer.result().verdict {
        Verdict::Affirming => Ended::Well,
        Verdict::Refused => Ended::Refused,
    }
}

/// Kinds as clap's possible values, so that `--help` and completions list those of this build.
pub(super) fn kind_parser() -> impl clap::builder::TypedValueParser<Value = Kind> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(prooftrail_evidence::SUPPORTED.iter().map(|kind| kind.as_str()))
        .try_map(|name| name.parse::<Kind>())
}

/// Bytes as an argument. (clap takes a bare `Vec` for a repeated argument.)
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

fn parse_hex(text: &str) -> Result<Bytes, String> {
    hex::decode(text).map(Bytes).map_err(|error| format!("not hex: {error}"))
}

fn parse_binding(text: &str) -> Result<[u8; 48], String> {
    parse_hex(text)?.0.try_into().map_err(|bytes: Vec<u8>| format!("a binding has 48 bytes, this has {}", bytes.len()))
}
