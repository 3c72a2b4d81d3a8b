//! Distinguished names (RFC 5280, section 4.1.2.4): attributes in order come in; DER, or the text of RFC 4514, goes out.

use std::fmt;

use super::oid;
use crate::der::{self, Oid};

/// A name: one attribute in each relative distinguished name, in the order of the DER.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Name(pub Vec<Attribute>);

/// One attribute of a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// What is named, such as [`oid::COMMON_NAME`].
    pub oid: Oid,
    /// The type of its string.
    pub string: AttributeString,
    /// Its value.
    pub text: String,
}

/// The string types of the names that occur here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttributeString {
    /// PrintableString.
    Printable,
    /// UTF8String.
    Utf8,
}

impl Name {
    /// A name with these attributes; a country and a serial number are PrintableStrings, as RFC 5280 demands, and the others
    /// are UTF-8.
    #[must_use]
    pub fn new(attributes: &[(Oid, &str)]) -> Self {
        let attribute = |(oid, text): &(Oid, &str)| Attribute {
            oid,
            string: if [oid::COUNTRY, oid::SERIAL_NUMBER].contains(oid) {
                AttributeString::Printable
            } else {
                AttributeString::Utf8
            },
            text: (*text).to_owned(),
        };
        Self(attributes.iter().map(attribute).collect())
    }

    /// The value of the first attribute with this identifier, to change it.
    ///
    /// # Panics
    /// When the name has no such attribute.
    #[expect(clippy::expect_used, reason = "a test that changes nothing would test nothing")]
    pub fn attribute_mut(&mut self, oid: Oid) -> &mut String {
        let attribute = self.0.iter_mut().find(|attribute| attribute.oid == oid);
        &mut attribute.expect("the name has that attribute").text
    }

    /// The name in DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        der::sequence(self.0.iter().map(|attribute| {
            let value = match attribute.string {
                AttributeString::Printable => der::printable_string(&attribute.text),
                AttributeString::Utf8 => der::utf8_string(&attribute.text),
            };
            der::set([der::sequence([der::object_identifier(attribute.oid), value])])
        }))
    }
}

/// RFC 4514: the last relative distinguished name first.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attribute) in self.0.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match attribute.oid {
                oid::COMMON_NAME => f.write_str("CN")?,
                oid::COUNTRY => f.write_str("C")?,
                oid::LOCALITY => f.write_str("L")?,
                oid::STATE => f.write_str("ST")?,
                oid::ORGANIZATION => f.write_str("O")?,
                oid::ORGANIZATIONAL_UNIT => f.write_str("OU")?,
                other => f.write_str(&other.iter().map(u64::to_string).collect::<Vec<_>>().join("."))?,
            }
            write!(f, "={}", Escaped(&attribute.text))?;
        }
        Ok(())
    }
}

/// A value with what RFC 4514, section 2.4 escapes.
struct Escaped<'text>(&'text str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.chars().count().saturating_sub(1);
        for (index, character) in self.0.chars().enumerate() {
            let special = match character {
                '"' | '+' | ',' | ';' | '<' | '>' | '\\' => true,
                ' ' => index == 0 || index == last,
                '#' => index == 0,
                _ => false,
            };
            if special {
                f.write_str("\\")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4514_escapes_and_reverses() {
        let name = Name::new(&[(oid::COUNTRY, "US"), (oid::ORGANIZATION, "A, B"), (oid::COMMON_NAME, "#x ")]);
        assert_eq!(name.to_string(), "CN=\\#x\\ ,O=A\\, B,C=US");
    }

    #[test]
    fn an_attribute_changes_in_place() {
        let mut name = Name::new(&[(oid::COUNTRY, "US"), (oid::COMMON_NAME, "a")]);
        *name.attribute_mut(oid::COMMON_NAME) = "b".to_owned();
        assert_eq!(hex::encode(name.der()), "3019310b3009060355040613025553310a300806035504030c0162");
    }
}
