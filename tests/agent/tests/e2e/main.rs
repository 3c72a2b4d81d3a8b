//! The agent from its command line to the ledger's side: real processes and sockets, the real wire format, simulated hardware.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper that fails fails its test; tests read the clock; a skipped test says so"
)]

mod agent;
mod azure;
mod gpus;
mod lies;
mod relay;
mod runs;
mod service;
mod tls;
mod tokens;
mod trouble;
mod vtpm;
