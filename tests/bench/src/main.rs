//! Benchmarks. Each line is `ratio NAME OURS BASELINE RATIO`: two rates per second and their quotient, measured in turns
//! in one run, so that a drifting machine drifts for both. Nothing is asserted; targets stand in docs/benchmarks.md.

mod ledger;
mod measure;
mod nitro;
mod policy;

fn main() {
    nitro::run();
    policy::run();
    ledger::run();
}
