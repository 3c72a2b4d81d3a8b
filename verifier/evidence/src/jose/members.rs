//! Members of a token's payload, each of the type that it must be: claims by the dictionary's types, and what goes into no claim.
//!
//! In: an object, and the name of a member. Out: its value; nothing where it is absent or null, and a reason where it is of
//! another type. Members that nobody asks for are signed and not looked at.

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimName, Claims, Value},
};
use serde::Deserialize;

use crate::{
    json::{Node, Object},
    json_claims,
};

/// One text, or a list of them: some issuers write a list of one as the text alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Texts {
    /// A text alone.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Texts {
    /// The texts.
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }

    /// The text, where it stands alone and in no list.
    pub(crate) fn alone(&self) -> Option<&str> {
        match self {
            Self::One(text) => Some(text),
            Self::Many(_) => None,
        }
    }

    /// As a claim.
    pub(crate) fn to_list(&self) -> Vec<Value> {
        self.as_slice().iter().map(|text| Value::from(text.as_str())).collect()
    }
}

/// Claims a member, if it is there.
pub(crate) fn claim(
    claims: &mut Claims,
    object: &Object<'_>,
    name: &str,
    claim: impl Into<ClaimName>,
) -> Result<(), Reason> {
    json_claims::claim(claims, object, name, claim).map_err(|error| malformed(&error))
}

/// Claims the members of a table that are there.
pub(crate) fn claim_all<N: Copy + Into<ClaimName>>(
    claims: &mut Claims,
    object: &Object<'_>,
    members: &[(&str, N)],
) -> Result<(), Reason> {
    members.iter().try_for_each(|(name, id)| claim(claims, object, name, *id))
}

/// A text.
pub(crate) fn text<'o>(object: &'o Object<'_>, name: &str) -> Result<Option<&'o str>, Reason> {
    member(object, name, "text", Node::as_text)
}

/// A text that must be there.
pub(crate) fn needed_text<'o>(object: &'o Object<'_>, name: &str) -> Result<&'o str, Reason> {
    text(object, name)?.ok_or_else(|| malformed(&format_args!("there is no `{name}`")))
}

/// A text alone or several.
pub(crate) fn texts(object: &Object<'_>, name: &str) -> Result<Option<Texts>, Reason> {
    member(object, name, "text or list of texts", |node| match node {
        Node::Text(text) => Some(Texts::One(text.to_string())),
        Node::List(list) => {
            list.iter().map(|text| text.as_text().map(str::to_owned)).collect::<Option<_>>().map(Texts::Many)
        }
        _ => None,
    })
}

/// True or false.
pub(crate) fn flag(object: &Object<'_>, name: &str) -> Result<Option<bool>, Reason> {
    member(object, name, "bool", |node| match node {
        Node::Bool(value) => Some(*value),
        _ => None,
    })
}

/// Members of its own.
pub(crate) fn object<'o, 'a>(object: &'o Object<'a>, name: &str) -> Result<Option<&'o Object<'a>>, Reason> {
    member(object, name, "object", Node::as_object)
}

/// A list of objects; an empty one where there is none.
pub(crate) fn objects<'o, 'a>(object: &'o Object<'a>, name: &str) -> Result<Vec<&'o Object<'a>>, Reason> {
    let list = member(object, name, "list of objects", |node| match node {
        Node::List(list) => list.iter().map(Node::as_object).collect::<Option<Vec<_>>>(),
        _ => None,
    })?;
    Ok(list.unwrap_or_default())
}

/// So many bytes, in hex.
pub(crate) fn hex<const N: usize>(object: &Object<'_>, name: &str) -> Result<Option<[u8; N]>, Reason> {
    member(object, name, "hex of its length", |node| {
        let mut bytes = [0; N];
        hex::decode_to_slice(node.as_text()?, &mut bytes).ok().map(|()| bytes)
    })
}

/// Bytes in base64 with padding, which must be there.
pub(crate) fn needed_base64(object: &Object<'_>, name: &str) -> Result<Vec<u8>, Reason> {
    let text = needed_text(object, name)?;
    STANDARD.decode(text).map_err(|error| malformed(&format_args!("`{name}` is not base64: {error}")))
}

fn member<'o, 'a, T>(
    object: &'o Object<'a>,
    name: &str,
    need: &'static str,
    read: impl FnOnce(&'o Node<'a>) -> Option<T>,
) -> Result<Option<T>, Reason> {
    let wrong = || malformed(&format_args!("`{name}` is no {need}"));
    object.get(name).map(|node| read(node).ok_or_else(wrong)).transpose()
}

fn malformed(why: &dyn std::fmt::Display) -> Reason {
    Reason::new(ReasonCode::TokenMalformed, format!("the token's claims cannot be read: {why}"))
}
