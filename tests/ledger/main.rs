//! The store and the ledger on both engines, with servers, processes and files that fail. PostgreSQL tests start a
//! server of their own and print `skipped: …` where its binaries are missing.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; a test that is skipped says so"
)]

mod crash;
mod faults;
mod log;
mod order;
mod postgres;
mod scratch;
mod start;
mod store;
mod tiles;
