//! Intel Trust Authority: a quote of this machine becomes a token.
//!
//! In: the runtime data that the protocol demands. The service gives a nonce of its own; SHA-512 of that nonce and the runtime
//! data is what the hardware signs; quote, runtime data and nonce go to the service, and its token comes back
//! (intel/trustauthority-client-for-go). The verifier reads the token; nothing that it says is believed here.

use std::{fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    Request,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
    http::request::Builder,
};
use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha512};

use super::{CollectError, Collector, ask, compact_token, device_error};
use crate::transport::{
    ServiceUrl,
    http::{Client, Limits},
};

/// Where the service is, unless the settings say otherwise.
pub(super) const URL: &str = "https://api.trustauthority.intel.com";

/// A token has some kilobytes.
const LIMITS: Limits = Limits { connect: Duration::from_secs(10), exchange: Duration::from_secs(30), body: 128 << 10 };

/// A part of a nonce has some dozen bytes, its signature some hundred.
const MAX_NONCE_PART: usize = 4096;

/// How the service signs its token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PSS with SHA-384.
    #[default]
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

/// What the service is asked for beside the token.
#[derive(Clone, Debug, Default)]
pub struct Appraisal {
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// The policies that it applies, by id.
    pub policies: Vec<String>,
    /// Whether it gives no token where one of them is not met.
    pub must_match: bool,
}

/// The service, with the hardware whose quotes it is sent.
pub struct TrustAuthority {
    url: ServiceUrl,
    authority: Option<Vec<u8>>,
    key: HeaderValue,
    appraisal: Appraisal,
    quotes: Box<dyn Collector>,
}

impl fmt::Debug for TrustAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustAuthority({})", self.url)
    }
}

/// The service's nonce: three strings of bytes in base64, which go back as they came.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct VerifierNonce {
    val: String,
    iat: String,
    signature: String,
}

/// What `/appraisal/v2/attest` is asked.
#[derive(Serialize)]
struct AttestRequest<'a> {
    tdx: TdxEvidence<'a>,
    token_signing_alg: SigningAlgorithm,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    policy_ids: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    policy_must_match: bool,
}

#[derive(Serialize)]
struct TdxEvidence<'a> {
    quote: String,
    runtime_data: String,
    verifier_nonce: &'a VerifierNonce,
}

/// What it answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttestResponse {
    token: String,
}

impl TrustAuthority {
    /// The service at a URL. `key` is the caller's API key, `authority` the one (PEM) that its certificate must be of, or
    /// Mozilla's; `quotes` makes quotes of trust domains.
    ///
    /// # Errors
    /// In words: the key is no header's value; the collector makes something else.
    pub fn new(
        url: ServiceUrl,
        authority: Option<Vec<u8>>,
        key: &str,
        appraisal: Appraisal,
        quotes: Box<dyn Collector>,
    ) -> Result<Self, String> {
        if quotes.kind() != Kind::IntelTdx {
            return Err(format!(
                "Intel Trust Authority appraises intel-tdx here, and this machine has {}",
                quotes.kind()
            ));
        }
        let mut key = HeaderValue::from_str(key).map_err(|_| "the API key is not one line of ASCII".to_owned())?;
        key.set_sensitive(true);
        if key.is_empty() {
            return Err("the API key is empty".to_owned());
        }
        Ok(Self { url, authority, key, appraisal, quotes })
    }

    fn token(&self, runtime_data: &[u8]) -> Result<Vec<u8>, String> {
        let nonce: VerifierNonce = self.ask("its nonce", Request::get("/appraisal/v2/nonce"), Vec::new())?;
        let part = |text: &str| {
            let bytes = (text.len() <= MAX_NONCE_PART).then(|| STANDARD.decode(text).ok()).flatten();
            bytes.filter(|bytes| !bytes.is_empty()).ok_or("Intel Trust Authority: its nonce is none")
        };
        let (val, iat) = (part(&nonce.val)?, part(&nonce.iat)?);
        let report_data = KindValue::ReportData(
            Sha512::new().chain_update(&val).chain_update(&iat).chain_update(runtime_data).finalize().into(),
        );
        let quote = self.quotes.collect(&report_data).map_err(|error| error.to_string())?;
        let Appraisal { algorithm, policies, must_match } = &self.appraisal;
        let question = AttestRequest {
            tdx: TdxEvidence {
                quote: STANDARD.encode(quote),
                runtime_data: STANDARD.encode(runtime_data),
                verifier_nonce: &nonce,
            },
            token_signing_alg: *algorithm,
            policy_ids: policies,
            policy_must_match: *must_match,
        };
        let body = serde_json::to_vec(&question).map_err(|error| error.to_string())?;
        let request = Request::post("/appraisal/v2/attest").header(CONTENT_TYPE, "application/json");
        let answer: AttestResponse = self.ask("its token", request, body)?;
        compact_token("Intel Trust Authority", answer.token.as_bytes())
    }

    fn ask<A: DeserializeOwned>(&self, what: &str, request: Builder, body: Vec<u8>) -> Result<A, String> {
        let what = format!("Intel Trust Authority, {what}");
        let dial = self.url.dial(None, self.authority.as_deref()).map_err(|error| format!("{what}: {error}"))?;
        let client = Client::new(dial, self.url.host().to_owned(), LIMITS);
        let request = request.header(ACCEPT, "application/json").header("x-api-key", self.key.clone());
        let answer = ask(client, LIMITS, &what, request, body)?;
        // What it says may be long, and is not ours to print.
        serde_json::from_slice(&answer).map_err(|_| format!("{what}: the answer is not of its form"))
    }
}

impl Collector for TrustAuthority {
    fn kind(&self) -> Kind {
        Kind::IntelTrustAuthority
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::RuntimeData(data) = value else { return Err(CollectError::Value(self.kind())) };
        self.token(data).map_err(device_error(self.kind()))
    }
}
