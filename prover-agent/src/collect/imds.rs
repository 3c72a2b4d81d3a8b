//! Azure's instance metadata service, as far as evidence needs it: a TDREPORT becomes a quote, and the host's cache has the
//! VCEK's certificate (THIM).
//!
//! Plain HTTP to a link-local address: nothing that it says is believed, the verifier checks all of it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::{Request, header::CONTENT_TYPE, http::request::Builder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::ask;
use crate::transport::{
    Address,
    http::{Client, Limits},
};

const LIMITS: Limits = Limits { connect: Duration::from_secs(5), exchange: Duration::from_secs(15), body: 64 << 10 };

/// The service, at its address or at a stand-in's.
#[derive(Clone, Debug)]
pub struct Imds {
    address: Address,
}

/// What `/acc/tdquote` is asked.
#[derive(Serialize)]
struct QuoteRequest {
    report: String,
}

/// What it answers.
#[derive(Deserialize)]
struct QuoteResponse {
    quote: String,
}

/// What THIM answers, as far as it is used: certificates in PEM.
#[derive(Deserialize)]
pub(super) struct Certification {
    /// That of the chip's VCEK.
    #[serde(rename = "vcekCert")]
    pub(super) vcek: String,
    /// Those of its CA and of AMD's root. Evidence goes without: the chain up to the root is the verifier's to bring.
    #[serde(rename = "certificateChain", default)]
    pub(super) chain: String,
}

impl Default for Imds {
    fn default() -> Self {
        Self::at(Address::Tcp { host: "169.254.169.254".into(), port: 80 })
    }
}

impl Imds {
    /// The service at an address.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self { address }
    }

    /// The quote over a TDREPORT.
    ///
    /// # Errors
    /// In words.
    pub(super) fn td_quote(&self, report: &[u8]) -> Result<Vec<u8>, String> {
        let question = QuoteRequest { report: URL_SAFE_NO_PAD.encode(report) };
        let body = serde_json::to_vec(&question).map_err(|error| error.to_string())?;
        let request = Request::post("/acc/tdquote").header(CONTENT_TYPE, "application/json");
        let answer: QuoteResponse = self.ask("the TD quote of the metadata service", request, body)?;
        // With padding or without.
        URL_SAFE_NO_PAD.decode(answer.quote.trim_end_matches('=')).map_err(|error| format!("the TD quote: {error}"))
    }

    /// The certificates of the chip's VCEK and above.
    ///
    /// # Errors
    /// In words.
    pub(super) fn certification(&self) -> Result<Certification, String> {
        let request = Request::get("/metadata/THIM/amd/certification").header("metadata", "true");
        self.ask("the VCEK of the metadata service", request, Vec::new())
    }

    fn ask<A: DeserializeOwned>(&self, what: &str, request: Builder, body: Vec<u8>) -> Result<A, String> {
        let client = Client::new(Box::new(self.address.clone()), self.address.to_string(), LIMITS);
        let answer = ask(client, LIMITS, what, request, body)?;
        serde_json::from_slice(&answer).map_err(|error| format!("{what}: {error}"))
    }
}
