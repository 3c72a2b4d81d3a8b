//! Key names: who signs. In: text; out: a name that may stand in a signature line and in a verifier key. C2SP
//! signed-note, section "Format".

use std::fmt;

/// The name of a key, such as `example.com/log`. Not empty; no Unicode space, no `+`, no control character.
///
/// A log's key name need not be its origin (`sum.golang.org` signs for `go.sum database tree`).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName(String);

impl KeyName {
    /// A name from text.
    ///
    /// # Errors
    /// [`InvalidKeyName`].
    pub fn new(name: &str) -> Result<Self, InvalidKeyName> {
        if name.is_empty() {
            return Err(InvalidKeyName::Empty);
        }
        match name.chars().find(|&c| c.is_whitespace() || c == '+' || c < ' ') {
            Some(character) => Err(InvalidKeyName::Character { character }),
            None => Ok(Self(name.to_owned())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a key name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyName {
    /// It has no characters.
    #[error("the key name is empty")]
    Empty,
    /// It has a space, a plus sign or a control character.
    #[error("the key name has the character {character:?}")]
    Character {
        /// The first such character.
        character: char,
    },
}

#[cfg(test)]
mod tests {
    use super::{InvalidKeyName, KeyName};

    #[test]
    fn names_are_one_word_without_plus() {
        for name in ["example.com/log", "PeterNeumann", "żółw.example", "—"] {
            assert_eq!(KeyName::new(name).map(|name| name.to_string()), Ok(name.to_owned()));
        }
        assert_eq!(KeyName::new(""), Err(InvalidKeyName::Empty));
        for character in [' ', '\t', '\n', '+', '\0', '\u{a0}', '\u{2003}', '\u{85}', '\u{1f}'] {
            let name = format!("a{character}b");
            assert_eq!(KeyName::new(&name), Err(InvalidKeyName::Character { character }));
        }
    }
}
