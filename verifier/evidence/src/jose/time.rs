//! When a token is good (RFC 7519, sections 4.1.4 to 4.1.6), give or take what clocks differ by.

use prooftrail_result::{Reason, ReasonCode, Timestamp};

use crate::{
    json::{Node, Object},
    json_claims,
};

/// How much an issuer's clock may differ from ours, in seconds.
pub(crate) const TOLERANCE_SECONDS: i64 = 60;

/// The times of a token, as instants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    /// `iat`.
    pub(crate) issued_at: Timestamp,
    /// The later of `iat` and `nbf`.
    pub(crate) begins: Timestamp,
    /// `exp`.
    pub(crate) expires: Timestamp,
}

impl Window {
    /// The times of a payload.
    pub(crate) fn of(payload: &Object<'_>) -> Result<Self, Reason> {
        let malformed = |why: String| Reason::new(ReasonCode::TokenMalformed, why);
        let instant = |name: &str| match payload.get(name) {
            None => Ok(None),
            Some(Node::Whole(seconds)) => json_claims::instant(*seconds)
                .map(Some)
                .ok_or_else(|| malformed(format!("`{name}` lies outside all calendars"))),
            Some(_) => Err(malformed(format!("`{name}` is no whole number of seconds since 1970"))),
        };
        let (Some(issued_at), nbf, Some(expires)) = (instant("iat")?, instant("nbf")?, instant("exp")?) else {
            return Err(malformed("the token lacks `iat` or `exp`".to_owned()));
        };
        Ok(Self { issued_at, begins: nbf.map_or(issued_at, |nbf| nbf.max(issued_at)), expires })
    }

    /// The last instant at which the token is taken.
    pub(crate) fn last(self) -> Timestamp {
        self.expires.saturating_add_seconds(TOLERANCE_SECONDS)
    }

    /// Checks that an instant lies inside, give or take the tolerance.
    pub(crate) fn check(self, at: Timestamp) -> Result<(), Reason> {
        if at > self.last() {
            return Err(Reason::from(ReasonCode::TimeTokenExpired)
                .have(at)
                .need(format_args!("{} or earlier", self.expires)));
        }
        if at < self.begins.saturating_add_seconds(-TOLERANCE_SECONDS) {
            return Err(Reason::from(ReasonCode::TimeTokenNotYetValid)
                .have(at)
                .need(format_args!("{} or later", self.begins)));
        }
        Ok(())
    }
}
