//! Where a log is, as every ledger command takes it: a database that is opened to look at, or a server.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use prooftrail_ledger::{Checkpoint, Note, VerifierKey};

use crate::{
    log::{
        database::LogDatabase,
        remote::{CheckpointRefusal, Client, Remote, read_checkpoint},
    },
    store::{Access, Store},
};

/// Which log.
#[derive(Args, Debug)]
pub(super) struct Place {
    /// Where the log is: http(s)://HOST/ledger, sqlite:PATH or postgres://USER@HOST/NAME.
    #[arg(value_name = "URL|DATABASE")]
    log: String,
    /// The log's verifier key. Needed wherever a signature is verified: for a server always.
    #[arg(long, value_name = "VKEY", value_parser = parse_key)]
    key: Option<VerifierKey>,
    /// The log's origin [default: the key's name; for a database, its only log's].
    #[arg(long)]
    origin: Option<String>,
    /// How long a server may take for each answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

fn parse_key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text).map_err(|reason| reason.to_string())
}

/// A log that can be read.
pub(super) enum Opened {
    Server(Remote<Client>),
    /// All logs asked for, with their origins.
    Database(Vec<(String, LogDatabase)>),
}

impl Place {
    pub(super) async fn open(&self) -> anyhow::Result<Opened> {
        if self.log.starts_with("http://") || self.log.starts_with("https://") {
            let client = Client::new(&self.log, Duration::from_secs(self.timeout))?;
            return Ok(Opened::Server(Remote::new(client)));
        }
        // The URL may have a password in it, so it is not printed.
        let store = Store::open(&self.log, Access::Inspect).await.context("cannot open the database")?;
        let mut logs = LogDatabase::all(&Arc::new(store)).await?;
        logs.retain(|(origin, _)| self.origin.as_ref().is_none_or(|wanted| wanted == origin));
        match (&self.origin, logs.is_empty()) {
            (Some(origin), true) => bail!("the database has no log {origin}"),
            (None, true) => bail!("the database has no log"),
            _ => Ok(Opened::Database(logs)),
        }
    }

    /// The key, where there is no going on without it.
    pub(super) fn key(&self) -> anyhow::Result<&VerifierKey> {
        self.key.as_ref().context("--key is needed: without it nothing says that the checkpoint is the log's")
    }

    /// The origin that a checkpoint must have.
    pub(super) fn origin(&self) -> anyhow::Result<&str> {
        Ok(match &self.origin {
            Some(origin) => origin,
            None => self.key()?.name().as_str(),
        })
    }

    /// The server's checkpoint, verified.
    pub(super) async fn fetch_checkpoint(
        &self,
        remote: &Remote<Client>,
    ) -> anyhow::Result<Result<(Note, Checkpoint), CheckpointRefusal>> {
        let checkpoint = remote.checkpoint(self.key()?, self.origin()?).await;
        refused_or_failed(checkpoint)
    }

    /// A checkpoint from a file, verified.
    pub(super) fn read_checkpoint(
        &self,
        bytes: &[u8],
    ) -> anyhow::Result<Result<(Note, Checkpoint), CheckpointRefusal>> {
        refused_or_failed(read_checkpoint(bytes, self.key()?, self.origin()?))
    }
}

/// A checkpoint that is refused is an answer; a server that cannot be read is none.
fn refused_or_failed<T>(result: Result<T, CheckpointRefusal>) -> anyhow::Result<Result<T, CheckpointRefusal>> {
    match result {
        Err(refusal) if refusal.code().is_none() => Err(refusal.into()),
        result => Ok(result),
    }
}

/// The one log of several that a command can work on.
pub(super) fn only(logs: Vec<(String, LogDatabase)>) -> anyhow::Result<(String, LogDatabase)> {
    let mut logs = logs.into_iter();
    match (logs.next(), logs.next()) {
        (Some(log), None) => Ok(log),
        _ => bail!("the database has several logs; name one with --origin"),
    }
}
