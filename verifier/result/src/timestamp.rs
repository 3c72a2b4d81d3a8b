//! Instants, in milliseconds since the Unix epoch. Time is always an argument; nothing here reads a clock.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// An instant in UTC between the years 0000 and 9999, to the millisecond.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: what RFC 3339 can spell and X.509 can hold.
    const RANGE_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

    /// The latest instant there is; X.509's "no well-defined expiration date" (RFC 5280, section 4.1.2.5).
    pub const MAX: Self = Self(*Self::RANGE_MS.end());

    /// An instant from milliseconds since the Unix epoch; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        Self::RANGE_MS.contains(&millis).then_some(Self(millis))
    }

    /// An instant from seconds since the Unix epoch; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        seconds.checked_mul(1000).and_then(Self::from_unix_millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved by `seconds`, kept inside the representable range.
    #[must_use]
    pub fn saturating_add_seconds(self, seconds: i64) -> Self {
        let moved = self.0.saturating_add(seconds.saturating_mul(1000));
        Self(moved.clamp(*Self::RANGE_MS.start(), *Self::RANGE_MS.end()))
    }

    /// The start of this second.
    #[must_use]
    pub fn floor_to_second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// The last instant of this second: what an inclusive end with whole seconds, as X.509 has it, means.
    #[must_use]
    pub fn end_of_second(self) -> Self {
        Self(self.floor_to_second().0 + 999)
    }

    /// The last instant before this one: what an exclusive end means.
    #[must_use]
    pub fn just_before(self) -> Self {
        Self(self.0.saturating_sub(1).max(*Self::RANGE_MS.start()))
    }

    /// RFC 3339 with exactly three fractional digits, for sources that have milliseconds.
    #[must_use]
    pub fn to_rfc3339_millis(self) -> String {
        let seconds = self.to_string();
        format!("{}.{:03}Z", seconds.trim_end_matches('Z'), self.0.rem_euclid(1000))
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = OffsetDateTime::from_unix_timestamp(self.unix_seconds()).map_err(|_| fmt::Error)?;
        let (date, clock) = (instant.date(), instant.time());
        let (hour, minute, second) = clock.as_hms();
        let (year, month, day) = date.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 in any offset; finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let invalid = || InvalidTimestamp(text.chars().take(64).collect());
        let instant = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| invalid())?;
        let instant = instant.checked_to_offset(UtcOffset::UTC).ok_or_else(invalid)?;
        let millis = instant.unix_timestamp().checked_mul(1000).ok_or_else(invalid)?;
        Self::from_unix_millis(millis + i64::from(instant.millisecond())).ok_or_else(invalid)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text that is no RFC 3339 instant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidTimestamp(String);

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an RFC 3339 time such as 2026-06-01T12:00:00Z", self.0)
    }
}

impl std::error::Error for InvalidTimestamp {}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn reads_offsets_and_writes_utc() {
        let instant: Timestamp = "2025-01-06T17:07:05.472999+01:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2025-01-06T16:07:05Z");
        assert_eq!(instant.to_rfc3339_millis(), "2025-01-06T16:07:05.472Z");
        assert_eq!(instant.unix_millis(), 1_736_179_625_472);
    }

    #[test]
    fn before_the_epoch_rounds_down() {
        let instant = Timestamp::from_unix_millis(-1).unwrap();
        assert_eq!(instant.unix_seconds(), -1);
        assert_eq!(instant.to_rfc3339_millis(), "1969-12-31T23:59:59.999Z");
        assert_eq!(instant.floor_to_second().end_of_second(), instant);
        assert_eq!(instant.just_before().to_rfc3339_millis(), "1969-12-31T23:59:59.998Z");
    }

    #[test]
    fn refuses_what_rfc_3339_cannot_spell() {
        for text in
            ["", "2025-01-06", "2025-01-06T16:07:05", "1736179625", "2025-13-01T00:00:00Z", "9999-12-31T23:59:59-01:00"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert_eq!(Timestamp::from_unix_millis(i64::MAX), None);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::MAX.saturating_add_seconds(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.end_of_second(), Timestamp::MAX);
    }
}
