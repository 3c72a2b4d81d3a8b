//! The walk from outside: one good release over a simulated enclave's evidence, then every part changed in turn; and witness
//! keys, with the library's files and with the stock tool's.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

mod azure;
mod fixture;
mod keys;
mod nvidia;
mod stock_age;
mod walk;
