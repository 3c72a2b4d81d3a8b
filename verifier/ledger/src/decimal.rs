//! Numbers as C2SP's text formats write them: ASCII decimal without sign or leading zeros. In: a field of a line or a
//! path; out: the number, or why it is none.

use std::fmt;

/// Why a field is not a canonical ASCII decimal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidDecimal {
    /// The field has no characters.
    Empty,
    /// A character is not an ASCII digit.
    NotADigit,
    /// A number other than `0` begins with a zero.
    LeadingZero,
    /// The number is larger than the field allows.
    TooLarge {
        /// The largest number allowed.
        max: u64,
    },
}

impl fmt::Display for InvalidDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::NotADigit => f.write_str("it has a character that is not an ASCII digit"),
            Self::LeadingZero => f.write_str("it begins with a zero"),
            Self::TooLarge { max } => write!(f, "it is larger than {max}"),
        }
    }
}

impl std::error::Error for InvalidDecimal {}

/// Reads `text` as a number from 0 to `max`.
pub(crate) fn parse(text: &str, max: u64) -> Result<u64, InvalidDecimal> {
    if text.is_empty() {
        return Err(InvalidDecimal::Empty);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidDecimal::NotADigit);
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(InvalidDecimal::LeadingZero);
    }
    match text.parse() {
        Ok(number) if number <= max => Ok(number),
        _ => Err(InvalidDecimal::TooLarge { max }),
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidDecimal, parse};

    #[test]
    fn one_spelling_per_number() {
        let too_large = InvalidDecimal::TooLarge { max: u64::MAX };
        for (text, expected) in [
            ("0", Ok(0)),
            ("7", Ok(7)),
            ("18446744073709551615", Ok(u64::MAX)),
            ("18446744073709551616", Err(too_large)),
            ("99999999999999999999999999", Err(too_large)),
            ("", Err(InvalidDecimal::Empty)),
            ("07", Err(InvalidDecimal::LeadingZero)),
            ("00", Err(InvalidDecimal::LeadingZero)),
            ("+7", Err(InvalidDecimal::NotADigit)),
            ("-7", Err(InvalidDecimal::NotADigit)),
            ("7 ", Err(InvalidDecimal::NotADigit)),
            ("٧", Err(InvalidDecimal::NotADigit)),
        ] {
            assert_eq!(parse(text, u64::MAX), expected, "{text}");
        }
        assert_eq!(parse("8", 7), Err(InvalidDecimal::TooLarge { max: 7 }));
    }
}
