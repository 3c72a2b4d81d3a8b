//! The vocabulary every other crate speaks: evidence kinds, stages, reasons, evidence ids, the claim table and the
//! result of an appraisal. No cryptography, no I/O, no clock.
//!
//! Start at [`AppraisalResult`] (what `prooftrail appraise --json` prints), then [`claims`] (what evidence can
//! establish) and [`ReasonCode`] (why evidence can be refused).

pub mod claims;

mod appraisal_result;
mod evidence_id;
mod kind;
mod reason;
mod stage;
mod timestamp;

pub use appraisal_result::{AppraisalResult, Check, Outcome, Scope, TrustAnchor, Verdict};
pub use evidence_id::EvidenceId;
pub use kind::{Kind, UnknownKind};
pub use reason::{Reason, ReasonCode};
pub use stage::Stage;
pub use timestamp::{InvalidTimestamp, Timestamp};
