//! A Groth16 prover of solvency: the program that the demo runs inside an attested session. In: the accounts of an
//! institution's customers, on standard input; out: `proof.json` and `public.json` in snarkjs' form, which
//! `prooftrail-proofs` verifies.
//!
//! What a proof says: *the published root commits to accounts whose balances are all in [0, 2⁶⁴) and sum to the published
//! total*. Leaving a liability out of the total, or hiding it behind a negative balance, is what the circuit refuses. What
//! it does not say: that every customer is in the tree (each checks the path of their own leaf), or that the institution
//! owns assets of that worth.
//!
//! This is a demonstration. Its setup has a single party who knows the trapdoor, so whoever knows the seed forges proofs;
//! its curve has about 100 bits of security. Hash, tree and circuit are meant to be sound.
//!
//! Secrets: accounts enter through standard input only, never through a file that this program opens, an argument or the
//! environment. The input, the parsed accounts, the circuit's assignment and the proof's blinding are wiped after use.
//! Gadgets and arkworks' multi-scalar multiplications make copies of the assignment that nothing outside them can reach;
//! those end with the process, and the TEE's memory encryption is what protects them until the VM is gone.

mod circuit;
mod command;
mod error;
mod hashes;
mod keys;
mod proving;
mod sample;
mod snarkjs;
mod tree;
mod witness;

pub use circuit::Solvency;
pub use command::main;
pub use error::Error;
pub use hashes::Hashes;
pub use keys::Keys;
pub use proving::{Proven, prove};
pub use sample::sample;
pub use snarkjs::{proof_json, public_json, verification_key_json};
pub use tree::{Commitment, commit};
pub use witness::{Account, MAX_WITNESS_BYTES, Witness};

/// The most accounts of one proof; the tree is binary, so their number is a power of two.
pub const MAX_ACCOUNTS: usize = 256;
