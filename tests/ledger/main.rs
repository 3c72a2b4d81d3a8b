//! The store and the ledger on both engines, with servers, processes and files that fail. PostgreSQL tests start a
//! server of their own and print `skipped: …` where its binaries are missing.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; a skipped test says so; tests read tables, clocks and the environment"
)]

mod archive;
mod crash;
mod fairness;
mod faults;
mod log;
mod maintenance;
mod operator;
mod order;
mod postgres;
mod scratch;
mod secrets;
mod start;
mod store;
mod tiles;
