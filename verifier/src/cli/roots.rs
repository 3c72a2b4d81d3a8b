//! `prooftrail roots`: which silicon roots evidence may rest on.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use prooftrail_evidence::{AwsLc, bare_root, read_key_sets};
use prooftrail_result::TrustAnchor;
use prooftrail_trust_roots::{Root, RootSet};
use serde::Serialize;

use super::{
    Ended, files,
    output::{Output, plain},
};

/// Work on silicon roots.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the pinned roots, or those of a file.
    #[command(
        after_help = "Examples:\n  prooftrail roots list\n  prooftrail roots list --root aws-cn/manifest.toml --json"
    )]
    List {
        #[command(flatten)]
        roots: RootFiles,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let Self::List { roots, json } = self;
        let roots = roots.load()?;
        if json {
            output.json(&roots.iter().map(Listed::of).collect::<Vec<_>>())?;
            return Ok(Ended::Well);
        }
        for root in roots.iter() {
            let simulated = if root.simulated { ", counted as simulated" } else { "" };
            output.line(format!("{}  ({}{simulated})", plain(&root.id), root.trust_anchor.as_str()))?;
            output.line(format!("  sha256    {}", hex::encode(root.sha256)))?;
            let kinds =
                root.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", "));
            output.line(format!("  kinds     {}", kinds.as_deref().unwrap_or("whatever is appraised")))?;
            output.line(format!("  for       {}", root.purpose.as_str()))?;
            if let Some(description) = &root.description {
                output.line(format!("  subject   {}", plain(&description.subject)))?;
                output.line(format!("  validity  {} to {}", description.not_before, description.not_after))?;
                output.line(format!("  source    {}", plain(&description.source)))?;
            }
        }
        Ok(Ended::Well)
    }
}

/// `--root`, as every command that rests on roots takes it.
#[derive(Args, Debug)]
pub(super) struct RootFiles {
    /// A root to rest on instead of the pinned ones: a certificate (PEM or DER) or a token issuer's key set (JWKS), both
    /// counted as a simulator's, or a manifest.
    /// May be repeated.
    #[arg(long = "root", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl RootFiles {
    /// The roots named, or the pinned ones where none is: naming a root replaces the set.
    pub(super) fn load(&self) -> anyhow::Result<RootSet> {
        let mut roots = RootSet::default();
        for file in &self.files {
            roots.extend(load_one(file).with_context(|| format!("--root {}", file.display()))?);
        }
        Ok(if self.files.is_empty() { RootSet::pinned() } else { roots })
    }
}

/// A certificate, or a manifest whose files stand beside it.
pub(crate) fn load_one(path: &Path) -> anyhow::Result<RootSet> {
    let bytes = files::read(path)?;
    if let Some(roots) = bare_root(&AwsLc, &bytes).transpose()? {
        return Ok(roots);
    }
    let Some(text) = std::str::from_utf8(&bytes).ok().filter(|text| text.contains("[[root]]")) else {
        anyhow::bail!(
            "neither a certificate (PEM or DER), nor a key set (JSON with keys), nor a manifest of roots (TOML with [[root]])"
        );
    };
    let beside = path.parent().unwrap_or(Path::new(""));
    let roots = RootSet::from_manifest(text, TrustAnchor::Configured, |name| {
        // A manifest names files beside it, and nothing else of this machine.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            anyhow::bail!("must be a plain file name");
        }
        files::read(&beside.join(name))
    })?;
    Ok(read_key_sets(&AwsLc, roots)?)
}

/// A root as JSON.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    form: &'static str,
    sha256: String,
    trust_anchor: TrustAnchor,
    simulated: bool,
    vendor: Option<&'a str>,
    partition: Option<&'a str>,
    kinds: Option<&'a [prooftrail_result::Kind]>,
    purpose: &'static str,
    subject: Option<&'a str>,
    not_before: Option<prooftrail_result::Timestamp>,
    not_after: Option<prooftrail_result::Timestamp>,
    source: Option<&'a str>,
}

impl<'a> Listed<'a> {
    fn of(root: &'a Root) -> Self {
        // Destructured, so that a new field cannot be forgotten here; the certificate itself is not listed.
        let Root { id, form, der: _, sha256, vendor, partition, kinds, purpose, simulated, trust_anchor, description } =
            root;
        let description = description.as_ref();
        Self {
            id,
            form: form.as_str(),
            sha256: hex::encode(sha256),
            trust_anchor: *trust_anchor,
            simulated: *simulated,
            vendor: vendor.as_deref(),
            partition: partition.as_deref(),
            kinds: kinds.as_deref(),
            purpose: purpose.as_str(),
            subject: description.map(|description| description.subject.as_str()),
            not_before: description.map(|description| description.not_before),
            not_after: description.map(|description| description.not_after),
            source: description.map(|description| description.source.as_str()),
        }
    }
}
