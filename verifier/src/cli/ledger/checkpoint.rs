//! `prooftrail ledger checkpoint`.

use serde_json::json;

use super::place::{Opened, Place, only};
use crate::{
    cli::{
        Ended,
        output::{Output, plain},
    },
    log::{database::LogDatabase, remote::CheckpointRefusal},
};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) async fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let remote = match self.place.open().await? {
            Opened::Server(remote) => remote,
            Opened::Database(logs) => {
                let (origin, log) = only(logs)?;
                return print_head(output, &origin, &log, self.json).await;
            }
        };
        let (note, checkpoint) = match self.place.fetch_checkpoint(&remote).await? {
            Ok(checkpoint) => checkpoint,
            Err(refusal) => return refuse(output, &refusal, self.json),
        };
        if self.json {
            let (size, root) = (checkpoint.size(), checkpoint.root().to_string());
            let note = note.to_string();
            output.json(&json!({
                "origin": checkpoint.origin(), "size": size, "root": root, "signed": true, "note": note,
            }))?;
        } else {
            // Byte for byte, so that it can be kept and given to other tools.
            output.writer().write_all(note.to_string().as_bytes())?;
        }
        Ok(Ended::Well)
    }
}

/// A checkpoint that is not the log's.
pub(super) fn refuse(output: &mut Output, refusal: &CheckpointRefusal, json: bool) -> anyhow::Result<Ended> {
    let (code, detail) = (refusal.code().unwrap_or_default(), refusal.to_string());
    if json {
        output.json(&json!({ "code": code, "detail": detail }))?;
    } else {
        output.line(format!("{code}: {}", plain(&detail)))?;
    }
    Ok(Ended::Refused)
}

/// A database holds no signatures: they are made when they are needed.
async fn print_head(output: &mut Output, origin: &str, log: &LogDatabase, json: bool) -> anyhow::Result<Ended> {
    let Some(head) = log.committed_head().await? else { anyhow::bail!("the database has no log {origin}") };
    let (size, root, time, epoch) = (head.size(), head.root().to_string(), head.time, head.recovery_epoch);
    if json {
        output.json(&json!({
            "origin": origin, "size": size, "root": root, "time": time, "recovery_epoch": epoch, "signed": false,
        }))?;
    } else {
        output.line(format!("origin          {}", plain(origin)))?;
        output.line(format!("size            {size}"))?;
        output.line(format!("root            {root}"))?;
        output.line(format!("time            {time} ms since 1970"))?;
        output.line(format!("recovery epoch  {epoch}"))?;
        output.line("not signed: this is what the database says")?;
    }
    Ok(Ended::Well)
}
