//! The demo: simulated enclaves attest, and the real verifier answers. Every command is printed before it runs and can be
//! repeated by hand on the files that the demo leaves in target/demo/.
//!
//! The program starts itself again under the name `prooftrail`, so what runs is the command line's own code in a process
//! of its own, with real files, arguments and exit statuses. The hardware alone is simulated, and every verdict says so.

mod scenes;

use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let name = env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name() == Some("prooftrail".as_ref()) {
        return prooftrail::cli::main();
    }
    match scenes::play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            scenes::say(&format!("demo: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
