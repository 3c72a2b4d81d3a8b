//! How names and times are written in requests and answers. In: text, milliseconds; out: checked names, RFC 3339.

use prooftrail_result::Timestamp;

use super::problem::Problem;

/// The longest name in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// A time, in milliseconds since the Unix epoch, as RFC 3339 has it; `None` past the year 9999.
#[must_use]
pub fn time(millis: i64) -> Option<String> {
    Timestamp::from_unix_millis(millis).map(|time| time.to_string())
}

/// Names of projects and keys: they stand in URLs, logs and the names of files.
///
/// # Errors
/// 400 with `request.name`.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = name.len() <= MAX_NAME_BYTES
        && name.starts_with(is_letter)
        && name.ends_with(is_letter)
        && name.chars().all(|c| is_letter(c) || c == '-');
    if fits {
        return Ok(());
    }
    Err(Problem::bad_request("request.name", "a name has a to z, 0 to 9 and inner hyphens, 63 at most"))
}

#[cfg(test)]
mod tests {
    use super::{check_name, time};

    #[test]
    fn a_name_can_stand_anywhere() {
        for good in ["a", "0", "prover-2", &"x".repeat(63)] {
            check_name(good).unwrap();
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a/b", "ä", "*", "a b", &"x".repeat(64)] {
            assert_eq!(check_name(bad).unwrap_err().code(), "request.name", "{bad}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        assert!(time(0).unwrap().starts_with("1970-01-01T00:00:00"));
        assert_eq!(time(i64::MAX), None);
    }
}
