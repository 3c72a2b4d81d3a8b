//! Google Confidential Space: the launcher beside the workload gives tokens, over a Unix socket.
//!
//! In: the audience and the nonce that the protocol demands. Out: the token, as it is: a JSON Web Signature, which the
//! launcher sends as text (google/go-tpm-tools, launcher/teeserver). Nothing that it says is believed here.

use std::time::Duration;

use hyper::{Request, header::CONTENT_TYPE};
use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;
use serde::{Deserialize, Serialize};

use super::{CollectError, Collector, ask, compact_token, device_error};
use crate::transport::{
    Address,
    http::{Client, Limits},
};

/// Where the launcher listens.
pub const SOCKET: &str = "/run/container_launcher/teeserver.sock";

/// The launcher asks Google, which takes seconds; a token has some kilobytes.
const LIMITS: Limits = Limits { connect: Duration::from_secs(5), exchange: Duration::from_secs(30), body: 64 << 10 };

/// What Google takes: an audience of so many bytes, a nonce of so many.
const MAX_AUDIENCE: usize = 512;
const NONCE: std::ops::RangeInclusive<usize> = 10..=74;

/// How a token's key is found.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum TokenType {
    /// By the certificates in it, for years.
    #[default]
    #[serde(rename = "PKI")]
    Pki,
    /// In Google's key set, for as long as the key stands there.
    #[serde(rename = "OIDC")]
    Oidc,
}

/// The launcher, at its socket or at a stand-in's.
#[derive(Clone, Debug)]
pub struct Launcher {
    address: Address,
    token_type: TokenType,
}

/// What `/v1/token` is asked. The launcher refuses members that it does not know.
#[derive(Serialize)]
struct TokenRequest<'a> {
    audience: &'a str,
    token_type: TokenType,
    nonces: [&'a str; 1],
}

impl Launcher {
    /// The launcher at an address.
    #[must_use]
    pub fn at(address: Address, token_type: TokenType) -> Self {
        Self { address, token_type }
    }

    fn token(&self, audience: &str, nonce: &str) -> Result<Vec<u8>, String> {
        // The launcher would answer these with a status and a sentence; that they are so is no secret before.
        if audience.is_empty() || audience.len() > MAX_AUDIENCE || !NONCE.contains(&nonce.len()) {
            return Err(format!("Google takes no audience of {} and nonce of {} bytes", audience.len(), nonce.len()));
        }
        let question = TokenRequest { audience, token_type: self.token_type, nonces: [nonce] };
        let body = serde_json::to_vec(&question).map_err(|error| error.to_string())?;
        let request = Request::post("/v1/token").header(CONTENT_TYPE, "application/json");
        let client = Client::new(Box::new(self.address.clone()), "localhost".to_owned(), LIMITS);
        compact_token("the launcher", &ask(client, LIMITS, "the launcher", request, body)?)
    }
}

impl Collector for Launcher {
    fn kind(&self) -> Kind {
        Kind::GcpConfidentialSpace
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::TokenNonce { audience, nonce } = value else { return Err(CollectError::Value(self.kind())) };
        self.token(audience, nonce).map_err(device_error(self.kind()))
    }
}
