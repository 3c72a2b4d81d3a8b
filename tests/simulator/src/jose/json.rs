//! JSON that is written, never read. Members keep their order, and one may stand twice.

use std::fmt::{self, Write};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
    /// This very text.
    Raw(String),
}

impl Json {
    /// An object with these members.
    #[must_use]
    pub fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// What stands at a path: names of members, with `/` between them.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Self> {
        let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let Self::Object(members) = self else { return None };
        let (_, value) = members.iter().find(|(known, _)| known == name)?;
        rest.map_or(Some(value), |rest| value.get(rest))
    }

    /// Puts a value at a path, in place of one that stands there or behind the others.
    ///
    /// # Panics
    /// When the path leads through what is no object.
    #[expect(clippy::panic, reason = "a test that changes nothing would test nothing")]
    pub fn set(&mut self, path: &str, value: impl Into<Self>) -> &mut Self {
        let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let Self::Object(members) = self else { panic!("`{path}` leads through what is no object") };
        match (members.iter_mut().find(|(known, _)| known == name), rest) {
            (Some((_, member)), Some(rest)) => _ = member.set(rest, value),
            (Some((_, member)), None) => *member = value.into(),
            (None, Some(_)) => panic!("there is no `{name}`"),
            (None, None) => members.push((name.to_owned(), value.into())),
        }
        self
    }

    /// Puts the members of another object behind these.
    ///
    /// # Panics
    /// When either is no object.
    #[expect(clippy::panic, reason = "a test that changes nothing would test nothing")]
    pub fn merge(&mut self, other: Self) -> &mut Self {
        let (Self::Object(members), Self::Object(others)) = (&mut *self, other) else { panic!("no object") };
        members.extend(others);
        self
    }

    /// Takes away what stands at a path.
    ///
    /// # Panics
    /// When nothing stands there.
    #[expect(clippy::panic, reason = "a test that changes nothing would test nothing")]
    pub fn remove(&mut self, path: &str) -> &mut Self {
        let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let Self::Object(members) = self else { panic!("`{path}` leads through what is no object") };
        let Some(place) = members.iter().position(|(known, _)| known == name) else { panic!("there is no `{name}`") };
        match (rest, members.get_mut(place)) {
            (Some(rest), Some((_, member))) => _ = member.remove(rest),
            _ => _ = members.remove(place),
        }
        self
    }

    /// Puts a member behind the others of the object at a path (`""` is this one), even if it has one of that name.
    ///
    /// # Panics
    /// When no object stands there.
    #[expect(clippy::panic, reason = "a test that changes nothing would test nothing")]
    pub fn append(&mut self, path: &str, name: &str, value: impl Into<Self>) -> &mut Self {
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let Self::Object(members) = self else { panic!("no object stands at `{path}`") };
        if path.is_empty() {
            members.push((name.to_owned(), value.into()));
        } else {
            let member = members.iter_mut().find(|(known, _)| known == first);
            let Some((_, member)) = member else { panic!("there is no `{first}`") };
            member.append(rest, name, value);
        }
        self
    }

    /// The path of every value that is no object, lists as one.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let Self::Object(members) = self else { return Vec::new() };
        let paths = members.iter().flat_map(|(name, value)| match value {
            Self::Object(_) => value.paths().into_iter().map(|path| format!("{name}/{path}")).collect(),
            _ => vec![name.clone()],
        });
        paths.collect()
    }
}

/// Without white space.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => quoted(f, text),
            Self::Raw(text) => f.write_str(text),
            Self::List(members) => {
                f.write_char('[')?;
                members.iter().enumerate().try_for_each(|(place, member)| {
                    f.write_str(if place == 0 { "" } else { "," })?;
                    member.fmt(f)
                })?;
                f.write_char(']')
            }
            Self::Object(members) => {
                f.write_char('{')?;
                members.iter().enumerate().try_for_each(|(place, (name, value))| {
                    f.write_str(if place == 0 { "" } else { "," })?;
                    quoted(f, name)?;
                    f.write_char(':')?;
                    value.fmt(f)
                })?;
                f.write_char('}')
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            '\0'..='\u{1F}' => write!(f, "\\u{:04x}", u32::from(letter))?,
            _ => f.write_char(letter)?,
        }
    }
    f.write_char('"')
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Json>> for Json {
    fn from(members: Vec<Json>) -> Self {
        Self::List(members)
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn members_are_changed_by_path_and_written_in_order() {
        let mut json = Json::object([("b", Json::object([("x", 1.into())])), ("a", "q\"\n".into())]);
        assert_eq!(json.to_string(), r#"{"b":{"x":1},"a":"q\"\u000a"}"#);
        assert_eq!(json.paths(), ["b/x", "a"]);
        json.set("b/x", true).set("c", Json::Null).remove("a").append("b", "x", vec![Json::Raw("1e3".to_owned())]);
        assert_eq!(json.to_string(), r#"{"b":{"x":true,"x":[1e3]},"c":null}"#);
        assert_eq!((json.get("b/x"), json.get("b/y")), (Some(&Json::Bool(true)), None));
    }

    #[test]
    #[should_panic(expected = "there is no `x`")]
    fn what_is_not_there_cannot_be_taken_away() {
        Json::object([]).remove("x");
    }
}
