//! `prooftrail serve`: the service, until it is told to stop.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Ended, files, output::Output};
use crate::service::{
    config::{self, Config, Overrides},
    server::{self, Running},
    telemetry,
};

/// Arguments of `serve`.
#[derive(Debug, Parser)]
#[command(after_help = "\
Every setting of the configuration file can be given as a variable: limits.connections is
PROOFTRAIL_LIMITS__CONNECTIONS. Flags override variables, and these override the file.

SIGHUP has the TLS certificate and the endorsements read again; SIGTERM and SIGINT stop the service.

Examples:
  prooftrail serve
  prooftrail serve --config /etc/prooftrail.toml --database postgres://prooftrail@db/prooftrail
  PROOFTRAIL_LOG__FORMAT=json prooftrail serve --listen 127.0.0.1:9000")]
pub(super) struct Args {
    /// The configuration [default: the file that PROOFTRAIL_CONFIG names, or none].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// sqlite:PATH or postgres://… [default: a SQLite file in the data directory].
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where to listen [default: 127.0.0.1:8437].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where keys, guard file and database are [default: ./prooftrail-data].
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Create the log although its key is not new. Only if nothing was ever signed under its origin.
    #[arg(long)]
    create_log: bool,
    /// Make a new operator token, for whoever has lost the first.
    #[arg(long)]
    new_operator_token: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let Self { config, database, listen, data, create_log, new_operator_token, json } = self;
        let config = load(config, Overrides { database, listen, data, create_log })?;
        telemetry::log(&config.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            // Before anything else, so that a signal during the start is not lost.
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut hangup = signal(SignalKind::hangup())?;
            let running = server::start(config, new_operator_token).await?;
            announce(output, &running, json)?;
            let handle = running.handle();
            let reloader = running.reloader();
            tokio::spawn(async move {
                while hangup.recv().await.is_some() {
                    let reloader = reloader.clone();
                    // Files are read, which may take its time. A panic in there has been logged.
                    let _ = tokio::task::spawn_blocking(move || reloader.reload()).await;
                }
            });
            tokio::spawn(async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::info!("stopping");
                handle.stop(true).await;
            });
            running.serve().await?;
            Ok(Ended::Well)
        })
    }
}

fn load(path: Option<PathBuf>, flags: Overrides) -> anyhow::Result<Config> {
    #[expect(clippy::disallowed_methods, reason = "the edge: whatever is below takes the configuration as an argument")]
    let path = path.or_else(|| std::env::var_os("PROOFTRAIL_CONFIG").map(PathBuf::from));
    let text = path.as_deref().map(files::read_text).transpose()?;
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        // A variable that is not text cannot be ours unless its name is.
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    });
    let config = config::load(text.as_deref(), variables, flags);
    match &path {
        Some(path) => config.with_context(|| format!("configured by {}", path.display())),
        None => Ok(config?),
    }
}

fn announce(output: &mut Output, running: &Running, is_json: bool) -> anyhow::Result<()> {
    let Running { url, operator_token, .. } = running;
    let token = operator_token.as_deref().map(String::as_str);
    if is_json {
        output.json(&json!({ "url": url, "operator_token": token }))?;
    } else {
        output.line(format!("prooftrail serves at {url}"))?;
        if let Some(token) = token {
            output.line(format!("operator token, shown this once: {token}"))?;
        }
    }
    output.finish()
}
