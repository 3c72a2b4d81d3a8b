//! `prooftrail policies`: the policies of a service. (`prooftrail policy` works on files.)

use std::path::PathBuf;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Ended,
    client::{Body, Reply, ServiceArgs},
    files,
    output::Output,
    projects::{items, shown},
};

/// Work on a service's policies.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Upload a policy; it is compiled and linted, and not in force yet.
    #[command(after_help = "\
Exit status: 0 uploaded, 1 the policy has errors, 2 usage or I/O.

Example:
  prooftrail policies upload nitro-prover.policy.toml")]
    Upload {
        /// The policy.
        policy: PathBuf,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// List the policies of a project and their versions.
    #[command(after_help = "Example:\n  prooftrail policies list --project treasury")]
    List {
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Put a version in force.
    #[command(after_help = "\
Example:
  prooftrail policies activate nitro-prover 3 --digest \"$(prooftrail policy lint p.toml --json | jq -r .digest)\"")]
    Activate {
        /// The policy's name.
        name: String,
        /// The version.
        #[arg(id = "policy-version", value_name = "VERSION")]
        version: i64,
        /// Its digest: what was looked at is what comes into force [default: whatever the version has].
        #[arg(long, value_name = "HEX")]
        digest: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::Upload { policy, service } => upload(output, &policy, &service),
            Self::List { service } => {
                let list = service.done(Method::GET, &["v1", "policies"], Body::Empty)?;
                if service.json {
                    output.json(&list)?;
                } else {
                    items(&list, "policies").try_for_each(|version| line(output, version))?;
                }
                Ok(Ended::Well)
            }
            Self::Activate { name, version, digest, service } => {
                let digest = match digest {
                    Some(digest) => digest,
                    None => {
                        let number = version.to_string();
                        let path = ["v1", "policies", &name, "versions", &number];
                        shown(&service.done(Method::GET, &path, Body::Empty)?, "digest")
                    }
                };
                let body = Body::Json(json!({ "version": version, "digest": digest }));
                let active = service.done(Method::POST, &["v1", "policies", &name, "activate"], body)?;
                if service.json {
                    output.json(&active)?;
                } else {
                    line(output, &active)?;
                }
                Ok(Ended::Well)
            }
        }
    }
}

fn upload(output: &mut Output, policy: &std::path::Path, service: &ServiceArgs) -> anyhow::Result<Ended> {
    let text = files::read_text(policy)?;
    let reply = service.ask(Method::POST, &["v1", "policies"], Body::Toml(text))?;
    let (answer, findings, ended) = match reply {
        Reply::Problem(problem) if problem.get("code").is_some_and(|code| code == "policy.errors") => {
            (problem, "reasons", Ended::Refused)
        }
        other => (other.done()?, "findings", Ended::Well),
    };
    if service.json {
        output.json(&answer)?;
        return Ok(ended);
    }
    for finding in items(&answer, findings) {
        output.line(format!("{}: {}", shown(finding, "severity"), shown(finding, "message")))?;
    }
    if ended == Ended::Well {
        line(output, &answer)?;
    }
    Ok(ended)
}

fn line(output: &mut Output, version: &Value) -> anyhow::Result<()> {
    let state = if version.get("active").is_some_and(|active| active == true) { "  in force" } else { "" };
    let text = |name| shown(version, name);
    output.line(format!("{} version {}  {}{state}", text("name"), text("version"), text("digest")))
}
