//! Problems (RFC 9457): the body of every answer that is none. The type is `urn:prooftrail:` and a stable code.

use prooftrail_result::Reason;
use serde::{Deserialize, Serialize};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem. Members that are not known are ignored, as RFC 9457 demands of readers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// `urn:prooftrail:` and the code.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// What the code means, in a sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// Every failed check, where evidence was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ProblemReason>,
    /// What the service calls this occurrence, to be quoted to its operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// A failed check, as [`Reason`] prints itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProblemReason {
    /// The stable code.
    pub code: String,
    /// The stage that failed.
    pub stage: String,
    /// What happened.
    pub detail: String,
    /// What the evidence has.
    pub have: Option<String>,
    /// What would have been accepted.
    pub need: Option<String>,
    /// The policy's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl From<&Reason> for ProblemReason {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code.to_string(),
            stage: reason.stage().to_string(),
            detail: reason.detail.to_string(),
            have: reason.have.clone(),
            need: reason.need.clone(),
            rule: reason.rule.clone(),
        }
    }
}

impl Problem {
    /// A problem with that code.
    #[must_use]
    pub fn new(code: &str, status: u16, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            problem_type: format!("urn:prooftrail:{code}"),
            title: title.into(),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            reasons: Vec::new(),
            instance: None,
        }
    }
}
