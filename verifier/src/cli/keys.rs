//! `prooftrail keys`: the witness keys of a service.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Ended,
    client::{Body, ServiceArgs},
    output::Output,
    projects::{items, shown},
};

/// Work on a service's witness keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key. What is printed is its public half, to which witnesses are sealed.
    #[command(after_help = "\
Example:
  prooftrail keys new reserves --policy nitro-prover
  prooftrail seal --key \"$(prooftrail keys new books --policy nitro-prover)\" witness.json > witness.age")]
    New {
        /// Its name: a to z, 0 to 9 and inner hyphens.
        name: String,
        /// The policy that decides who gets what it opens.
        #[arg(long)]
        policy: String,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// List the keys of a project.
    #[command(after_help = "Example:\n  prooftrail keys list --json")]
    List {
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Make a new version. Witnesses sealed to older ones are still released.
    #[command(after_help = "Example:\n  prooftrail keys rotate reserves")]
    Rotate {
        /// The key.
        name: String,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Revoke a version, or all of them: nothing sealed to it is released any more.
    #[command(after_help = "Example:\n  prooftrail keys revoke reserves --key-version 1")]
    Revoke {
        /// The key.
        name: String,
        /// The version [default: every version].
        #[arg(id = "key-version", long = "key-version", value_name = "VERSION")]
        version: Option<i64>,
        #[command(flatten)]
        service: ServiceArgs,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::New { name, policy, service } => {
                let body = Body::Json(json!({ "name": name, "policy": policy }));
                let key = service.done(Method::POST, &["v1", "keys"], body)?;
                if service.json { output.json(&key)? } else { newest(output, &key)? }
            }
            Self::List { service } => {
                let list = service.done(Method::GET, &["v1", "keys"], Body::Empty)?;
                if service.json {
                    output.json(&list)?;
                } else {
                    items(&list, "keys").try_for_each(|key| lines(output, key))?;
                }
            }
            Self::Rotate { name, service } => {
                let key = service.done(Method::POST, &["v1", "keys", &name, "rotate"], Body::Empty)?;
                if service.json { output.json(&key)? } else { newest(output, &key)? }
            }
            Self::Revoke { name, version, service } => {
                let body = Body::Json(json!({ "version": version }));
                let key = service.done(Method::POST, &["v1", "keys", &name, "revoke"], body)?;
                if service.json { output.json(&key)? } else { lines(output, &key)? }
            }
        }
        Ok(Ended::Well)
    }
}

/// The recipient of a key's newest version, alone on its line.
fn newest(output: &mut Output, key: &Value) -> anyhow::Result<()> {
    let newest = items(key, "versions").last();
    output.line(newest.map(|version| shown(version, "recipient")).unwrap_or_default())
}

fn lines(output: &mut Output, key: &Value) -> anyhow::Result<()> {
    output.line(format!("{}  (policy {})", shown(key, "name"), shown(key, "policy")))?;
    for version in items(key, "versions") {
        let state = if version.get("revoked").is_some() { "  revoked" } else { "" };
        output.line(format!("  {}  {}{state}", shown(version, "version"), shown(version, "recipient")))?;
    }
    Ok(())
}
