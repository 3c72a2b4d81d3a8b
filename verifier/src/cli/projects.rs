//! `prooftrail projects`: tenants of a service.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Ended,
    client::{Body, ServiceArgs},
    output::{Output, plain},
};

/// Work on a service's projects.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add a project.
    #[command(after_help = "Example:\n  prooftrail projects new treasury")]
    New {
        /// Its name: a to z, 0 to 9 and inner hyphens.
        name: String,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// List the projects.
    #[command(after_help = "Example:\n  prooftrail projects list --json")]
    List {
        #[command(flatten)]
        service: ServiceArgs,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::New { name, service } => {
                let body = Body::Json(json!({ "name": name }));
                let project = service.done(Method::POST, &["v1", "projects"], body)?;
                if service.json { output.json(&project)? } else { output.line(format!("project {name} added"))? }
            }
            Self::List { service } => {
                let list = service.done(Method::GET, &["v1", "projects"], Body::Empty)?;
                if service.json {
                    output.json(&list)?;
                } else {
                    for project in items(&list, "projects") {
                        output.line(shown(project, "name"))?;
                    }
                }
            }
        }
        Ok(Ended::Well)
    }
}

/// A text field of an answer, as a terminal may show it.
pub(super) fn shown(value: &Value, name: &str) -> String {
    match value.get(name).unwrap_or(&Value::Null) {
        Value::String(text) => plain(text),
        Value::Null => "-".to_owned(),
        Value::Array(list) => {
            list.iter().map(|one| plain(one.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
        }
        other => plain(&other.to_string()),
    }
}

/// The items of an answer's list.
pub(super) fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
