//! Key sets of token issuers (JWKS: RFC 7517, section 5): which key has an id, and what is known of it.
//!
//! In: JSON, at most 256 KiB. Out: [`KeySet`], with every id and algorithm in it once; each key is read when it is asked for.
//! Some issuers publish keys by modulus or coordinates, some as certificates only, some in both ways; two ways must name the
//! same key. A key set says nothing of itself about whose it is, and whoever supplies one vouches for it; a member `issuer`
//! beside `keys` (which RFC 7517, section 5, lets stand there), one name or several, keeps its keys from signing another
//! issuer's tokens.

use std::sync::{Arc, OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::{Reason, ReasonCode};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    algorithm::Algorithm,
    key::{NEED, TokenKey},
    members::Texts,
};
use crate::{
    crypto::Crypto,
    json::{self, JsonError},
    x509::Certificate,
};

/// A key set beyond this is refused unread; the largest that is published has a third of it.
pub(crate) const MAX_KEY_SET_BYTES: usize = 256 * 1024;
/// The most keys of a set.
const MAX_KEYS: usize = 256;
/// The most certificates of a key.
const MAX_X5C: usize = 8;

/// The keys of an issuer.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    keys: Vec<Entry>,
    /// Whose tokens the keys sign; without it, whoever supplied the set vouches for them as any issuer's.
    issuer: Option<Texts>,
    /// SHA-256 of the file.
    pub(crate) sha256: [u8; 32],
}

/// A key of a set, which is read when it is first asked for.
#[derive(Clone, Debug)]
struct Entry {
    jwk: Jwk,
    read: OnceLock<Result<Arc<SetKey>, Reason>>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
    issuer: Option<Texts>,
}

/// A JSON Web Key, as far as it is read.
#[derive(Clone, Debug, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    x5c: Option<Vec<String>>,
}

/// A key of a set, read.
#[derive(Clone, Debug)]
pub(crate) struct SetKey {
    pub(crate) key: Arc<TokenKey>,
    /// Its certificates in DER, leaf first; the leaf has this key.
    pub(crate) chain: Vec<Vec<u8>>,
    /// The leaf, read.
    pub(crate) leaf: Option<Certificate>,
    /// SHA-256 of the leaf.
    pub(crate) leaf_sha256: Option<[u8; 32]>,
}

/// A key, and the set in which it stands.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) set: &'a KeySet,
    pub(crate) key: Arc<SetKey>,
}

/// Whether a file is a key set, going by its one necessary member.
pub(crate) fn is_key_set(file: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Shape {
        keys: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Shape>(file).is_ok_and(|shape| shape.keys.len() <= MAX_KEYS)
}

impl KeySet {
    /// Reads a key set.
    pub(crate) fn read(file: &[u8], crypto: &dyn Crypto) -> Result<Self, Reason> {
        if file.len() > MAX_KEY_SET_BYTES {
            return Err(Reason::from(ReasonCode::EndorsementTooLarge)
                .have(format_args!("a key set of {} bytes", file.len()))
                .need(format_args!("at most {MAX_KEY_SET_BYTES} bytes")));
        }
        let malformed = |why: String| Reason::new(ReasonCode::KeySetMalformed, why);
        let Document { keys, issuer } = json::read(file).map_err(|error| match error {
            JsonError::DuplicateKey(why) => Reason::new(ReasonCode::KeySetDuplicate, why),
            JsonError::Malformed(why) | JsonError::Shape(why) => {
                malformed(format!("the key set cannot be read: {why}"))
            }
        })?;
        if keys.len() > MAX_KEYS {
            return Err(malformed(format!("the key set has more than {MAX_KEYS} keys")));
        }
        if keys.iter().any(|key| key.x5c.as_ref().is_some_and(|chain| chain.is_empty() || chain.len() > MAX_X5C)) {
            return Err(malformed(format!("a key has no certificate, or more than {MAX_X5C}")));
        }
        for (place, key) in keys.iter().enumerate() {
            // Without an algorithm a key serves every one.
            let collides = |other: &Jwk| {
                key.kid.is_some()
                    && key.kid == other.kid
                    && (key.alg == other.alg || key.alg.is_none() || other.alg.is_none())
            };
            if keys.iter().take(place).any(collides) {
                return Err(Reason::from(ReasonCode::KeySetDuplicate).have(key.kid.as_deref().unwrap_or_default()));
            }
        }
        let keys = keys.into_iter().map(|jwk| Entry { jwk, read: OnceLock::new() }).collect();
        Ok(Self { keys, issuer, sha256: crypto.sha256(&[file]) })
    }

    /// The issuers that it says its keys are of; without any, it says nothing.
    pub(crate) fn issuers(&self) -> &[String] {
        self.issuer.as_ref().map(Texts::as_slice).unwrap_or_default()
    }

    /// Whether its keys may sign the tokens of that issuer.
    pub(crate) fn may_speak_for(&self, issuer: &str) -> bool {
        self.issuer.is_none() || self.names(issuer)
    }

    /// Whether it says that its keys are that issuer's.
    pub(crate) fn names(&self, issuer: &str) -> bool {
        self.issuers().iter().any(|own| own == issuer)
    }

    /// Whether it has a key that one of the algorithms takes.
    pub(crate) fn has_key_for(&self, algorithms: &[Algorithm], crypto: &dyn Crypto) -> bool {
        self.usable(crypto)
            .any(|(_, key)| algorithms.iter().any(|algorithm| algorithm.check_key(&key.key.public).is_ok()))
    }

    /// Every key that can be used, for a root set.
    pub(super) fn usable(&self, crypto: &dyn Crypto) -> impl Iterator<Item = (Option<&str>, Arc<SetKey>)> {
        self.keys.iter().filter_map(move |entry| Some((entry.jwk.kid.as_deref(), entry.read(crypto).ok()?)))
    }
}

/// The key of that id for that algorithm, among the sets that may speak for the issuer. Sets may hold the same key; they may not hold different ones.
pub(crate) fn find<'a>(
    sets: impl Iterator<Item = &'a KeySet>,
    issuer: &str,
    kid: &str,
    algorithm: Algorithm,
    crypto: &dyn Crypto,
) -> Result<Found<'a>, Reason> {
    let mut found: Option<Found<'a>> = None;
    let mut for_another = None;
    let mut count = 0_usize;
    for set in sets.filter(|set| set.may_speak_for(issuer)) {
        count += 1;
        for entry in set.keys.iter().filter(|entry| entry.jwk.kid.as_deref() == Some(kid)) {
            let jwk = &entry.jwk;
            if jwk.alg.as_deref().is_some_and(|named| Algorithm::named(named) != Some(algorithm)) {
                for_another = jwk.alg.as_deref();
                continue;
            }
            let key = entry.read(crypto)?;
            match &found {
                Some(known) if known.key.key != key.key => {
                    return Err(Reason::from(ReasonCode::TokenKeyAmbiguous).have(kid));
                }
                // Of two descriptions, the one with the longer chain says more.
                Some(known) if known.key.chain.len() >= key.chain.len() => {}
                _ => found = Some(Found { set, key }),
            }
        }
    }
    match (found, for_another) {
        (Some(found), _) => {
            algorithm.check_key(&found.key.key.public)?;
            Ok(found)
        }
        (None, Some(named)) => Err(Reason::from(ReasonCode::JwsKeyAlgorithm).have(named).need(algorithm.as_str())),
        (None, None) => {
            let need = format!("a key of that id in one of {count} key sets that may speak for {issuer}");
            Err(Reason::from(ReasonCode::TokenKeyUnknown).have(kid).need(need))
        }
    }
}

impl Entry {
    /// The key. Certificates in it are kilobytes, and every token of an issuer asks for the same one.
    fn read(&self, crypto: &dyn Crypto) -> Result<Arc<SetKey>, Reason> {
        self.read.get_or_init(|| self.jwk.read(crypto).map(Arc::new)).clone()
    }
}

impl Jwk {
    fn read(&self, crypto: &dyn Crypto) -> Result<SetKey, Reason> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(Reason::new(ReasonCode::TokenKeyType, "the key is for another use than signatures"));
        }
        let chain = self.x5c.iter().flatten().map(|text| certificate(text)).collect::<Result<Vec<_>, _>>()?;
        let leaf = chain.first().map(|leaf| Certificate::read(leaf, "the key's certificate")).transpose()?;
        let certified = leaf.as_ref().map(|leaf| TokenKey::of(leaf, crypto)).transpose()?;
        let stated = match self {
            Self { n: Some(n), e: Some(e), .. } if self.kty == "RSA" => Some(TokenKey::rsa(n, e, crypto)?),
            Self { x: Some(x), y: Some(y), crv: Some(crv), .. } if self.kty == "EC" && crv == "P-384" => {
                Some(TokenKey::p384(x, y, crypto)?)
            }
            Self { n: None, e: None, x: None, y: None, .. } => None,
            _ => return Err(Reason::from(ReasonCode::TokenKeyType).have(&self.kty).need(NEED)),
        };
        let key = match (stated, certified) {
            (Some(stated), Some(certified)) if stated != certified => {
                return Err(Reason::from(ReasonCode::TokenKeyCertificate)
                    .have(hex::encode(certified.spki_sha256))
                    .need(hex::encode(stated.spki_sha256)));
            }
            (Some(key), _) | (None, Some(key)) => key,
            (None, None) => return Err(Reason::from(ReasonCode::TokenKeyType).have("nothing").need(NEED)),
        };
        let leaf_sha256 = chain.first().map(|leaf| crypto.sha256(&[leaf]));
        Ok(SetKey { key: Arc::new(key), chain, leaf, leaf_sha256 })
    }
}

/// A certificate of a chain: DER in base64 with padding (RFC 7515, section 4.1.6).
pub(super) fn certificate(text: &str) -> Result<Vec<u8>, Reason> {
    STANDARD.decode(text).map_err(|error| {
        Reason::new(ReasonCode::TokenKeyCertificate, format!("a certificate of the chain is not base64: {error}"))
    })
}
