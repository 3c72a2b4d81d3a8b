//! The report as data. Rows that a caller brings stand in [`rows`], what is derived from them in [`derived`]. Their JSON is
//! a contract: a field is added, never renamed.

mod derived;
mod rows;

use serde::Serialize;

pub use derived::{Control, ControlRule, DenialReason, Limitation, PinState, Rotation, Summary, VerifiedProof};
pub(crate) use derived::{Rows, derive};
pub use rows::{
    Checkpoint, Denial, Evidence, Finding, KeyVersion, Pin, PolicyRule, PolicyVersion, Proof, ProofOutcome, ReasonLine,
    Release, Scope, Severity,
};

/// What happened in a range of the ledger, sorted. Only [`crate::Builder::finish`] makes one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComplianceReport {
    /// [`crate::FORMAT`].
    pub format: &'static str,
    /// What the report covers.
    pub scope: Scope,
    /// What the ledger was when the report was made.
    pub checkpoint: Checkpoint,
    /// The numbers.
    pub summary: Summary,
    /// What needs somebody's attention; the gravest first.
    pub findings: Vec<Finding>,
    /// Which controls the policies' rules serve, and what those rules decided.
    pub controls: Vec<Control>,
    /// Decisions that opened a witness, in the order of the ledger.
    pub releases: Vec<Release>,
    /// Why decisions refused, most frequent code first.
    pub denials_by_reason: Vec<DenialReason>,
    /// Decisions that refused, in the order of the ledger.
    pub denials: Vec<Denial>,
    /// Proofs registered by attested sessions, in the order of the ledger.
    pub proofs: Vec<Proof>,
    /// Policy versions in force at some time in the range.
    pub policies: Vec<PolicyVersion>,
    /// Reference values of those policies.
    pub pins: Vec<Pin>,
    /// Reference values that began or ceased to count within the range.
    pub rotations: Vec<Rotation>,
    /// Witness keys' versions.
    pub keys: Vec<KeyVersion>,
    /// What this report does not show.
    pub limitations: Vec<Limitation>,
}
