//! The `prooftrail` command. Everything it does stands in the library, so that the demo can run the same code.

use std::process::ExitCode;

fn main() -> ExitCode {
    prooftrail::cli::main()
}
