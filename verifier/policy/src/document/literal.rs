//! TOML values as the typed values of the dictionary, and the few literals that policies have besides: instants,
//! durations, digests.

use prooftrail_result::{
    Timestamp,
    claims::{ClaimType, Value},
};
use toml::Value as Toml;

use crate::Problem;

/// The longest duration, ten years of 365 days.
const MAX_SECONDS: i64 = 3650 * 86_400;

/// One value of a claim. Masks may also be written as integers (`0x10`), instants as TOML times with an offset.
///
/// # Errors
/// [`Problem::ValueType`] and [`Problem::ValueInvalid`], which name the claim.
pub(crate) fn read_value(claim: &str, claim_type: ClaimType, value: &Toml) -> Result<Value, Problem> {
    let of_type = |text: &str| {
        claim_type.read(text).map_err(|invalid| Problem::ValueInvalid { claim: claim.to_owned(), invalid })
    };
    match (claim_type, value) {
        (ClaimType::Bool, Toml::Boolean(value)) => Ok(Value::Bool(*value)),
        (ClaimType::Int, Toml::Integer(number)) => {
            u64::try_from(*number).map(Value::Int).or_else(|_| of_type(&number.to_string()))
        }
        (ClaimType::Mask, Toml::Integer(number)) => {
            u64::try_from(*number).map(Value::Mask).or_else(|_| of_type(&number.to_string()))
        }
        (ClaimType::Time, Toml::Datetime(instant)) => of_type(&instant.to_string()),
        (
            ClaimType::Text | ClaimType::Hex(_) | ClaimType::HexOrText | ClaimType::Mask | ClaimType::Time,
            Toml::String(text),
        ) => of_type(text),
        _ => Err(Problem::ValueType { claim: claim.to_owned(), claim_type, found: value.type_str() }),
    }
}

/// The value of a claim that may be a list.
///
/// # Errors
/// As [`read_value`].
pub(crate) fn read_value_or_list(claim: &str, claim_type: ClaimType, value: &Toml) -> Result<Value, Problem> {
    match (claim_type.member(), value) {
        (Some(member), Toml::Array(members)) => {
            members.iter().map(|value| read_value(claim, member, value)).collect::<Result<_, _>>().map(Value::List)
        }
        _ => read_value(claim, claim_type, value),
    }
}

/// An instant, as RFC 3339 text or as a TOML time with an offset.
///
/// # Errors
/// [`Problem::InvalidTime`].
pub(crate) fn read_instant(value: &Toml) -> Result<Timestamp, Problem> {
    match value {
        Toml::String(text) => Ok(text.parse()?),
        Toml::Datetime(instant) => Ok(instant.to_string().parse()?),
        other => Ok(other.type_str().parse()?),
    }
}

/// A positive duration such as `5m`, in seconds.
///
/// # Errors
/// [`Problem::InvalidDuration`].
pub(crate) fn read_duration(text: &str) -> Result<i64, Problem> {
    let seconds = || {
        let unit = text.chars().next_back()?;
        let unit_seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let digits = text.strip_suffix(unit)?;
        let number: i64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        let seconds = number.checked_mul(unit_seconds)?;
        (1..=MAX_SECONDS).contains(&seconds).then_some(seconds)
    };
    seconds().ok_or_else(|| Problem::InvalidDuration(text.chars().take(64).collect()))
}

/// The SHA-256 of a root.
///
/// # Errors
/// [`Problem::InvalidRoot`].
pub(crate) fn read_root(text: &str) -> Result<[u8; 32], Problem> {
    read_sha256(text).ok_or_else(|| Problem::InvalidRoot(text.chars().take(128).collect()))
}

/// The digest of a verifying key.
pub(crate) fn read_verifying_key(text: &str) -> Result<[u8; 32], Problem> {
    read_sha256(text).ok_or_else(|| Problem::InvalidVerifyingKey(text.chars().take(128).collect()))
}

/// 64 hex digits.
fn read_sha256(text: &str) -> Option<[u8; 32]> {
    match ClaimType::Hex(32).read(text) {
        Ok(Value::Hex(bytes)) => <[u8; 32]>::try_from(&*bytes).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_result::claims::{ClaimType, Value};
    use toml::Value as Toml;

    use super::{read_duration, read_instant, read_root, read_value, read_value_or_list};
    use crate::Problem;

    fn toml(text: &str) -> Toml {
        toml::from_str::<toml::Table>(&format!("v = {text}")).unwrap().remove("v").unwrap()
    }

    #[test]
    fn every_type_has_its_literal() {
        let instant = "2026-01-01T00:00:00Z".parse().unwrap();
        for (claim_type, text, value) in [
            (ClaimType::Bool, "true", Value::Bool(true)),
            (ClaimType::Int, "23", Value::Int(23)),
            (ClaimType::Text, "\"23\"", Value::from("23")),
            (ClaimType::HexOrText, "\"AB01\"", Value::from("AB01")),
            (ClaimType::Hex(2), "\"AB01\"", Value::from([0xab, 1].as_slice())),
            (ClaimType::Hex(0), "\"\"", Value::from([].as_slice())),
            (ClaimType::Mask, "0x1f", Value::Mask(31)),
            (ClaimType::Mask, "\"000000000000001f\"", Value::Mask(31)),
            (ClaimType::Time, "\"2026-01-01T01:00:00+01:00\"", Value::Time(instant)),
            (ClaimType::Time, "2026-01-01 00:00:00Z", Value::Time(instant)),
            (ClaimType::ListText, "[\"a\", \"b\"]", Value::List(vec!["a".into(), "b".into()])),
            (ClaimType::ListInt, "[]", Value::List(vec![])),
        ] {
            assert_eq!(read_value_or_list("x", claim_type, &toml(text)), Ok(value), "{claim_type} {text}");
        }
    }

    #[test]
    fn another_toml_type_is_named() {
        for (claim_type, text, found) in [
            (ClaimType::Bool, "\"true\"", "string"),
            (ClaimType::Bool, "1", "integer"),
            (ClaimType::Int, "\"1\"", "string"),
            (ClaimType::Int, "1.0", "float"),
            (ClaimType::Text, "1", "integer"),
            (ClaimType::Hex(2), "0xab01", "integer"),
            (ClaimType::Mask, "true", "boolean"),
            (ClaimType::Time, "1767225600", "integer"),
            (ClaimType::Text, "[\"a\"]", "array"),
            (ClaimType::ListText, "\"a\"", "string"),
            (ClaimType::Text, "{ a = 1 }", "table"),
        ] {
            let problem = read_value_or_list("x", claim_type, &toml(text)).unwrap_err();
            assert_eq!(problem, Problem::ValueType { claim: "x".into(), claim_type, found }, "{claim_type} {text}");
        }
    }

    #[test]
    fn other_spellings_are_named() {
        for (claim_type, text) in [
            (ClaimType::Int, "-1"),
            (ClaimType::Mask, "-1"),
            (ClaimType::Mask, "\"1f\""),
            (ClaimType::Hex(2), "\"ab\""),
            (ClaimType::Hex(2), "\"zz01\""),
            (ClaimType::Time, "\"yesterday\""),
            (ClaimType::Time, "2026-01-01T00:00:00"),
            (ClaimType::Time, "2026-01-01"),
            (ClaimType::ListHex(1), "[\"ab\", \"abab\"]"),
        ] {
            let problem = read_value_or_list("x", claim_type, &toml(text)).unwrap_err();
            assert!(matches!(problem, Problem::ValueInvalid { .. }), "{claim_type} {text}: {problem}");
        }
        assert!(read_value("x", ClaimType::ListInt, &toml("[1]")).is_err(), "members are no lists");
    }

    #[test]
    fn instants_need_an_offset() {
        assert_eq!(read_instant(&toml("2026-01-01T00:00:00Z")), read_instant(&toml("\"2026-01-01T00:00:00Z\"")));
        for text in ["2026-01-01", "2026-01-01T00:00:00", "\"soon\"", "1", "true"] {
            assert!(matches!(read_instant(&toml(text)), Err(Problem::InvalidTime(_))), "{text}");
        }
    }

    #[test]
    fn durations_have_one_unit() {
        for (text, seconds) in [("1s", 1), ("5m", 300), ("2h", 7_200), ("3650d", 315_360_000)] {
            assert_eq!(read_duration(text), Ok(seconds));
        }
        for text in ["", "m", "5", "0m", "-5m", "+5m", "5 m", "1h30m", "5M", "3651d", "99999999999999999999s", "5µ"] {
            assert_eq!(read_duration(text), Err(Problem::InvalidDuration(text.into())), "{text}");
        }
    }

    #[test]
    fn roots_are_32_bytes() {
        assert_eq!(read_root(&"aB".repeat(32)), Ok([0xab; 32]));
        for text in ["", "ab", &"ab".repeat(33), &"zz".repeat(32)] {
            assert!(matches!(read_root(text), Err(Problem::InvalidRoot(_))), "{text}");
        }
    }
}
