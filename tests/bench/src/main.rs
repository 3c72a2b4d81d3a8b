//! Benchmarks. Each line is `ratio NAME OURS BASELINE RATIO`: two rates per second and their quotient, measured in turns
//! in one run, so that a drifting machine drifts for both. Nothing is asserted; targets stand in docs/benchmarks.md.

mod append;
mod ledger;
mod measure;
mod nitro;
mod policy;
// Databases to append to, as the tests make them.
#[expect(dead_code, reason = "the tests also kill the server, which a benchmark does not")]
#[path = "../../ledger/postgres.rs"]
mod postgres;
#[path = "../../ledger/scratch.rs"]
mod scratch;

fn main() {
    nitro::run();
    policy::run();
    ledger::run();
    append::run();
}
