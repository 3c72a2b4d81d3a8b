//! Claim values and their types: kept raw, rendered when printed.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Timestamp;

/// The type that the dictionary gives a claim. `Hex(0)` is hex of any length; other numbers are lengths in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimType {
    /// `true` or `false`.
    Bool,
    /// A JSON number.
    Int,
    /// Text as the vendor spells it.
    Text,
    /// Bytes, as lower-case hex.
    Hex(u8),
    /// Bytes of one vendor, text of another.
    HexOrText,
    /// A 64-bit register, as 16 hex digits, most significant first.
    Mask,
    /// An instant, RFC 3339 in UTC.
    Time,
    /// A list of numbers.
    ListInt,
    /// A list of texts.
    ListText,
    /// A list of byte strings.
    ListHex(u8),
}

impl ClaimType {
    /// The type of a list's members; `None` for what is no list.
    #[must_use]
    pub const fn member(self) -> Option<Self> {
        match self {
            Self::ListInt => Some(Self::Int),
            Self::ListText => Some(Self::Text),
            Self::ListHex(length) => Some(Self::Hex(length)),
            _ => None,
        }
    }

    /// Reads a single value as a person writes it in a policy.
    ///
    /// # Errors
    /// [`InvalidValue`] where the text does not spell a value of this type; lists are read member by member.
    pub fn read(self, text: &str) -> Result<Value, InvalidValue> {
        let invalid = || InvalidValue { text: text.chars().take(256).collect(), claim_type: self };
        match self {
            Self::Bool => text.parse().map(Value::Bool).map_err(|_| invalid()),
            Self::Int => text.parse().map(Value::Int).map_err(|_| invalid()),
            Self::Text | Self::HexOrText => Ok(Value::Text(text.into())),
            Self::Hex(length) => match hex::decode(text) {
                Ok(bytes) if length == 0 || bytes.len() == usize::from(length) => Ok(Value::Hex(bytes.into())),
                _ => Err(invalid()),
            },
            Self::Mask if text.len() == 16 => u64::from_str_radix(text, 16).map(Value::Mask).map_err(|_| invalid()),
            Self::Time => text.parse().map(Value::Time).map_err(|_| invalid()),
            Self::Mask | Self::ListInt | Self::ListText | Self::ListHex(_) => Err(invalid()),
        }
    }
}

/// As the documentation spells types: `hex (48)`, `list text`.
impl fmt::Display for ClaimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Text => f.write_str("text"),
            Self::Hex(0) => f.write_str("hex"),
            Self::Hex(length) => write!(f, "hex ({length})"),
            Self::HexOrText => f.write_str("hex or text"),
            Self::Mask => f.write_str("mask"),
            Self::Time => f.write_str("time"),
            Self::ListInt => f.write_str("list int"),
            Self::ListText => f.write_str("list text"),
            Self::ListHex(0) => f.write_str("list hex"),
            Self::ListHex(length) => write!(f, "list hex ({length})"),
        }
    }
}

/// The value of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(u64),
    /// `text`.
    Text(Box<str>),
    /// `hex`: the bytes in the order in which they stand in the evidence.
    Hex(Box<[u8]>),
    /// `mask`.
    Mask(u64),
    /// `time`, whose source has whole seconds.
    Time(Timestamp),
    /// `time`, whose source has milliseconds.
    TimeMillis(Timestamp),
    /// `list`.
    List(Vec<Value>),
}

impl Value {
    /// Whether this is a value of that type.
    #[must_use]
    pub fn has_type(&self, claim_type: ClaimType) -> bool {
        match (self, claim_type) {
            (Self::Bool(_), ClaimType::Bool)
            | (Self::Int(_), ClaimType::Int)
            | (Self::Text(_), ClaimType::Text | ClaimType::HexOrText)
            | (Self::Hex(_), ClaimType::HexOrText)
            | (Self::Mask(_), ClaimType::Mask)
            | (Self::Time(_) | Self::TimeMillis(_), ClaimType::Time) => true,
            (Self::Hex(bytes), ClaimType::Hex(length)) => length == 0 || bytes.len() == usize::from(length),
            (Self::List(members), list) => {
                list.member().is_some_and(|member| members.iter().all(|value| value.has_type(member)))
            }
            _ => false,
        }
    }

    /// Whether two values are the same to a policy: equal, the same instant, or (for claims that are hex of one vendor
    /// and text of another) bytes and their hex spelling.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hex(bytes), Self::Text(text)) | (Self::Text(text), Self::Hex(bytes)) => spells(text, bytes),
            (Self::Time(a) | Self::TimeMillis(a), Self::Time(b) | Self::TimeMillis(b)) => a == b,
            _ => self == other,
        }
    }
}

/// Whether `text` is the hex spelling of `bytes`, in either case, without allocating.
fn spells(text: &str, bytes: &[u8]) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty()
        && pairs.len() == bytes.len()
        && pairs
            .iter()
            .zip(bytes)
            .all(|(&[high, low], &byte)| digit(high).zip(digit(low)).is_some_and(|(high, low)| high << 4 | low == byte))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(text),
            Self::Hex(bytes) => f.write_str(&hex::encode(bytes)),
            Self::Mask(register) => write!(f, "{register:016x}"),
            Self::Time(instant) => write!(f, "{instant}"),
            Self::TimeMillis(instant) => f.write_str(&instant.to_rfc3339_millis()),
            Self::List(members) => members.iter().enumerate().try_for_each(|(place, member)| {
                f.write_str(if place == 0 { "" } else { "," })?;
                member.fmt(f)
            }),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_u64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(members) => serializer.collect_seq(members),
            Self::Hex(_) | Self::Mask(_) | Self::Time(_) | Self::TimeMillis(_) => serializer.collect_str(self),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Hex(bytes.into())
    }
}

impl From<Timestamp> for Value {
    fn from(instant: Timestamp) -> Self {
        Self::Time(instant)
    }
}

impl From<Vec<Value>> for Value {
    fn from(members: Vec<Value>) -> Self {
        Self::List(members)
    }
}

/// Text that does not spell a value of a claim's type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidValue {
    text: String,
    claim_type: ClaimType,
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not of type {}", self.text, self.claim_type)
    }
}

impl std::error::Error for InvalidValue {}

#[cfg(test)]
mod tests {
    use super::{ClaimType, Value};

    #[test]
    fn values_read_back_as_they_are_printed() {
        for (claim_type, text) in [
            (ClaimType::Bool, "true"),
            (ClaimType::Int, "18446744073709551615"),
            (ClaimType::Text, "1.55.29"),
            (ClaimType::Hex(2), "00ff"),
            (ClaimType::Hex(0), ""),
            (ClaimType::Mask, "000000000003001f"),
            (ClaimType::Time, "2025-01-06T16:07:05Z"),
        ] {
            let value = claim_type.read(text).expect("reads");
            assert!(value.has_type(claim_type));
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for (claim_type, text) in [
            (ClaimType::Bool, "yes"),
            (ClaimType::Int, "-1"),
            (ClaimType::Hex(2), "00f"),
            (ClaimType::Hex(2), "00"),
            (ClaimType::Mask, "3001f"),
            (ClaimType::Time, "yesterday"),
            (ClaimType::ListText, "a"),
        ] {
            assert!(claim_type.read(text).is_err(), "{claim_type} {text}");
        }
    }

    #[test]
    fn hex_and_its_spelling_are_the_same() {
        let bytes = Value::from([0xab, 0x01].as_slice());
        assert!(bytes.is_same(&"ab01".into()) && Value::from("AB01").is_same(&bytes));
        for text in ["ab0", "ab0102", "ab02", "zz01", ""] {
            assert!(!bytes.is_same(&text.into()), "{text}");
        }
    }
}
