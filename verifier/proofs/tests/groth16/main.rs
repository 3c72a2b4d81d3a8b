//! Groth16 on both curves, with keys and proofs made here: genuine ones verify, and every rule has a mutation that is
//! refused for exactly that rule. The readers are tested in `documents`, what the equation and the ids say in `meaning`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a helper that fails fails its test")]

mod documents;
mod fixture;
mod meaning;
mod points;
