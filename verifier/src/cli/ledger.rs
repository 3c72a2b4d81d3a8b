//! `prooftrail ledger`: looking at a log, in a database or on a server, without trusting either.

mod checkpoint;
mod fsck;
mod place;
mod progress;
mod prove;

use clap::Subcommand;

use super::{Ended, output::Output};

/// Check a log, or prove something from it.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the tree anew from every entry, and compare all that is stored or served.
    #[command(after_help = "\
Exit status: 0 nothing found, 1 findings, 2 usage or I/O.

Examples:
  prooftrail ledger fsck sqlite:ledger.db --guard ledger.guard
  prooftrail ledger fsck postgres://ledger@db/ledger --json
  prooftrail ledger fsck https://trail.example.com/ledger --key trail.example.com/log+1a2b3c4d+AQ…")]
    Fsck(fsck::Args),
    /// Print a log's last checkpoint.
    #[command(after_help = "\
Exit status: 0 printed, 1 what the server has is not that log's signed checkpoint, 2 usage or I/O.

Example:
  prooftrail ledger checkpoint https://trail.example.com/ledger --key trail.example.com/log+1a2b3c4d+AQ…")]
    Checkpoint(checkpoint::Args),
    /// Prove that an entry stands in a log, or that a log has only grown.
    #[command(after_help = "\
Prints a proof only after it has verified. Exit status: 0 proved, 1 the log contradicts its checkpoint, 2 usage or I/O.

Examples:
  prooftrail ledger prove https://trail.example.com/ledger --key … --index 7 > entry.tlog-proof
  prooftrail ledger prove sqlite:ledger.db --key … --checkpoint signed.txt --from 1000")]
    Prove(prove::Args),
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::Fsck(args) => args.run(output).await,
                Self::Checkpoint(args) => args.run(output).await,
                Self::Prove(args) => args.run(output).await,
            }
        })
    }
}
