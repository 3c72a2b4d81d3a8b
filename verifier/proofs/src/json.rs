//! Strict JSON. In: the bytes of a document; out: its values, or why it is not read. serde_json does the grammar; what it
//! lets pass is refused here: a key that stands twice (readers differ on which counts), bytes after the value, nesting
//! beyond what the formats have, and the types that they never use.
//!
//! Specification: RFC 8259, with unique names as I-JSON has it (RFC 7493, section 2.3).

use std::{cell::Cell, collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{Document, Place, ProofError};

/// How deep lists and objects may nest; `vk_alphabeta_12` of a verifying key is the deepest.
const MAX_DEPTH: usize = 4;

/// Why a document is not JSON as it is read here.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// It breaks JSON's grammar, or ends too early, or is not UTF-8.
    #[error("not JSON at line {line}, column {column}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The byte in the line.
        column: usize,
    },
    /// A value of a type that the formats do not use: null, a boolean, a number that is negative or no integer.
    #[error("a null, a boolean, or a number that is no unsigned integer, at line {line}, column {column}")]
    ForeignType {
        /// The line, from 1.
        line: usize,
        /// The byte in the line.
        column: usize,
    },
    /// A name stands twice in one object.
    #[error("the name `{name}` stands twice in one object")]
    DuplicateName {
        /// The name, cut to [`JsonFault::MAX_NAME`] characters.
        name: String,
    },
    /// Lists and objects are nested too deeply.
    #[error("lists and objects are nested more than {max} deep")]
    TooDeep {
        /// The cap.
        max: usize,
    },
    /// Something other than white space follows the value.
    #[error("bytes follow the JSON value")]
    TrailingBytes,
}

impl JsonFault {
    /// How many characters of a stranger's name a refusal repeats.
    pub const MAX_NAME: usize = 64;

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "proof.json_syntax",
            Self::ForeignType { .. } => "proof.json_type",
            Self::DuplicateName { .. } => "proof.json_duplicate_name",
            Self::TooDeep { .. } => "proof.json_too_deep",
            Self::TrailingBytes => "proof.json_trailing_bytes",
        }
    }
}

/// A name out of a document, cut so that a refusal stays small.
pub(crate) fn cut(name: &str) -> String {
    name.chars().take(JsonFault::MAX_NAME).collect()
}

/// The JSON that the formats use.
pub(crate) enum Value {
    Text(String),
    Number(u64),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

/// Reads a document within its cap.
pub(crate) fn parse(document: Document, bytes: &[u8]) -> Result<Value, ProofError> {
    let max = document.max_bytes();
    if bytes.len() > max {
        return Err(ProofError::TooLarge { document, bytes: bytes.len(), max });
    }
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: MAX_DEPTH, fault: &fault }
        .deserialize(&mut reader)
        .map_err(|error| fault.take().unwrap_or_else(|| from_serde(&error)))
        .and_then(|value| reader.end().map(|()| value).map_err(|_| JsonFault::TrailingBytes));
    value.map_err(|fault| ProofError::Json { document, fault })
}

fn from_serde(error: &serde_json::Error) -> JsonFault {
    let (line, column) = (error.line(), error.column());
    if error.is_data() { JsonFault::ForeignType { line, column } } else { JsonFault::Syntax { line, column } }
}

/// Reads one value. serde carries errors as text, so our own leave their facts in `fault`.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<Option<JsonFault>>,
}

impl Strict<'_> {
    fn fail<E: serde::de::Error>(self, fault: JsonFault) -> E {
        let error = E::custom(&fault);
        self.fault.set(Some(fault));
        error
    }

    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.fail(JsonFault::TooDeep { max: MAX_DEPTH })),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an unsigned integer, a list or an object")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = BTreeMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.fail(JsonFault::DuplicateName { name: cut(&name) }));
            }
            object.insert(name, entries.next_value_seed(inside)?);
        }
        Ok(Value::Object(object))
    }
}

/// An object whose fields are taken one by one; what is left over is an error.
pub(crate) struct Fields {
    document: Document,
    fields: BTreeMap<String, Value>,
}

impl Fields {
    /// Reads a document that must be an object.
    pub(crate) fn parse(document: Document, bytes: &[u8]) -> Result<Self, ProofError> {
        match parse(document, bytes)? {
            Value::Object(fields) => Ok(Self { document, fields }),
            _ => Err(ProofError::Shape { place: Place::whole(document), need: "an object" }),
        }
    }

    pub(crate) const fn document(&self) -> Document {
        self.document
    }

    pub(crate) fn optional(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field)
    }

    pub(crate) fn take(&mut self, field: &'static str) -> Result<Value, ProofError> {
        self.optional(field).ok_or(ProofError::FieldMissing { document: self.document, field })
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Result<String, ProofError> {
        match self.take(field)? {
            Value::Text(text) => Ok(text),
            _ => Err(ProofError::Shape { place: Place::field(self.document, field), need: "a string" }),
        }
    }

    pub(crate) fn number(&mut self, field: &'static str) -> Result<u64, ProofError> {
        match self.take(field)? {
            Value::Number(number) => Ok(number),
            _ => Err(ProofError::Shape { place: Place::field(self.document, field), need: "an unsigned integer" }),
        }
    }

    pub(crate) fn list(&mut self, field: &'static str) -> Result<Vec<Value>, ProofError> {
        match self.take(field)? {
            Value::List(list) => Ok(list),
            _ => Err(ProofError::Shape { place: Place::field(self.document, field), need: "a list" }),
        }
    }

    pub(crate) fn finish(self) -> Result<(), ProofError> {
        match self.fields.into_keys().next() {
            None => Ok(()),
            Some(field) => Err(ProofError::FieldUnknown { document: self.document, field: cut(&field) }),
        }
    }
}
