//! Provenance: what the ledger says of a proof, and how anyone verifies it offline, years later.
//!
//! | module | what for |
//! |---|---|
//! | [`entry`] | the leaf of the ledger: a type, a time, a commitment |
//! | [`record`] | what entries commit to: decisions, proofs, revocations |
//!
//! Pure: no I/O, no clock, no chance. docs/provenance.md is the specification.

pub mod entry;
pub mod record;

pub use entry::{Commitment, Draft, Entry, EntryError, EntryType};
pub use record::{
    DecisionRecord, EvidenceRecord, PolicyRecord, ProofEntry, ProofFinding, RecordedChallenge, RecordedRelease,
    RevocationRecord, Revoked,
};
