//! Provenance: what the ledger says of a proof, and how anyone verifies it offline, years later.
//!
//! | module | what for |
//! |---|---|
//! | [`entry`] | the leaf of the ledger: a type, a time, a commitment |
//! | [`record`] | what entries commit to: decisions, proofs, revocations |
//! | [`bundle`] | the file that verifies offline |
//! | [`trust`] | what the relying party brings |
//! | [`verify_bundle`] | everything done again |
//! | [`verification`] | what is shown, what is not, and why |
//! | [`page`] | the same, as HTML |
//!
//! Pure: no I/O, no clock, no chance. docs/provenance.md is the specification.

pub mod bundle;
pub mod entry;
pub mod page;
pub mod record;
pub mod trust;
pub mod verification;
mod verify;

pub use bundle::{Bundle, BundleFormat, LedgerPart, MAX_BUNDLE_BYTES, Opening, ProofDocuments};
pub use entry::{Commitment, Draft, Entry, EntryError, EntryType};
pub use page::{Links, ProvenancePage};
pub use record::{
    DecisionRecord, EvidenceRecord, PolicyRecord, ProofEntry, ProofFinding, RecordedChallenge, RecordedRelease,
    RevocationRecord, Revoked,
};
pub use trust::{TrustError, TrustFile};
pub use verification::{BundleCode, BundleReason, Check, Verification};
pub use verify::{Surroundings, verify_bundle};
