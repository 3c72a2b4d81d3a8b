//! The JSON that agent and service exchange. Every form refuses unknown members; bytes are base64url without padding,
//! digests and ids are lower-case hexadecimal, instants are RFC 3339 in UTC with milliseconds.
//!
//! In: a body, capped by [`from_json`]; out: forms whose members are checked types wherever the protocol has one.

pub mod base64url;

mod appraisal;
mod bytes;
mod challenge;
mod problem;
mod proof;
mod release;
mod text;

pub use appraisal::{AppraisalRequest, AppraisalResponse};
pub use bytes::{Bytes, Digest32, Digest48};
pub use challenge::{ChallengeRequest, ChallengeResponse};
pub use problem::{MEDIA_TYPE as PROBLEM_MEDIA_TYPE, Problem, ProblemReason};
pub use proof::{ProofOutcome, ProofRequest, ProofResponse};
pub use release::{LedgerPlace, PieceOfEvidence, ReleaseRequest, ReleaseResponse, SessionReleaseRequest};

use serde::de::DeserializeOwned;

use crate::malformed::{Fault, Malformed};

/// Reads a form from a body of at most `max` bytes.
///
/// # Errors
/// [`Malformed`].
pub fn from_json<T: DeserializeOwned>(body: &[u8], what: &'static str, max: usize) -> Result<T, Malformed> {
    if body.len() > max {
        return Err(Malformed::new(what, Fault::TooLarge { have: body.len(), max }));
    }
    serde_json::from_slice(body).map_err(|error| Malformed::new(what, Fault::Json(error.to_string())))
}
