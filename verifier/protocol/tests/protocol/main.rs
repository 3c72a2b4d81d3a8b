//! The protocol from outside: one good release, and then every field changed in turn.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a helper that fails fails its test")]

mod challenges;
mod fixture;
mod forms;
mod opening;
mod records;
mod statements;
mod vectors;
