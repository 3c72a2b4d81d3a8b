//! The compact serialisation of a JSON Web Signature (RFC 7515, section 7.1), read strictly.
//!
//! In: bytes. Out: [`Compact`]: header, payload and signature, none of them believed. Three parts in base64url without
//! padding, one way to spell each; nothing before, between or behind them. Members of the header that would have keys taken
//! from where the token says are read so that they can be refused; those that nobody must understand are left alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prooftrail_result::{Reason, ReasonCode};
use serde::{Deserialize, de::IgnoredAny};

use super::algorithm::Algorithm;
use crate::json::{self, JsonError, Object};

/// A token beyond this is refused unread; genuine ones have at most a third of it.
pub(crate) const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// No issuer sends a longer chain in a token.
const MAX_X5C: usize = 8;

/// A token that has the form.
#[derive(Clone, Debug)]
pub(crate) struct Compact<'a> {
    /// The whole text.
    pub(crate) text: &'a [u8],
    /// What is signed: header and payload as they are spelt, with the dot between.
    pub(crate) signed: &'a [u8],
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A JOSE header, as far as it is read (RFC 7515, section 4.1).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Header {
    alg: String,
    /// The key's id.
    pub(crate) kid: Option<String>,
    /// Where the token says its keys are. It is never followed.
    pub(crate) jku: Option<String>,
    /// The chain of the signing key, leaf first, in base64.
    pub(crate) x5c: Option<Vec<String>>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
}

impl<'a> Compact<'a> {
    /// Reads a token.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Reason> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Reason::from(ReasonCode::EvidenceTooLarge)
                .have(format_args!("a token of {} bytes", text.len()))
                .need(format_args!("at most {MAX_TOKEN_BYTES} bytes")));
        }
        let mut parts = text.split(|&byte| byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::new(ReasonCode::JwsMalformed, "a token has three parts with a dot between each two"));
        };
        let signed = text.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let part = |part: &[u8], name: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|error| {
                let detail = format!("the {name} is not base64url without padding: {error}");
                Reason::new(ReasonCode::JwsMalformed, detail)
            })
        };
        let header = Header::read(&part(header, "header")?)?;
        Ok(Self { text, signed, header, payload: part(payload, "payload")?, signature: part(signature, "signature")? })
    }

    /// The algorithm, if it is one that the issuer uses.
    pub(crate) fn algorithm(&self, allowed: &[Algorithm]) -> Result<Algorithm, Reason> {
        Algorithm::named(&self.header.alg).filter(|algorithm| allowed.contains(algorithm)).ok_or_else(|| {
            let names: Vec<_> = allowed.iter().map(|algorithm| algorithm.as_str()).collect();
            Reason::from(ReasonCode::JwsAlgorithm).have(&self.header.alg).need(names.join(", "))
        })
    }

    /// The payload as an object whose members are looked up by name.
    pub(crate) fn object(&self) -> Result<Object<'_>, Reason> {
        Object::read(&self.payload).map_err(unreadable)
    }
}

fn unreadable(error: JsonError) -> Reason {
    match error {
        JsonError::DuplicateKey(why) => Reason::new(ReasonCode::TokenDuplicateClaim, why),
        JsonError::Malformed(why) | JsonError::Shape(why) => {
            Reason::new(ReasonCode::TokenMalformed, format!("the token's claims cannot be read: {why}"))
        }
    }
}

impl Header {
    fn read(json: &[u8]) -> Result<Self, Reason> {
        let refused = |why: String| Reason::new(ReasonCode::JwsHeader, why);
        let header: Self = json::read(json).map_err(|error| match error {
            JsonError::DuplicateKey(why) | JsonError::Malformed(why) | JsonError::Shape(why) => {
                refused(format!("the token's header cannot be read: {why}"))
            }
        })?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(refused(
                "the header has members that no issuer here uses and that must be understood".to_owned(),
            ));
        }
        if header.x5c.as_ref().is_some_and(|chain| chain.is_empty() || chain.len() > MAX_X5C) {
            return Err(refused(format!("the header's chain has no certificate, or more than {MAX_X5C}")));
        }
        Ok(header)
    }

    /// Checks that keys are not to be taken from the token itself, or from where it says.
    pub(super) fn check_key_source(&self) -> Result<(), Reason> {
        if self.jwk.is_none() && self.x5u.is_none() {
            return Ok(());
        }
        Err(Reason::new(ReasonCode::TokenKeySource, "the token brings its own key, or says where to fetch it"))
    }

    /// Checks that the place of the keys that the token names, if it names one, is the issuer's own. It is not followed even
    /// then.
    pub(crate) fn check_jku(&self, places: &[&str]) -> Result<(), Reason> {
        match &self.jku {
            Some(jku) if !places.contains(&jku.as_str()) => {
                Err(Reason::from(ReasonCode::TokenKeySource).have(jku).need(places.join(", ")))
            }
            _ => Ok(()),
        }
    }
}
