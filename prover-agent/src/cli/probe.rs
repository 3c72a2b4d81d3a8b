//! `prover-agent probe`.

use std::{collections::BTreeMap, env, path::PathBuf};

use super::{Ended, SHIM, output::Output, run::settings};
use crate::{
    child::{Child, Executable, Plan, Streams, WitnessChannel},
    collect::{CollectError, Collectors, Settings},
    probe::probe,
};

/// What is this machine, and what would be collected here?
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0, also on a machine with nothing; 2 I/O.

Examples:
  prover-agent probe
  prover-agent probe --json")]
pub(super) struct Args {
    /// Which evidence to collect, as for `run`.
    #[arg(long, value_name = "FILE")]
    collect: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What to collect.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        settings(self.collect.as_deref())
    }

    pub(super) fn run(
        self,
        output: &mut Output,
        collectors: Result<Collectors, CollectError>,
    ) -> anyhow::Result<Ended> {
        let (collectors, refused) = match collectors {
            Ok(collectors) => (collectors, None),
            Err(error) => (Collectors::default(), Some(error.to_string())),
        };
        let kinds: Vec<_> =
            collectors.others.iter().chain(&collectors.primary).map(|each| each.kind().as_str()).collect();
        let (sandbox, missing) = try_sandbox();
        let found = probe(kinds, refused, sandbox, missing);
        if self.json {
            output.json(&found)?;
            return Ok(Ended::Well);
        }
        for device in &found.devices {
            let presence = if device.present { "present" } else { "absent" };
            let support = if device.supported { "collected by this build" } else { "not collected by this build" };
            output.line(format!("{presence:8} {:40} {} ({}, {support})", device.what, device.path, device.kind))?;
        }
        let collects =
            if found.would_collect.is_empty() { "nothing".to_owned() } else { found.would_collect.join(" ") };
        output.line(format!("a run would collect: {collects}"))?;
        if let Some(refused) = &found.would_not_collect {
            output.line(format!("  because of {refused}"))?;
        }
        output.line(format!("a command would be confined by: {}", found.sandbox.join(" ")))?;
        for missing in &found.sandbox_missing {
            output.line(format!("  not by {missing}"))?;
        }
        if found.swap {
            output.line("this machine swaps: a command's memory may reach a disk")?;
        }
        Ok(Ended::Well)
    }
}

/// Confines a child that never runs.
fn try_sandbox() -> (Vec<&'static str>, Vec<String>) {
    let tried = || -> anyhow::Result<_> {
        let plan = Plan {
            argv: vec!["probe".to_owned()],
            environment: BTreeMap::new(),
            directory: env::current_dir()?,
            writable: Vec::new(),
            devices: Vec::new(),
            network: false,
            witness: WitnessChannel::Stdin,
        };
        let itself = Executable::open(SHIM, "")?;
        let child = Child::start(SHIM, &itself, &plan, Streams { keep_stdout: 0, forward_stderr: 0 })?;
        Ok((child.enforced().iter().map(|item| item.name()).collect(), child.missing().to_vec()))
    };
    tried().unwrap_or_else(|error| (Vec::new(), vec![format!("anything: {error:#}")]))
}
