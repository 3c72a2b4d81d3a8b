//! Members of claims as issuers spell them: one text or several, bytes in hex or base64, instants.

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

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
}

/// So many bytes, in hex.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; N];
        hex::decode_to_slice(&text, &mut bytes)
            .map_err(|error| D::Error::custom(format_args!("not {N} bytes in hex: {error}")))?;
        Ok(Self(bytes))
    }
}

/// Bytes, in base64 with padding.
#[derive(Clone, Debug)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|error| D::Error::custom(format_args!("not base64: {error}")))
    }
}

/// An instant, as RFC 3339 spells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant(pub(crate) Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| D::Error::custom(format_args!("no RFC 3339 time: {error}")))
    }
}
