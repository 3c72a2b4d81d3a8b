//! The agent inside the TEE: collects evidence, asks for a witness, opens it in memory, runs any prover on it, confined,
//! registers what came out, wipes and exits (docs/agent.md).
//!
//! The shipped program attests with devices only. A demo or a test that has simulated hardware hands its own
//! [`collect::Collectors`] to the same entry point, [`cli::main`].

pub mod child;
pub mod cli;
pub mod collect;
pub mod harden;
pub mod probe;
pub mod relay;
pub mod run;
pub mod service;
pub mod transport;
pub mod witness;

mod clock;
