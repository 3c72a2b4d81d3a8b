//! `prooftrail tokens`: who may administer a service.

use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::{
    Ended,
    client::{Body, ServiceArgs},
    output::Output,
    projects::{items, shown},
};
use crate::service::auth::Role;

/// Work on a service's tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Issue a token. It is printed once and cannot be had again.
    #[command(after_help = "\
Example:
  prooftrail tokens new --label 'quarterly audit' --role auditor --days 14 > audit.token")]
    New {
        /// What it is for.
        #[arg(long)]
        label: String,
        /// What it allows. May be repeated.
        #[arg(long = "role", required = true, value_parser = role_parser())]
        roles: Vec<Role>,
        /// For how many days [default: 90].
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=366))]
        days: Option<u16>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// List the tokens of a project; of all with --project '*'.
    #[command(after_help = "Example:\n  prooftrail tokens list --project treasury")]
    List {
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Revoke a token.
    #[command(after_help = "Example:\n  prooftrail tokens revoke 0f3a9c1e5b7d2846")]
    Revoke {
        /// Its id, as `list` shows it.
        id: String,
        #[command(flatten)]
        service: ServiceArgs,
    },
}

fn role_parser() -> impl clap::builder::TypedValueParser<Value = Role> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(Role::ALL.map(Role::as_str))
        .try_map(|name| Role::named(&name).ok_or_else(|| format!("{name} is no role")))
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::New { label, roles, days, service } => {
                let lifetime = days.map(|days| i64::from(days) * 24 * 3600);
                let body = json!({ "label": label, "roles": roles, "lifetime_seconds": lifetime });
                let issued = service.done(Method::POST, &["v1", "tokens"], Body::Json(body))?;
                // Alone on its line, so that it can be sent into a file.
                if service.json { output.json(&issued)? } else { output.line(shown(&issued, "token"))? }
            }
            Self::List { service } => {
                let list = service.done(Method::GET, &["v1", "tokens"], Body::Empty)?;
                if service.json {
                    output.json(&list)?;
                    return Ok(Ended::Well);
                }
                for token in items(&list, "tokens") {
                    let text = |name| shown(token, name);
                    let state = if token.get("revoked").is_some() { "revoked" } else { "" };
                    output.line(format!(
                        "{}  {}  {}  until {}  {}  {state}",
                        text("id"),
                        text("project"),
                        text("roles"),
                        text("expires"),
                        text("label")
                    ))?;
                }
            }
            Self::Revoke { id, service } => {
                let revoked = service.done(Method::DELETE, &["v1", "tokens", &id], Body::Empty)?;
                if service.json { output.json(&revoked)? } else { output.line(format!("token {id} revoked"))? }
            }
        }
        Ok(Ended::Well)
    }
}
