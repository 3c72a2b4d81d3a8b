//! The prover as a program of its own; the demo starts itself under this name instead.

use std::process::ExitCode;

fn main() -> ExitCode {
    prooftrail_demo_prover::main(std::env::args_os())
}
