//! The relying party's trust: which logs, which cosigners, and how many of them. In: a policy file, and notes; out: the
//! checkpoint that a trusted log has signed and a quorum has cosigned, or the reason. C2SP tlog-policy.
//!
//! The file's keyword for a cosigner is `witness`; in this workspace a witness is the private input of a proof.

mod builder;
mod file;
mod quorum;
mod verify;

pub use builder::{MAX_LOGS, MAX_NAMES, PolicyError, Threshold, TrustPolicyBuilder};
pub use file::{MAX_POLICY_BYTES, PolicyFileError, PolicyLineError};
pub use quorum::{PolicyName, Quorum};
pub use verify::{Cosignature, PolicyRefusal, VerifiedCheckpoint};

use crate::VerifierKey;

/// The logs and cosigners that a relying party trusts, and the quorum that it demands.
///
/// Read from a file with [`TrustPolicy::parse`], or made with [`TrustPolicyBuilder`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustPolicy {
    logs: Vec<TrustedLog>,
    cosigners: Vec<TrustedCosigner>,
    quorum: Quorum,
}

impl TrustPolicy {
    /// The logs, any of which may have signed.
    #[must_use]
    pub fn logs(&self) -> &[TrustedLog] {
        &self.logs
    }

    /// The cosigners, whether or not the quorum counts them.
    #[must_use]
    pub fn cosigners(&self) -> &[TrustedCosigner] {
        &self.cosigners
    }

    /// Who must have cosigned.
    #[must_use]
    pub const fn quorum(&self) -> &Quorum {
        &self.quorum
    }
}

/// A log that is trusted to be one log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedLog {
    /// The origin its checkpoints must have. In a policy file it is the name of the key.
    pub origin: String,
    /// The key it signs with.
    pub key: VerifierKey,
    /// Where it is, for the application to interpret. Not necessarily UTF-8.
    pub url: Option<Vec<u8>>,
}

/// A cosigner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedCosigner {
    /// What the quorum calls it.
    pub name: PolicyName,
    /// The key it cosigns with.
    pub key: VerifierKey,
    /// Where it is, for the application to interpret. Not necessarily UTF-8.
    pub url: Option<Vec<u8>>,
}
