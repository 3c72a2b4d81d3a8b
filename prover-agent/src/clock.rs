//! The clock, read here and nowhere else. Inside an enclave it is the parent's word.

use prooftrail_result::Timestamp;

/// Now; the epoch where the clock stands before it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the edge: everything below takes the instant as an argument")]
pub(crate) fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::MAX)
}
