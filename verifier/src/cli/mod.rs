//! The command line. Scripts depend on it: arguments, JSON and exit status are a contract (docs/cli.md).
//!
//! Exit status: 0 affirming (or: nothing to object), 1 refused (or: findings), 2 usage or I/O. Each command is a module
//! with its arguments and a `run`; `output` is the only printer.

mod appraise;
mod client;
mod endorsements;
mod explain;
mod files;
mod keys;
mod ledger;
mod output;
mod pin;
mod policies;
mod policy;
mod projects;
mod report;
pub(crate) mod roots;
mod seal;
mod serve;
mod tokens;
mod verify_bundle;
mod words;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};

use self::output::Output;

/// Verifies what confidential-computing hardware says, and keeps the trail.
#[derive(Debug, Parser)]
#[command(name = "prooftrail", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Is this evidence authentic, and does it satisfy a policy?
    Appraise(appraise::Args),
    /// Does this proof's provenance hold, offline?
    VerifyBundle(verify_bundle::Args),
    /// What is this evidence, in words?
    Explain(explain::Args),
    /// Reference values from build artefacts.
    #[command(subcommand)]
    Pin(pin::Command),
    /// The silicon roots that evidence may rest on.
    #[command(subcommand)]
    Roots(roots::Command),
    /// Work on appraisal policies.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Check a log, or prove something from it.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// What vendors publish, for machines without a network.
    #[command(subcommand)]
    Endorsements(endorsements::Command),
    /// Run the service.
    Serve(serve::Args),
    /// Seal a witness to a key.
    Seal(seal::Args),
    /// The witness keys of a service.
    #[command(subcommand)]
    Keys(keys::Command),
    /// The policies of a service.
    #[command(subcommand)]
    Policies(policies::Command),
    /// Reports of a service, for auditors.
    #[command(subcommand)]
    Report(report::Command),
    /// Tenants of a service.
    #[command(subcommand)]
    Projects(projects::Command),
    /// Who may administer a service.
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Shell completions.
    #[command(after_help = "Example:\n  prooftrail completions bash > /etc/bash_completion.d/prooftrail")]
    Completions {
        /// The shell to complete for.
        shell: clap_complete::Shell,
    },
}

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ended {
    /// Affirming; nothing to object.
    Well,
    /// Refused; findings.
    Refused,
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::stdout();
    match cli.command.run(&mut output).and_then(|ended| output.finish().map(|()| ended)) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Refused) => ExitCode::from(1),
        // A reader that has seen enough (`| head`) is no failure of ours.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell if standard error is gone as well.
            let _ = writeln!(io::stderr(), "prooftrail: {error:#}");
            ExitCode::from(2)
        }
    }
}

impl Command {
    fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        match self {
            Self::Appraise(args) => args.run(output),
            Self::VerifyBundle(args) => args.run(output),
            Self::Explain(args) => args.run(output),
            Self::Pin(command) => command.run(output),
            Self::Roots(command) => command.run(output),
            Self::Policy(command) => command.run(output),
            Self::Ledger(command) => command.run(output),
            Self::Endorsements(command) => command.run(output),
            Self::Serve(args) => args.run(output),
            Self::Seal(args) => args.run(output),
            Self::Keys(command) => command.run(output),
            Self::Policies(command) => command.run(output),
            Self::Report(command) => command.run(output),
            Self::Projects(command) => command.run(output),
            Self::Tokens(command) => command.run(output),
            Self::Completions { shell } => {
                clap_complete::generate(shell, &mut Cli::command(), "prooftrail", output.writer());
                Ok(Ended::Well)
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The clock, read once, here.
#[expect(clippy::disallowed_methods, reason = "the edge: every appraisal below takes the instant as an argument")]
fn now() -> anyhow::Result<prooftrail_result::Timestamp> {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let millis = i64::try_from(since_epoch.as_millis())?;
    prooftrail_result::Timestamp::from_unix_millis(millis)
        .ok_or_else(|| anyhow::anyhow!("the clock is past the year 9999"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_has_help_with_an_example_and_json() {
        fn leaves(command: &clap::Command, found: &mut Vec<clap::Command>) {
            let subcommands: Vec<_> = command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
            if subcommands.is_empty() {
                found.push(command.clone());
            }
            subcommands.iter().for_each(|sub| leaves(sub, found));
        }
        let cli = super::Cli::command();
        cli.clone().debug_assert();
        let mut found = Vec::new();
        leaves(&cli, &mut found);
        assert!(found.len() >= 10);
        for command in found {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example") && help.contains("prooftrail "), "{name} has no example");
            let json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
            assert!(json || name == "completions", "{name} has no --json");
        }
    }
}
