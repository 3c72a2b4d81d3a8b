//! The command line. Scripts depend on it: arguments, events and exit status are a contract (docs/agent.md).
//!
//! Exit status: 0 done; 1 the service, or a check of what it answered, refused; 2 usage, I/O, or no service; 3 the command
//! failed (and its record is registered). Each command is a module with its arguments and a `run`; `output` is the only
//! printer.

mod output;
mod probe;
mod relay;
mod run;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use self::output::Output;
use crate::{
    child::shim,
    collect::{CollectError, Collectors, Settings},
};

/// Runs any prover inside a TEE, on a witness that only this run may open.
#[derive(Debug, Parser)]
#[command(name = "prover-agent", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Attest, open a witness, run a command on it, register what came out.
    Run(Box<run::Args>),
    /// Forward an enclave's connections to one address, on its parent instance.
    Relay(relay::Args),
    /// What is this machine, and what would be collected here?
    Probe(probe::Args),
}

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ended {
    Well,
    Refused,
    CommandFailed,
}

/// Runs the command that the process was started with, on devices of the program's own. Call it first in `main`, before there is
/// a second thread: the process may be a stage of a child.
#[must_use]
pub fn main(collectors: impl FnOnce() -> Collectors) -> ExitCode {
    main_by(|settings| if settings.is_default() { Ok(collectors()) } else { Err(CollectError::Fixed) })
}

/// The same on the devices that `collectors` finds for the settings of `--collect`.
#[must_use]
pub fn main_by(collectors: impl FnOnce(&Settings) -> Result<Collectors, CollectError>) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == shim::SUBCOMMAND) {
        let rest: Vec<_> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
        return shim::main(&rest);
    }
    let cli = Cli::parse();
    let mut output = Output::stdout();
    let ended = match cli.command {
        Command::Run(args) => args
            .settings()
            .and_then(|settings| Ok(collectors(&settings)?))
            .and_then(|collectors| args.run(&mut output, &collectors)),
        Command::Relay(args) => args.run(&mut output),
        Command::Probe(args) => args.settings().and_then(|settings| args.run(&mut output, collectors(&settings))),
    };
    match ended.and_then(|ended| output.finish().map(|()| ended)) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Refused) => ExitCode::from(1),
        Ok(Ended::CommandFailed) => ExitCode::from(3),
        Err(error) => {
            // Nothing is left to tell if standard error is gone as well.
            let _ = writeln!(io::stderr(), "prover-agent: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The shim is this very program.
const SHIM: &str = "/proc/self/exe";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_has_help_with_an_example_and_json() {
        let cli = super::Cli::command();
        cli.clone().debug_assert();
        let leaves: Vec<_> = cli.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
        assert!(leaves.len() >= 3);
        for command in leaves {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example") && help.contains("prover-agent "), "{name} has no example");
            assert!(
                command.get_arguments().any(|argument| argument.get_long() == Some("json")),
                "{name} has no --json"
            );
        }
    }
}
