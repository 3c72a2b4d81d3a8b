//! Tokens of OpenID Connect issuers. In: a JWT; out: whose it is, by the mapping of a configured issuer. RFC 7519,
//! RFC 8725 (best current practices): the algorithm is one that the configuration lists, the key is one of the issuer's
//! own key set, `iss` and `aud` must be there and fit.
//!
//! Keys are fetched by need, one fetch at a time, with a cap and a timeout; an unknown key id makes one more fetch, not
//! more often than every [`REFETCH`], so that strangers cannot make us a nuisance to the issuer.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::Instant};

use super::{Principal, Role, Scope, unauthorized};
use crate::service::{config::Issuer, problem::Problem};

/// The longest token in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The longest key set in bytes.
const MAX_JWKS_BYTES: usize = 256 * 1024;

/// The most that issuer's clock and ours may differ, in seconds.
const TOLERANCE: i64 = 60;

/// How long keys are believed without another look.
const FRESH: Duration = Duration::from_secs(600);

/// The least time between two fetches.
const REFETCH: Duration = Duration::from_secs(30);

/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The configured issuers.
pub struct Issuers {
    issuers: Vec<KnownIssuer>,
    client: reqwest::Client,
}

struct KnownIssuer {
    config: Issuer,
    keys: RwLock<Option<Fetched>>,
    /// When a fetch was last begun, whatever came of it. Whoever holds it is fetching.
    last_fetch: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<BTreeMap<String, Jwk>>,
    at: Instant,
}

impl Issuers {
    /// The issuers of a configuration.
    ///
    /// # Errors
    /// The HTTP client's.
    pub fn new(issuers: &[Issuer]) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        let known = |config: &Issuer| KnownIssuer {
            config: config.clone(),
            keys: RwLock::new(None),
            last_fetch: Mutex::new(None),
        };
        Ok(Self { issuers: issuers.iter().map(known).collect(), client })
    }

    /// Finds out whose token it is, at `now` in seconds since the Unix epoch.
    ///
    /// # Errors
    /// 401 with one of the codes `auth.oidc.…`; 503 if the issuer's keys cannot be had.
    pub async fn authenticate(&self, token: &str, now: i64) -> Result<Principal, Problem> {
        let malformed = || unauthorized("auth.token.unknown", "this is neither a token of ours nor a JWT");
        if token.len() > MAX_TOKEN_BYTES {
            return Err(malformed());
        }
        let header = decode_header(token).map_err(|_| malformed())?;
        let claimed = unverified_issuer(token).ok_or_else(malformed)?;
        let issuer = self.issuers.iter().find(|known| known.config.issuer == claimed);
        let issuer = issuer.ok_or_else(|| unauthorized("auth.oidc.issuer", "no such issuer is configured"))?;
        if !issuer.config.algorithms.contains(&header.alg) {
            return Err(unauthorized("auth.oidc.algorithm", "the issuer's configuration does not list this algorithm"));
        }
        let kid = header.kid.ok_or_else(|| unauthorized("auth.oidc.key", "the token names no key"))?;
        let jwk = issuer.key(&kid, &self.client).await?;
        let claims = verify(token, header.alg, &jwk, &issuer.config)?;
        check_times(&claims, now)?;
        issuer.principal(&claims)
    }
}

impl KnownIssuer {
    /// The key `kid` of the issuer, fetched if need be.
    async fn key(&self, kid: &str, client: &reqwest::Client) -> Result<Jwk, Problem> {
        let cached = || self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let find = |fetched: &Fetched| fetched.keys.get(kid).cloned();
        let before = cached();
        if let Some(fetched) = &before
            && fetched.at.elapsed() < FRESH
            && let Some(key) = find(fetched)
        {
            return Ok(key);
        }
        let mut last_fetch = self.last_fetch.lock().await;
        // Whoever held the lock before may have brought it.
        let now = cached();
        if let Some(key) = now.as_ref().filter(|fetched| fetched.at.elapsed() < FRESH).and_then(find) {
            return Ok(key);
        }
        if last_fetch.is_none_or(|last| last.elapsed() >= REFETCH) {
            *last_fetch = Some(Instant::now());
            match self.fetch(client).await {
                Ok(keys) => {
                    let fetched = Fetched { keys: Arc::new(keys), at: Instant::now() };
                    *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(fetched);
                }
                Err(reason) => {
                    tracing::warn!(issuer = self.config.issuer, reason, "the issuer's keys could not be fetched");
                }
            }
        }
        match cached() {
            // An issuer that does not answer for a while does not lock everybody out; its old keys are still its keys.
            Some(fetched) => find(&fetched).ok_or_else(|| unauthorized("auth.oidc.key", "the issuer has no such key")),
            None => Err(Problem::unavailable("auth.oidc.unavailable", "the issuer's keys cannot be fetched")),
        }
    }

    async fn fetch(&self, client: &reqwest::Client) -> Result<BTreeMap<String, Jwk>, String> {
        let error = |error: reqwest::Error| error.without_url().to_string();
        let response = client.get(&self.config.jwks_url).send().await.map_err(error)?;
        let mut response = response.error_for_status().map_err(error)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(error)? {
            if bytes.len() + chunk.len() > MAX_JWKS_BYTES {
                return Err(format!("the key set is longer than {MAX_JWKS_BYTES} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let set: JwkSet = serde_json::from_slice(&bytes).map_err(|_| "this is no key set".to_owned())?;
        let keys = set.keys.into_iter().filter_map(|key| Some((key.common.key_id.clone()?, key)));
        Ok(keys.collect())
    }

    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, Problem> {
        let config = &self.config;
        let values: Vec<&str> = match claims.get(&config.roles_claim) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut roles: Vec<Role> = values.iter().filter_map(|value| config.roles.get(*value).copied()).collect();
        roles.sort_unstable();
        roles.dedup();
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject.ok_or_else(|| unauthorized("auth.oidc.subject", "the token names no subject"))?;
        Ok(Principal { name: format!("oidc:{}#{subject}", config.issuer), scope: Scope::of(&config.project), roles })
    }
}

/// `iss` as the token has it, to find the issuer whose keys decide.
fn unverified_issuer(token: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// Signature, `iss` and `aud`.
fn verify(token: &str, algorithm: Algorithm, jwk: &Jwk, issuer: &Issuer) -> Result<Map<String, Value>, Problem> {
    let invalid = |_| unauthorized("auth.oidc.invalid", "signature, issuer or audience do not fit");
    let key = DecodingKey::from_jwk(jwk).map_err(invalid)?;
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&issuer.issuer]);
    validation.set_audience(&[&issuer.audience]);
    // An absent `iss` would pass; times are checked here, by our clock (`check_times`).
    validation.required_spec_claims = HashSet::from(["iss", "aud", "exp"].map(str::to_owned));
    validation.validate_exp = false;
    validation.validate_nbf = false;
    Ok(decode(token, &key, &validation).map_err(invalid)?.claims)
}

fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), Problem> {
    let invalid = || unauthorized("auth.oidc.time", "exp, nbf or iat is no time");
    // NumericDate may have a fraction (RFC 7519 section 2); whole seconds are enough.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::as_conversions,
        reason = "`as` saturates, which is what is meant"
    )]
    let seconds = |value: &Value| value.as_i64().or_else(|| value.as_f64().map(|time| time.floor() as i64));
    let time = |name: &str| claims.get(name).map(|value| seconds(value).ok_or_else(invalid)).transpose();
    let exp = time("exp")?.ok_or_else(invalid)?;
    if exp.saturating_add(TOLERANCE) <= now {
        return Err(unauthorized("auth.token.expired", "this token has expired"));
    }
    for name in ["nbf", "iat"] {
        if time(name)?.is_some_and(|start| start > now.saturating_add(TOLERANCE)) {
            return Err(unauthorized("auth.oidc.time", "this token is not valid yet"));
        }
    }
    Ok(())
}
