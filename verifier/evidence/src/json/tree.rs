//! JSON whose members are looked up by name: what a token says, of which only some is known here.
//!
//! In: bytes whose size the caller has capped. Out: a [`Node`], which borrows what it can, in one pass. The rules are those
//! of [`super`]: no key twice in any object, at any depth, in any spelling, and nothing after the value. Members are sorted
//! so that equal ones meet and any is found quickly.

use std::{borrow::Cow, cmp::Ordering, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::{JsonError, bounded};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    /// A whole number that is not negative, without fraction and exponent.
    Whole(u64),
    /// Any other number; nothing that is claimed is one.
    OtherNumber,
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// Members by name, sorted by [`compare`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Object<'a> {
    /// Reads one object.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, JsonError> {
        match Node::read(text)? {
            Node::Object(object) => Ok(object),
            _ => Err(JsonError::Shape("it is no object".to_owned())),
        }
    }

    /// The member of that name; a null is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        let place = self.0.binary_search_by(|(known, _)| compare(known, name)).ok()?;
        self.0.get(place).map(|(_, node)| node).filter(|node| **node != Node::Null)
    }

    /// The member of that name, where it is an object.
    pub(crate) fn object(&self, name: &str) -> Option<&Self> {
        self.get(name).and_then(Node::as_object)
    }

    /// The member of that name, where it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Node::as_text)
    }

    /// The member of that name, where it is true or false.
    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Node::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Every member, sorted by name, to be taken apart.
    pub(crate) fn into_members(mut self) -> impl Iterator<Item = (Cow<'a, str>, Node<'a>)> {
        self.0.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.0.into_iter()
    }

    /// Every member, sorted by name.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Node<'a>)> {
        let mut members: Vec<_> = self.0.iter().map(|(name, node)| (name.as_ref(), node)).collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        members.into_iter()
    }
}

/// Shorter names first: most differ in length, and many that do not begin alike.
fn compare(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl<'a> Node<'a> {
    /// Reads one value.
    pub(crate) fn read(text: &'a [u8]) -> Result<Self, JsonError> {
        // Of text that is UTF-8 as a whole, each string is.
        let read = match str::from_utf8(text) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(text),
        };
        read.map_err(|error| {
            // Every value is a node, so that the one objection to data is our own.
            if error.is_data() {
                JsonError::DuplicateKey(bounded(&error))
            } else {
                JsonError::Malformed(bounded(&error))
            }
        })
    }

    /// The members, where it is an object.
    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node<'de>, E> {
        Ok(Node::OtherNumber)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Whole(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node<'de>, E> {
        Ok(Node::OtherNumber)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Node<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_element()? {
            list.push(member);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node<'de>, A::Error> {
        let mut object: Vec<(Cow<'de, str>, Node<'de>)> = Vec::new();
        while let Some((Name(name), node)) = members.next_entry()? {
            object.push((name, node));
        }
        object.sort_unstable_by(|(a, _), (b, _)| compare(a, b));
        let twice = object.array_windows().filter(|[(a, _), (b, _)]| a == b).map(|[(name, _), _]| name).min();
        if let Some(name) = twice {
            return Err(A::Error::custom(format_args!("the key `{name}` stands twice in one object")));
        }
        Ok(Node::Object(Object(object)))
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, Node, Object};

    #[test]
    fn members_are_found_by_name_whatever_their_order_and_spelling() {
        let object = Object::read(br#"{"z":1,"a":{"b":[true,"x",null]},"\u0062":"y\n","n":null,"m":-1,"ab":1.0}"#);
        let object = object.expect("an object");
        assert_eq!(object.get("z"), Some(&Node::Whole(1)));
        assert_eq!(object.text("b"), Some("y\n"));
        assert_eq!(object.get("n"), None, "null is none");
        assert_eq!((object.get("m"), object.get("ab")), (Some(&Node::OtherNumber), Some(&Node::OtherNumber)));
        let list = object.object("a").and_then(|inner| inner.get("b"));
        assert_eq!(list, Some(&Node::List(vec![Node::Bool(true), Node::Text("x".into()), Node::Null])));
        assert_eq!((object.object("z"), object.bool("z"), object.get("zz")), (None, None, None));
        assert_eq!(object.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "ab", "b", "m", "n", "z"]);
        assert!(object.clone().into_members().map(|(name, _)| name).is_sorted());
    }

    #[test]
    fn a_key_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"b":{"a":1,"c":2,"a":3}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            let error = Object::read(text.as_bytes()).expect_err(text);
            assert!(matches!(error, JsonError::DuplicateKey(_)), "{text}: {error:?}");
        }
        let error = Object::read(br#"{"b":1,"b":2,"aa":3,"aa":4}"#).expect_err("two of them");
        assert!(matches!(error, JsonError::DuplicateKey(why) if why.contains("`aa`")), "the first in order is named");
    }

    #[test]
    fn what_is_no_object_says_so() {
        let deep = format!("{{\"a\":{}", "[".repeat(200));
        for text in ["", "{", "{} x", "{'a':1}", "\u{feff}{}", "{\"a\":\"\\ud800\"}", &deep] {
            assert!(matches!(Object::read(text.as_bytes()), Err(JsonError::Malformed(_))), "{text}");
        }
        for text in ["[]", "1", "\"{}\"", "null"] {
            assert!(matches!(Object::read(text.as_bytes()), Err(JsonError::Shape(_))), "{text}");
        }
    }
}
