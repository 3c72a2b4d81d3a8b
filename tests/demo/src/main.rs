//! The demo: the main job of Prooftrail from a sealed witness to a bundle that verifies offline, and what is refused on the
//! way, with real processes over real sockets. Every command is printed before it runs and can be repeated by hand in the
//! folder target/demo/, where everything stands afterwards.
//!
//! The program starts itself again under the names `prooftrail`, `prover-agent` and `solvency-prover`, so what runs is the
//! code of the shipped programs in processes of their own. The hardware alone is simulated ([`enclave`]), and every
//! verdict says so.
//!
//! | module | what for |
//! |---|---|
//! | [`story`] | the main path |
//! | [`refusals`] | what does not get through |
//! | [`machines`] | the same on other hardware |
//! | [`sets`] | evidence that belongs together |
//! | [`stage`], [`narrator`] | the folder, the processes, what the audience sees |
//! | [`service`], [`http`], [`wiretap`] | the running service, and who talks to it |
//! | [`enclave`], [`attached`] | the simulated hardware |
//! | [`documents`] | policy, configuration and trust files |

mod attached;
mod documents;
mod enclave;
mod http;
mod machines;
mod narrator;
mod refusals;
mod service;
mod sets;
mod stage;
mod story;
mod wiretap;

use std::{env, path::Path, process::ExitCode};

use clap::Parser;
use prooftrail_prover_agent::child::shim;

/// The main job of Prooftrail on simulated hardware, end to end.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  cargo run --release -p demo\n  cargo run --release -p demo -- --keep")]
struct Arguments {
    /// Leave the service running at the end, for a browser, until an interrupt.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    let name = Path::new(&name).file_name().unwrap_or_default();
    // The agent starts this program again to confine a command, and not by a name.
    if name == stage::AGENT || arguments.next().is_some_and(|first| first == shim::SUBCOMMAND) {
        return prooftrail_prover_agent::cli::main(enclave::collectors);
    }
    if name == stage::PROVER {
        return prooftrail_demo_prover::main(env::args_os());
    }
    if name == stage::PROOFTRAIL {
        service::end_with_the_demo();
        return prooftrail::cli::main();
    }
    let Arguments { keep } = Arguments::parse();
    match story::play(keep) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            narrator::complain(&format!("demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
