//! JSON from outside (RFC 8259), read strictly: no key twice in any object, at any depth, and nothing after the value.
//!
//! In: bytes whose size the caller has capped. Out: a typed value, or why there is none. Readers disagree on which of two
//! equal keys counts, so a signed text that has them would mean different things to different verifiers; serde alone
//! notices only the keys that a type names. Depth is serde_json's own limit (128).

mod tree;

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

pub(crate) use tree::{Node, Object};

/// Why a text was refused. The sentences name what was wrong, in at most some hundred characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum JsonError {
    /// It is not JSON.
    Malformed(String),
    /// An object has a key twice.
    DuplicateKey(String),
    /// It is JSON of another form.
    Shape(String),
}

/// Reads one value.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, JsonError> {
    if let Err(error) = serde_json::from_slice::<Strict>(text) {
        // Every value fits `Strict`, so that the one objection to data is its own.
        return Err(if error.is_data() {
            JsonError::DuplicateKey(bounded(&error))
        } else {
            JsonError::Malformed(bounded(&error))
        });
    }
    serde_json::from_slice(text).map_err(|error| JsonError::Shape(bounded(&error)))
}

/// serde_json quotes what it found, which may be long.
fn bounded(error: &serde_json::Error) -> String {
    error.to_string().chars().take(200).collect()
}

/// Any JSON value without duplicate keys; nothing is kept of it.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
        while members.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, Strict)) = members.next_entry::<String, Strict>()? {
            if let Some(key) = keys.replace(key) {
                return Err(A::Error::custom(format_args!("the key `{key}` stands twice in one object")));
            }
        }
        Ok(Strict)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{JsonError, read};

    #[test]
    fn a_key_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"b":{"a":1,"c":2,"a":3}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            let error = read::<serde_json::Value>(text.as_bytes()).expect_err(text);
            assert!(matches!(error, JsonError::DuplicateKey(_)), "{text}: {error:?}");
        }
        let read = read::<BTreeMap<String, BTreeMap<String, i8>>>(br#"{"a":{"a":1},"b":{"a":-2}}"#).expect("distinct");
        assert_eq!(read["b"]["a"], -2);
    }

    #[test]
    fn what_is_no_json_and_what_is_another_form_are_told_apart() {
        let deep = "[".repeat(200);
        for text in ["", "{", "{} x", "{'a':1}", "\u{feff}{}", &deep] {
            assert!(matches!(read::<serde_json::Value>(text.as_bytes()), Err(JsonError::Malformed(_))), "{text}");
        }
        assert!(matches!(read::<Vec<u8>>(br#"{"a":1.5e3}"#), Err(JsonError::Shape(_))));
        let long = format!("\"{}\"", "x".repeat(5000));
        let Err(JsonError::Shape(sentence)) = read::<u8>(long.as_bytes()) else { panic!("not a number") };
        assert_eq!(sentence.chars().count(), 200);
    }
}
