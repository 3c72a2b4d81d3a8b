//! Microsoft Azure Attestation: the hardware's evidence of this confidential VM becomes a token.
//!
//! In: the value of an attached piece, which goes along as the request's nonce and comes back as the token's. The hardware's
//! report and the paravisor's runtime data go to a provider, and its token comes back: `attest/SevSnpVm` and `attest/TdxVm` of
//! the service's REST API (Azure REST API specifications, Attestation, 2022-08-01 and 2025-06-01), in the form in which
//! Microsoft's own client asks (github.com/Azure/cvm-attestation-tools). Unlike a guest's token (`attest/AzureGuest`) it says
//! nothing of what the guest booted: the virtual TPM's quote, beside which it stands, does. The verifier reads the token; nothing
//! that it says is believed here.

use std::{
    fmt,
    io::{Read, Write},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hyper::{
    Request,
    header::{ACCEPT, CONTENT_TYPE},
};
use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;
use serde::{Deserialize, Serialize};

use super::{
    AzureVtpm, CollectError, Collector, ask,
    azure::{Hardware, HardwareEvidence},
    compact_token, device_error,
};
use crate::transport::{
    ServiceUrl,
    http::{Client, Limits},
};

/// What the service is called in errors.
const SERVICE: &str = "Azure Attestation";

/// A token has some kilobytes.
const LIMITS: Limits = Limits { connect: Duration::from_secs(10), exchange: Duration::from_secs(30), body: 128 << 10 };

/// Where evidence of either hardware is sent.
const SNP: &str = "/attest/SevSnpVm?api-version=2022-08-01";
const TDX: &str = "/attest/TdxVm?api-version=2025-06-01";

/// A provider, with the virtual TPM of the machine that it is told of.
pub struct AzureAttestation<T> {
    url: ServiceUrl,
    authority: Option<Vec<u8>>,
    vtpm: AzureVtpm<T>,
}

impl<T> fmt::Debug for AzureAttestation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AzureAttestation({})", self.url)
    }
}

/// What the service is asked. Bytes are in base64url without padding.
#[derive(Serialize)]
struct AttestRequest<'a> {
    /// [`SnpReport`] as JSON, in base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<String>,
    #[serde(rename = "runtimeData")]
    runtime_data: RuntimeData,
    nonce: &'a str,
}

/// SEV-SNP's report with its certificates.
#[derive(Serialize)]
struct SnpReport {
    #[serde(rename = "SnpReport")]
    report: String,
    #[serde(rename = "VcekCertChain")]
    chain: String,
}

#[derive(Serialize)]
struct RuntimeData {
    data: String,
    /// The service is to read them, and to repeat in the token what they say.
    #[serde(rename = "dataType")]
    data_type: &'static str,
}

/// What it answers.
#[derive(Deserialize)]
struct AttestResponse {
    token: String,
}

impl<T: Read + Write> AzureAttestation<T> {
    /// The provider at a URL. `authority` is the one (PEM) that its certificate must be of, or Mozilla's.
    #[must_use]
    pub const fn new(url: ServiceUrl, authority: Option<Vec<u8>>, vtpm: AzureVtpm<T>) -> Self {
        Self { url, authority, vtpm }
    }

    fn token(&self, nonce: &str) -> Result<Vec<u8>, String> {
        let Hardware { evidence, runtime_data } = self.vtpm.hardware()?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let runtime_data = RuntimeData { data: encode(&runtime_data), data_type: "JSON" };
        let (path, report, quote) = match evidence {
            HardwareEvidence::Snp { report, chain } => {
                let report = SnpReport { report: encode(&report), chain: encode(chain.as_bytes()) };
                let report = serde_json::to_vec(&report).map_err(|error| error.to_string())?;
                (SNP, Some(encode(&report)), None)
            }
            HardwareEvidence::Tdx { quote } => (TDX, None, Some(encode(&quote))),
        };
        let question = AttestRequest { report, quote, runtime_data, nonce };
        let body = serde_json::to_vec(&question).map_err(|error| error.to_string())?;
        let dial = self.url.dial(None, self.authority.as_deref()).map_err(|error| format!("{SERVICE}: {error}"))?;
        let client = Client::new(dial, self.url.host().to_owned(), LIMITS);
        let request = Request::post(path).header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json");
        let answer = ask(client, LIMITS, SERVICE, request, body)?;
        // What it says may be long, and is not ours to print.
        let answer: AttestResponse =
            serde_json::from_slice(&answer).map_err(|_| format!("{SERVICE}: the answer is not of its form"))?;
        compact_token(SERVICE, answer.token.as_bytes())
    }
}

impl<T: Read + Write + Send> Collector for AzureAttestation<T> {
    fn kind(&self) -> Kind {
        Kind::AzureMaa
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::TokenNonce { nonce, .. } = value else { return Err(CollectError::Value(self.kind())) };
        self.token(nonce).map_err(device_error(self.kind()))
    }
}
