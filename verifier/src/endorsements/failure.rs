//! Why something could not be had from its vendor. In: what went wrong; out: a stable code, a sentence, and when it is
//! worth asking again. The codes stand in docs/endorsements.md; they are those of problems, of log lines and of metrics.

use std::{fmt, time::Duration};

use prooftrail_evidence::Wanted;
use prooftrail_result::Reason;
use serde_json::{Value, json};

/// Why there is nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The vendor cannot be reached, or the connection broke.
    Unreachable(String),
    /// The answer took too long.
    TimedOut,
    /// The vendor asks us to wait.
    Throttled {
        /// For how long.
        wait: Duration,
    },
    /// The vendor answered with a status that means nothing good.
    Status(u16),
    /// The vendor has no such thing.
    NotFound,
    /// The answer is longer than such a thing can be.
    TooLong {
        /// The cap in bytes.
        max: usize,
    },
    /// The answer is not what was asked for, is not signed as it must be, or is not in force.
    Refused(Box<Reason>),
    /// The answer is older than one that was seen before.
    Replayed {
        /// Its age.
        have: String,
        /// The age of the youngest one.
        need: String,
    },
    /// Too much is being fetched already.
    Busy,
}

impl Failure {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "endorsements.unreachable",
            Self::TimedOut => "endorsements.timed_out",
            Self::Throttled { .. } => "endorsements.throttled",
            Self::Status(_) => "endorsements.status",
            Self::NotFound => "endorsements.not_found",
            Self::TooLong { .. } => "endorsements.too_long",
            Self::Refused(_) => "endorsements.refused",
            Self::Replayed { .. } => "endorsements.replayed",
            Self::Busy => "endorsements.busy",
        }
    }

    /// Whether the vendor as a whole is in trouble, and not this one thing.
    #[must_use]
    pub const fn is_the_vendors(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut | Self::Throttled { .. } | Self::Status(500..))
    }

    /// As a reason of a problem document.
    #[must_use]
    pub fn to_json(&self, wanted: &Wanted) -> Value {
        let (have, need) = match self {
            Self::Refused(reason) => (reason.have.clone(), reason.need.clone()),
            Self::Replayed { have, need } => (Some(have.clone()), Some(need.clone())),
            _ => (None, None),
        };
        let stage = if wanted.is_revocation() { "revocation" } else { "chain" };
        let detail = format!("{wanted}: {self}");
        json!({ "code": self.code(), "stage": stage, "detail": detail, "have": have, "need": need })
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Refused(Box::new(reason))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(f, "the vendor cannot be reached: {reason}"),
            Self::TimedOut => f.write_str("the vendor did not answer in time"),
            Self::Throttled { wait } => {
                write!(f, "the vendor asks us to wait {} seconds", wait.as_secs_f32().ceil())
            }
            Self::Status(status) => write!(f, "the vendor answers {status}"),
            Self::NotFound => f.write_str("the vendor has no such thing"),
            Self::TooLong { max } => write!(f, "the vendor's answer has more than {max} bytes"),
            Self::Refused(reason) => write!(f, "the vendor's answer is refused: {reason}"),
            Self::Replayed { have, need } => {
                write!(f, "the vendor's answer ({have}) is older than one that was seen before ({need})")
            }
            Self::Busy => f.write_str("too much is being fetched already"),
        }
    }
}

impl std::error::Error for Failure {}
