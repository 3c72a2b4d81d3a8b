//! Benchmarks. Each line is `ratio NAME OURS BASELINE RATIO`: two rates per second and their quotient, measured in turns
//! in one run, so that a drifting machine drifts for both. Nothing is asserted; targets stand in docs/benchmarks.md.

// What the tests have made already: agents, their HTTP, databases, and a bundle.
#[expect(dead_code, reason = "the tests change what a benchmark leaves alone")]
#[path = "../../service/agent.rs"]
mod agent;
mod append;
mod bundle;
mod cache;
#[expect(dead_code, reason = "the tests send what no client would")]
#[path = "../../service/http.rs"]
mod http;
mod ledger;
mod measure;
mod nitro;
mod nvidia;
mod policy;
#[expect(dead_code, reason = "the tests also kill the server, which a benchmark does not")]
#[path = "../../ledger/postgres.rs"]
mod postgres;
mod release;
#[path = "../../../verifier/provenance/tests/bundles/scene.rs"]
mod scene;
#[path = "../../ledger/scratch.rs"]
mod scratch;
mod snp;
mod tdx;
mod tokens;

use std::{env, path::Path, process::ExitCode};

/// The name under which this program is the service.
const SERVICE: &str = "prooftrail";

/// Every benchmark by name.
const ALL: [(&str, fn()); 10] = [
    ("nitro", nitro::run),
    ("snp", snp::run),
    ("tdx", tdx::run),
    ("tokens", tokens::run),
    ("nvidia", nvidia::run),
    ("policy", policy::run),
    ("ledger", ledger::run),
    ("append", append::run),
    ("release", release::run),
    ("bundle", bundle::run),
];

fn main() -> ExitCode {
    let mut arguments = env::args();
    if arguments.next().is_some_and(|name| Path::new(&name).file_name().is_some_and(|name| name == SERVICE)) {
        return prooftrail::cli::main();
    }
    let wanted: Vec<String> = arguments.collect();
    let is_known = |name: &String| ALL.iter().any(|(known, _)| known == name);
    if let Some(unknown) = wanted.iter().find(|name| !is_known(name)) {
        eprintln!("{unknown}: there are {}", ALL.map(|(name, _)| name).join(", "));
        return ExitCode::from(2);
    }
    let chosen = ALL.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name));
    chosen.for_each(|(_, run)| run());
    ExitCode::SUCCESS
}
