//! The stages of an appraisal. A refusal names the stage that failed; the service maps stages to HTTP statuses.

use std::fmt;

use serde::{Serialize, Serializer};

/// Where an appraisal failed. The order is the order in which the stages are walked.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// The bytes of the evidence, or of an endorsement, do not have the format.
    Parse,
    /// A signature does not verify, or its algorithm is not permitted there.
    Signature,
    /// Certificate order, profile, signatures, or the root is not pinned; for tokens the issuer or its key.
    Chain,
    /// A certificate is revoked, or revocation data is not the issuer's, or it is missing where it is required.
    Revocation,
    /// Something is outside its validity window, or a time stamp is not acceptable.
    Time,
    /// Parts that do not belong together: nonce, binding, identities that contradict each other.
    Binding,
    /// No TCB level matches, or the level is revoked.
    Tcb,
    /// Content that no policy can allow.
    Claims,
    /// A rule of the policy, the shape of the set, freshness, or debug evidence where it is not allowed.
    Policy,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 9] = [
        Self::Parse,
        Self::Signature,
        Self::Chain,
        Self::Revocation,
        Self::Time,
        Self::Binding,
        Self::Tcb,
        Self::Claims,
        Self::Policy,
    ];

    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Signature => "signature",
            Self::Chain => "chain",
            Self::Revocation => "revocation",
            Self::Time => "time",
            Self::Binding => "binding",
            Self::Tcb => "tcb",
            Self::Claims => "claims",
            Self::Policy => "policy",
        }
    }

    /// Whether evidence that fails here is authentic all the same: the silicon vouches for it, we decline it.
    #[must_use]
    pub const fn is_authentic(self) -> bool {
        matches!(self, Self::Tcb | Self::Claims | Self::Policy)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Stage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
