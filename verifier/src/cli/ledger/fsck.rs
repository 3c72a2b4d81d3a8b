//! `prooftrail ledger fsck`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;

use super::{
    place::{Opened, Place},
    progress::Progress,
};
use crate::{
    cli::{
        Ended, files,
        output::{Output, plain},
    },
    log::{finding::Findings, fsck, guard::Guard},
};

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    place: Place,
    /// The guard file of a process that signs this log: the database must have what it says was signed.
    #[arg(long, value_name = "FILE")]
    guard: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was checked of one log.
#[derive(Debug, Default, Serialize)]
struct Report {
    origin: String,
    size: Option<u64>,
    root: Option<String>,
    /// How many stored roots were compared; a server has one.
    checkpoints: u64,
    /// How many stored tiles were compared, where they need not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<u64>,
    clean: bool,
    counts: std::collections::BTreeMap<String, u64>,
    findings: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    code: &'static str,
    detail: String,
}

impl Report {
    fn with(self, found: &Findings) -> Self {
        let findings = found.listed().iter();
        let findings = findings.map(|finding| Listed { code: finding.code(), detail: finding.to_string() }).collect();
        let counts = found.counts().iter().map(|(code, count)| ((*code).to_owned(), *count)).collect();
        Self { clean: found.is_empty(), counts, findings, ..self }
    }
}

impl Args {
    pub(super) async fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        // Before the database: a process that signs meanwhile writes the guard after it.
        let guard = self.guard.as_ref().map(|path| {
            let guard = files::read_text(path)?.parse::<Guard>();
            guard.with_context(|| format!("--guard {}", path.display()))
        });
        let guard = guard.transpose()?;
        let mut reports = Vec::new();
        match self.place.open().await? {
            Opened::Server(_) if guard.is_some() => bail!("--guard is compared with a database"),
            Opened::Server(remote) => {
                let mut report = Report { origin: self.place.origin()?.to_owned(), ..Report::default() };
                match self.place.fetch_checkpoint(&remote).await? {
                    Ok((_, checkpoint)) => {
                        let mut progress = Progress::new();
                        let found = remote.check(&checkpoint, |done, all| progress.show(done, all)).await?;
                        let (size, root) = (Some(checkpoint.size()), Some(checkpoint.root().to_string()));
                        report = Report { size, root, checkpoints: 1, ..report }.with(&found);
                    }
                    Err(refusal) => report
                        .findings
                        .push(Listed { code: refusal.code().unwrap_or_default(), detail: refusal.to_string() }),
                }
                reports.push(report);
            }
            Opened::Database(logs) => {
                if guard.is_some() && logs.len() > 1 {
                    bail!("the database has several logs; name with --origin the one that the guard file is of");
                }
                for (origin, log) in logs {
                    let mut progress = Progress::new();
                    let guard = guard.as_ref().map(|guard| (origin.as_str(), guard));
                    let checked = fsck::check(&log, guard, |done, all| progress.show(done, all)).await?;
                    let fsck::Checked { size, root, checkpoints, tiles, found } = checked;
                    let root = root.map(|root| root.to_string());
                    let report =
                        Report { size: Some(size), root, checkpoints, tiles: Some(tiles), ..Report::default() };
                    reports.push(Report { origin, ..report }.with(&found));
                }
            }
        }
        print(output, &reports, self.json)
    }
}

fn print(output: &mut Output, reports: &[Report], json: bool) -> anyhow::Result<Ended> {
    let clean = reports.iter().all(|report| report.clean);
    if json {
        output.json(&serde_json::json!({ "clean": clean, "logs": reports }))?;
    } else {
        for report in reports {
            let Report { origin, size, root, checkpoints, tiles, clean, counts, findings } = report;
            output.line(plain(origin))?;
            if let (Some(size), Some(root)) = (size, root) {
                let tiles = tiles.map(|tiles| format!(", {tiles} stored tiles")).unwrap_or_default();
                output.line(format!("  {size} entries, root {root}"))?;
                output.line(format!("  compared: {checkpoints} roots{tiles}"))?;
            }
            for Listed { code, detail } in findings {
                output.line(format!("  {code}: {}", plain(detail)))?;
            }
            for (code, count) in counts {
                let listed = findings.iter().filter(|finding| finding.code == code).count();
                if u64::try_from(listed) != Ok(*count) {
                    output.line(format!("  {code}: {count} in all"))?;
                }
            }
            output.line(if *clean { "  nothing found" } else { "  the log is not as it should be" })?;
        }
    }
    Ok(if clean { Ended::Well } else { Ended::Refused })
}
