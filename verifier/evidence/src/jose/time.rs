//! When a token is good (RFC 7519, sections 4.1.4 to 4.1.6), give or take what clocks differ by.

use prooftrail_result::{Reason, ReasonCode, Timestamp};

use crate::json::{Node, Object};

/// How much an issuer's clock may differ from ours, in seconds.
pub(crate) const TOLERANCE_SECONDS: i64 = 60;

/// The times of a token, in whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) iat: i64,
    pub(crate) nbf: Option<i64>,
    pub(crate) exp: i64,
}

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

impl Times {
    /// As instants.
    pub(crate) fn window(self) -> Result<Window, Reason> {
        let instant = |seconds: i64| {
            let malformed =
                || Reason::new(ReasonCode::TokenMalformed, "a time of the token lies outside all calendars");
            Timestamp::from_unix_seconds(seconds).ok_or_else(malformed)
        };
        let (issued_at, expires) = (instant(self.iat)?, instant(self.exp)?);
        let begins = self.nbf.map(instant).transpose()?.map_or(issued_at, |nbf| nbf.max(issued_at));
        Ok(Window { issued_at, begins, expires })
    }
}

impl Window {
    /// The times of a payload.
    pub(crate) fn of(payload: &Object<'_>) -> Result<Self, Reason> {
        let seconds = |name: &str| match payload.get(name) {
            None => Ok(None),
            Some(Node::Whole(seconds)) if i64::try_from(*seconds).is_ok() => Ok(i64::try_from(*seconds).ok()),
            Some(_) => Err(Reason::new(ReasonCode::TokenMalformed, format!("`{name}` is no whole number of seconds"))),
        };
        let (Some(iat), nbf, Some(exp)) = (seconds("iat")?, seconds("nbf")?, seconds("exp")?) else {
            return Err(Reason::new(ReasonCode::TokenMalformed, "the token lacks `iat` or `exp`"));
        };
        Times { iat, nbf, exp }.window()
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
