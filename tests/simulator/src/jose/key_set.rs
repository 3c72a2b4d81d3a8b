//! Key sets (RFC 7517, section 5; RFC 7518, section 6). Keys come in; the JSON that an issuer publishes goes out.

use super::{Json, base64url};
use crate::{base64::base64, key::Key};

/// A key set.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    /// Its keys.
    pub keys: Vec<Jwk>,
    /// Whose keys it says they are; issuers themselves do not say it.
    pub issuer: Option<String>,
}

/// A key of a set, as JSON that can be changed.
#[derive(Clone, Debug)]
pub struct Jwk(pub Json);

impl Jwk {
    /// A key by its numbers.
    #[must_use]
    pub fn of(key: &Key, kid: &str) -> Self {
        let mut json = Json::object([]);
        match key.rsa_modulus() {
            Some(modulus) => {
                json.set("kty", "RSA").set("kid", kid).set("n", base64url(&modulus)).set("e", "AQAB");
            }
            None => {
                let point = key.public_point();
                let (x, y) = point.split_at(1).1.split_at(point.len() / 2);
                let curve = format!("P-{}", x.len() * 8);
                json.set("kty", "EC").set("crv", curve).set("kid", kid).set("x", base64url(x)).set("y", base64url(y));
            }
        }
        Self(json)
    }

    /// A key by its certificates alone, leaf first.
    #[must_use]
    pub fn certified(key: &Key, kid: &str, chain: &[Vec<u8>]) -> Self {
        let kty = if key.rsa_modulus().is_some() { "RSA" } else { "EC" };
        let mut json = Json::object([("kty", kty.into()), ("kid", kid.into())]);
        json.set("x5c", certificates(chain));
        Self(json)
    }

    /// The same with certificates beside it.
    #[must_use]
    pub fn with_chain(mut self, chain: &[Vec<u8>]) -> Self {
        self.0.set("x5c", certificates(chain));
        self
    }
}

fn certificates(chain: &[Vec<u8>]) -> Vec<Json> {
    chain.iter().map(|der| Json::Text(base64(der))).collect()
}

impl KeySet {
    /// A set of these keys.
    #[must_use]
    pub fn new(keys: Vec<Jwk>) -> Self {
        Self { keys, issuer: None }
    }

    /// The JSON.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let keys: Vec<Json> = self.keys.iter().map(|Jwk(json)| json.clone()).collect();
        let mut json = Json::object([("keys", keys.into())]);
        if let Some(issuer) = &self.issuer {
            json.set("issuer", issuer.as_str());
        }
        json.to_string().into_bytes()
    }
}
