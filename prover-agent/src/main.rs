//! The `prover-agent` command: the library's, with the devices of this machine.

use std::process::ExitCode;

use prooftrail_prover_agent::{cli, collect::Collectors};

fn main() -> ExitCode {
    cli::main_by(Collectors::of_this_machine)
}
