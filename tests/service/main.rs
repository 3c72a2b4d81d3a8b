//! The service over real sockets: what it answers to whom, to what is broken, and how it starts and stops.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a helper that fails fails its test; tests read tables, clocks and the environment; a skipped test says so"
)]

mod access;
mod agent;
mod azure;
mod bundle;
mod clock;
mod crash;
mod disk;
mod endorsements;
mod faults;
mod governance;
mod hostile;
mod http;
mod lifecycle;
mod oidc;
#[path = "../ledger/postgres.rs"]
#[expect(dead_code, reason = "shared with the tests of the ledger, which also kill servers")]
mod postgres;
mod proofs;
mod provenance;
mod recovery;
mod release;
mod report;
mod running;
mod samples;
mod schemas;
#[path = "../ledger/scratch.rs"]
#[expect(dead_code, reason = "shared with the tests of the ledger, which also stop servers")]
mod scratch;
mod tls;
mod tokens;
