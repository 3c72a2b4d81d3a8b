//! `prooftrail report`: what happened, for auditors.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Subcommand;
use prooftrail_result::Timestamp;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Ended, client::ServiceArgs, now, output::Output};

/// Reports of a service.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What was released, denied and proved in a range of time, under which policies, and what needs attention.
    #[command(after_help = "\
A report is recorded in the ledger, unless it is a preview.

Examples:
  prooftrail report compliance --from 2026-01-01T00:00:00Z --to 2026-04-01T00:00:00Z --out q1.html
  prooftrail report compliance --from 2026-03-01T00:00:00Z --format csv --out march/
  prooftrail report compliance --from 2026-03-01T00:00:00Z --preview --json")]
    Compliance {
        /// The first instant, RFC 3339.
        #[arg(long, value_name = "RFC3339")]
        from: Timestamp,
        /// The first instant after the range [default: now].
        #[arg(long, value_name = "RFC3339")]
        to: Option<Timestamp>,
        /// How it is written: html, json, or csv, which is a file for each section.
        #[arg(long, value_name = "FORMAT", default_value = "html", value_parser = ["html", "json", "csv"])]
        format: String,
        /// The file, for csv the folder [default: standard output]. What is there is not overwritten.
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
        /// Record nothing in the ledger.
        #[arg(long)]
        preview: bool,
        #[command(flatten)]
        service: ServiceArgs,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let Self::Compliance { from, to, format, out, preview, service } = self;
        let to = to.map_or_else(now, Ok)?;
        // --json asks for the one format that is JSON, wherever it goes.
        let format = if service.json { "json".to_owned() } else { format };
        if format == "csv" && out.is_none() {
            bail!("name a folder with --out: csv is a file for each section");
        }
        let method = if preview { Method::GET } else { Method::POST };
        let (from, to) = (from.to_rfc3339_millis(), to.to_rfc3339_millis());
        let query = [("from", from.as_str()), ("to", to.as_str()), ("format", format.as_str())];
        let (bytes, entry) = service.document(method, &["v1", "reports", "compliance"], &query)?;
        let Some(out) = out else {
            output.writer().write_all(&bytes)?;
            return Ok(Ended::Well);
        };
        if format == "csv" {
            write_files(&out, &bytes)?;
        } else {
            write(&out, &bytes)?;
        }
        let place = out.display().to_string();
        if service.json {
            output.json(&json!({ "output": place, "entry": entry }))?;
        } else {
            let recorded =
                entry.map_or_else(|| "not recorded".to_owned(), |entry| format!("entry {entry} of the ledger"));
            output.line(format!("{place}  {recorded}"))?;
        }
        Ok(Ended::Well)
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let place = || format!("cannot write {}", path.display());
    File::create_new(path).and_then(|mut file| file.write_all(bytes)).with_context(place)
}

/// The files of an object of names and texts. The names are the service's: none may lead out of the folder.
fn write_files(folder: &Path, object: &[u8]) -> anyhow::Result<()> {
    let files: Map<String, Value> = serde_json::from_slice(object).context("the service gives no files")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in &files {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        if !name.strip_suffix(".csv").is_some_and(|stem| !stem.is_empty() && stem.bytes().all(is_plain)) {
            bail!("the service gives a file with the name {name:?}");
        }
        write(&folder.join(name), text.as_str().unwrap_or_default().as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::write_files;

    #[test]
    fn files_stay_in_their_folder_and_overwrite_nothing() {
        let folder = std::env::temp_dir().join(format!("prooftrail-report-{}", std::process::id()));
        write_files(&folder, br#"{"denial-reasons.csv":"a,b\r\n"}"#).unwrap();
        assert_eq!(std::fs::read_to_string(folder.join("denial-reasons.csv")).unwrap(), "a,b\r\n");
        for bad in [r#"{"../x.csv":""}"#, r#"{"/x.csv":""}"#, r#"{".csv":""}"#, r#"{"x.html":""}"#, "[]"] {
            assert!(write_files(&folder, bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(write_files(&folder, br#"{"denial-reasons.csv":""}"#).is_err());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
