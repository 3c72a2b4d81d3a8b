//! The transparency ledger's formats: a Merkle tree and its proofs, signed notes, checkpoints, cosignatures, tiles, proof
//! files and the relying party's trust policy. Bytes in, typed values or typed refusals out; no I/O, no clock, no chance.
//!
//! | module | specification |
//! |---|---|
//! | [`merkle`] | RFC 6962 section 2.1, RFC 9162 section 2.1, draft-ietf-plants-merkle-tree-certs section 4 (subtrees) |
//! | [`note`] | C2SP signed-note |
//! | [`checkpoint`] | C2SP tlog-checkpoint |
//! | [`cosignature`] | C2SP tlog-cosignature |
//! | [`tiles`] | C2SP tlog-tiles |
//! | [`trust_policy`] | C2SP tlog-policy |
//! | [`tlog_proof`] | C2SP tlog-proof |
//!
//! All C2SP documents are followed as of C2SP/C2SP@5ba5ee83 (22 July 2026).
//!
//! A relying party starts at [`TlogProof::parse`] and [`TrustPolicy::parse`]; a log starts at [`Frontier`] and
//! [`NoteSigner`].

pub mod checkpoint;
pub mod cosignature;
pub mod merkle;
pub mod note;
pub mod tiles;
pub mod tlog_proof;
pub mod trust_policy;

mod base64_text;
mod decimal;
mod hash;

pub use checkpoint::Checkpoint;
pub use decimal::InvalidDecimal;
pub use hash::{Hash, InvalidHash};
pub use merkle::Frontier;
pub use note::{Note, NoteSigner, VerifierKey};
pub use tlog_proof::TlogProof;
pub use trust_policy::TrustPolicy;

/// The most leaves a tree may have: 2^63 − 1. Other implementations and databases hold sizes in signed 64-bit integers.
pub const MAX_TREE_SIZE: u64 = (1 << 63) - 1;
