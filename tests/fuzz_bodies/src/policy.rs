//! Policies and their cases: whatever compiles can also be linted, and has a digest.

use prooftrail_policy::{CaseFile, PolicyDocument};
use prooftrail_result::Timestamp;

/// A policy.
pub(crate) fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(policy) = PolicyDocument::parse(text).and_then(|document| document.compile(&[[7; 32]])) {
        let _ = policy.lint(Timestamp::from_unix_seconds(1_780_315_200).unwrap_or(Timestamp::MAX));
        assert_ne!(policy.digest(), [0; 48]);
    }
}

/// A file of cases.
pub(crate) fn policy_cases(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = CaseFile::parse(text);
}
