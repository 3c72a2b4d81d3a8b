//! Where vectors are, and how the binary is called on them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// The repository's own vectors.
pub(crate) fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// The shared folder. Without it, `what` is said to be skipped, plainly.
pub(crate) fn shared(what: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests find the vectors folder by the environment")]
    let folder = std::env::var_os("PROOFTRAIL_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: {what}, because PROOFTRAIL_VECTORS names no folder");
        }
    }
    folder
}

/// The binary under test.
pub(crate) fn prooftrail() -> Command {
    Command::new(env!("CARGO_BIN_EXE_prooftrail"))
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("the binary runs")
}

/// Exit status and the JSON on standard output.
pub(crate) fn json(output: &Output) -> (i32, Value) {
    let status = output.status.code().expect("it exits");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no JSON ({error}); {stderr}"));
    (status, json)
}

/// The codes and rules of a result's reasons.
pub(crate) fn reasons(result: &Value) -> Vec<String> {
    let reasons = result["reasons"].as_array().unwrap().iter();
    reasons
        .map(|reason| match reason["rule"].as_str() {
            Some(rule) => format!("{}:{rule}", reason["code"].as_str().unwrap()),
            None => reason["code"].as_str().unwrap().to_owned(),
        })
        .collect()
}
