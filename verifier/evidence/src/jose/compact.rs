//! The compact serialisation of a JSON Web Signature (RFC 7515, section 7.1), read strictly.
//!
//! In: bytes. Out: [`Compact`]: header, payload and signature, none of them believed. Three parts in base64url without
//! padding, one way to spell each; nothing before, between or behind them. Members of the header that would have keys taken
//! from where the token says are read so that they can be refused; those that nobody must understand are left alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prooftrail_result::{Reason, ReasonCode};

use super::algorithm::Algorithm;
use crate::json::{JsonError, Node, Object};

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
#[derive(Clone, Debug)]
pub(crate) struct Header {
    alg: String,
    /// The key's id.
    pub(crate) kid: Option<String>,
    /// Where the token says its keys are. It is never followed.
    pub(crate) jku: Option<String>,
    /// The chain of the signing key, leaf first, in base64.
    pub(crate) x5c: Option<Vec<String>>,
    /// Whether it brings a key, or says where a certificate is to be fetched.
    has_own_key: bool,
}

impl<'a> Compact<'a> {
    /// Reads a token.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Reason> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Reason::from(ReasonCode::EvidenceTooLarge)
                .have(format_args!("a token of {} bytes", text.len()))
                .need(format_args!("at most {MAX_TOKEN_BYTES} bytes")));
        }
        // Nothing but letters, digits, `-`, `_` and dots stands in a token.
        let mut parts = str::from_utf8(text).unwrap_or_default().split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Reason::new(ReasonCode::JwsMalformed, "a token has three parts with a dot between each two"));
        };
        let signed = text.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let part = |part: &str, name: &str| {
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
        let unread = |why: String| refused(format!("the token's header cannot be read: {why}"));
        let members = Object::read(json).map_err(|error| match error {
            JsonError::DuplicateKey(why) | JsonError::Malformed(why) | JsonError::Shape(why) => unread(why),
        })?;
        if ["crit", "b64"].iter().any(|name| members.get(name).is_some()) {
            let why = "the header has members that no issuer here uses and that must be understood";
            return Err(refused(why.to_owned()));
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text.to_string())),
            Some(_) => Err(unread(format!("`{name}` is no text"))),
        };
        let (alg, kid, jku) = (text("alg")?, text("kid")?, text("jku")?);
        let x5c = match members.get("x5c") {
            None => None,
            Some(Node::List(chain)) if (1..=MAX_X5C).contains(&chain.len()) => {
                let chain: Option<Vec<_>> = chain.iter().map(|text| text.as_text().map(str::to_owned)).collect();
                Some(chain.ok_or_else(|| unread("a certificate of `x5c` is no text".to_owned()))?)
            }
            Some(_) => {
                return Err(refused(format!("the header's chain has no certificate, or more than {MAX_X5C}")));
            }
        };
        let has_own_key = ["jwk", "x5u"].iter().any(|name| members.get(name).is_some());
        let alg = alg.ok_or_else(|| unread("there is no `alg`".to_owned()))?;
        Ok(Self { alg, kid, jku, x5c, has_own_key })
    }

    /// Checks that keys are not to be taken from the token itself, or from where it says.
    pub(super) fn check_key_source(&self) -> Result<(), Reason> {
        if !self.has_own_key {
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
