//! The command line: `setup`, `witness`, `prove`. In: arguments, and for `prove` the witness on standard input; out: files
//! and an exit status (0 done, 1 not proved, 2 usage or I/O).

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::fs::OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{Error, Hashes, Keys, Witness, proof_json, prove, public_json, sample, verification_key_json};

#[derive(Parser)]
#[command(
    name = "solvency-prover",
    about = "Proves that a published root commits to balances that are in range and sum to a published total"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key pair: proving.key and verification_key.json. FOR DEMONSTRATION ONLY: one party makes it and knows the
    /// trapdoor, so whoever knows the seed can forge proofs
    Setup {
        /// How many accounts the circuit has: a power of two
        #[arg(long, default_value_t = 64)]
        accounts: usize,
        /// What the keys are derived from
        #[arg(long, default_value = "prooftrail demo")]
        seed: String,
        /// The folder for the files
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Write sample customers, readable by their owner only
    Witness {
        /// How many: a power of two
        #[arg(long, default_value_t = 64)]
        accounts: usize,
        /// What the customers are derived from
        #[arg(long, default_value = "prooftrail demo")]
        seed: String,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Read the witness from standard input; write proof.json and public.json
    Prove {
        /// The proving key that `setup` wrote
        #[arg(long, value_name = "FILE")]
        pk: PathBuf,
        /// The folder for the files
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Runs a command line; the first argument is the program's name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is left to tell if the streams are gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match run(arguments.command) {
        Ok(line) => {
            let _ = writeln!(io::stdout(), "{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "solvency-prover: {error}");
            ExitCode::from(if matches!(error, Error::Io { .. } | Error::ProvingKey(_) | Error::Accounts { .. }) {
                2
            } else {
                1
            })
        }
    }
}

fn run(command: Command) -> Result<String, Error> {
    match command {
        Command::Setup { accounts, seed, out } => {
            let keys = Keys::generate(&Hashes::default(), accounts, &seed)?;
            make_folder(&out)?;
            keys.write(&out.join("proving.key"))?;
            write(&out.join("verification_key.json"), 0o644, &verification_key_json(&keys.proving.vk))?;
            Ok(format!(
                "Keys for {accounts} accounts. For demonstration only: this setup has one party, who can forge proofs."
            ))
        }
        Command::Witness { accounts, seed, out } => {
            write(&out, 0o600, &sample(accounts, &seed)?)?;
            Ok(format!("{accounts} sample customers."))
        }
        Command::Prove { pk, out } => {
            // Before the witness is opened: what can fail without it fails without it.
            let keys = Keys::read(&pk)?;
            make_folder(&out)?;
            let proven = {
                // Not through `Stdin`, whose buffer keeps a copy of what passed.
                let input = io::stdin().as_fd().try_clone_to_owned().map_err(at("standard input"))?;
                let witness = Witness::read(File::from(input))?;
                prove(&Hashes::default(), &keys, &witness)?
            };
            write(&out.join("proof.json"), 0o644, &proof_json(&proven.proof))?;
            write(&out.join("public.json"), 0o644, &public_json(&proven.statement))?;
            Ok(format!("Proved: root {}, total {}.", proven.statement.root, proven.statement.total))
        }
    }
}

fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(at(&path.display().to_string()))
}

fn write(path: &Path, mode: u32, text: &str) -> Result<(), Error> {
    let place = path.display().to_string();
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(path).map_err(at(&place))?;
    file.write_all(text.as_bytes()).map_err(at(&place))
}

fn at(place: &str) -> impl FnOnce(io::Error) -> Error {
    let place = place.to_owned();
    |source| Error::Io { place, source }
}
