//! `prooftrail ledger prove`. What is proved is proved under a signed checkpoint: a server's own, or one given as a file, as
//! a database holds none.

use std::path::PathBuf;

use anyhow::Context;
use prooftrail_ledger::{Checkpoint, Hash, Note, TlogProof};
use serde_json::json;

use super::{
    checkpoint::refuse,
    place::{Opened, Place, only},
    progress::Progress,
};
use crate::{
    cli::{
        Ended, files,
        output::{Output, plain},
    },
    log::prove::{self, ProveError, TileReader},
};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    what: What,
    /// The signed checkpoint to prove under [default: the server's last; a database has none].
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What is to be proved.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct What {
    /// That the entry at this index stands in the log.
    #[arg(long, value_name = "N")]
    index: Option<u64>,
    /// That an entry stands in the log: its leaf hash, SHA-256(00 ‖ entry), in base64 or hexadecimal.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    entry_hash: Option<Hash>,
    /// That the log has only grown since it had this many entries.
    #[arg(long, value_name = "SIZE")]
    from: Option<u64>,
}

fn parse_hash(text: &str) -> Result<Hash, String> {
    let mut bytes = [0; Hash::BYTES];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) => Ok(Hash::new(bytes)),
        Err(_) => Hash::from_base64(text).map_err(|reason| reason.to_string()),
    }
}

impl Args {
    pub(super) async fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let given = match &self.checkpoint {
            Some(path) => Some(self.place.read_checkpoint(&files::read(path)?)?),
            None => None,
        };
        match self.place.open().await? {
            Opened::Server(remote) => {
                let checkpoint = match given {
                    Some(given) => given,
                    None => self.place.fetch_checkpoint(&remote).await?,
                };
                match checkpoint {
                    Ok((note, checkpoint)) => self.prove(output, &remote, note, &checkpoint).await,
                    Err(refusal) => refuse(output, &refusal, self.json),
                }
            }
            Opened::Database(logs) => {
                let given = given.context(
                    "a database holds no signed checkpoint: give one with --checkpoint, as `prooftrail ledger \
                     checkpoint URL` prints it",
                )?;
                let (note, checkpoint) = match given {
                    Ok(given) => given,
                    Err(refusal) => return refuse(output, &refusal, self.json),
                };
                let logs = logs.into_iter().filter(|(origin, _)| origin == checkpoint.origin()).collect::<Vec<_>>();
                let (_, log) = only(logs).context("the database does not have the checkpoint's log")?;
                self.prove(output, &log, note, &checkpoint).await
            }
        }
    }

    async fn prove(
        &self,
        output: &mut Output,
        log: &impl TileReader,
        note: Note,
        checkpoint: &Checkpoint,
    ) -> anyhow::Result<Ended> {
        let proved = match self.what {
            What { from: Some(from), .. } => self.prove_growth(output, log, &note, checkpoint, from).await?,
            What { index: Some(index), .. } => self.prove_entry(output, log, note, checkpoint, index).await?,
            What { entry_hash: Some(leaf), .. } => {
                let mut progress = Progress::new();
                let found = prove::find(log, &leaf, checkpoint.size(), |done, all| progress.show(done, all)).await;
                match found {
                    Ok(Some(index)) => self.prove_entry(output, log, note, checkpoint, index).await?,
                    Ok(None) => anyhow::bail!("no entry up to this checkpoint has the leaf hash {leaf}"),
                    Err(error) => Err(error),
                }
            }
            What { index: None, entry_hash: None, from: None } => anyhow::bail!("nothing to prove"),
        };
        match proved {
            Ok(()) => Ok(Ended::Well),
            Err(error) if error.is_contradiction() => {
                let (code, detail) = ("ledger.prove.contradiction", error.to_string());
                if self.json {
                    output.json(&json!({ "code": code, "detail": detail }))?;
                } else {
                    output.line(format!("{code}: {}", plain(&detail)))?;
                }
                Ok(Ended::Refused)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Prints a proof file (C2SP tlog-proof).
    async fn prove_entry(
        &self,
        output: &mut Output,
        log: &impl TileReader,
        note: Note,
        checkpoint: &Checkpoint,
        index: u64,
    ) -> anyhow::Result<Result<(), ProveError>> {
        let (size, root) = (checkpoint.size(), checkpoint.root());
        let proved = match prove::inclusion(log, index, size, &root).await {
            Ok(proved) => proved,
            Err(error) => return Ok(Err(error)),
        };
        let path: Vec<_> = proved.path.iter().map(Hash::to_string).collect();
        let proof = TlogProof::new(index, proved.path, note)?.to_string();
        if self.json {
            output.json(&json!({
                "origin": checkpoint.origin(), "size": size, "root": root.to_string(), "index": index,
                "leaf": proved.leaf.to_string(), "path": path, "proof": proof,
            }))?;
        } else {
            output.writer().write_all(proof.as_bytes())?;
        }
        Ok(Ok(()))
    }

    /// Prints the body of a request to a cosigner (C2SP tlog-witness, `add-checkpoint`).
    async fn prove_growth(
        &self,
        output: &mut Output,
        log: &impl TileReader,
        note: &Note,
        checkpoint: &Checkpoint,
        from: u64,
    ) -> anyhow::Result<Result<(), ProveError>> {
        let (size, root) = (checkpoint.size(), checkpoint.root());
        let proved = match prove::consistency(log, from, size, &root).await {
            Ok(proved) => proved,
            Err(error) => return Ok(Err(error)),
        };
        let proof: Vec<_> = proved.proof.iter().map(Hash::to_string).collect();
        let lines: String = proof.iter().map(|hash| format!("{hash}\n")).collect();
        let body = format!("old {from}\n{lines}\n{note}");
        if self.json {
            output.json(&json!({
                "origin": checkpoint.origin(), "size": size, "root": root.to_string(), "from": from,
                "from_root": proved.earlier_root.to_string(), "proof": proof, "add_checkpoint": body,
            }))?;
        } else {
            output.writer().write_all(body.as_bytes())?;
        }
        Ok(Ok(()))
    }
}
