//! The provider: an enclave makes its key and quotes it; the certificate of the key carries the quote.

use sha2::{Digest, Sha256};

use super::claims;
use crate::{
    azure::Machine,
    base64::base64,
    der::Oid,
    derive,
    edit::Edit,
    intel::{self, Quote, Vendor},
    jose::{Json, Jwk, KeySet, Token},
    key::Key,
    manifest,
    x509::{CertificateSpec, Extension, Name, oid},
};

/// The extension with the quote.
const QUOTE: Oid = &[1, 3, 6, 1, 4, 1, 311, 105, 1];
/// 2019-05-01T00:00:00Z and 2050-12-31T23:59:59Z: what the service writes into every certificate.
const NOT_BEFORE: i64 = 1_556_668_800;
const NOT_AFTER: i64 = 2_556_143_999;
/// How long a token is good.
const LIFETIME: i64 = 8 * 3600;
/// MRSIGNER of Intel's quoting enclave.
const INTEL_QE: [u8; 32] = [
    0x8C, 0x4F, 0x57, 0x75, 0xD7, 0x96, 0x50, 0x3E, 0x96, 0x13, 0x7F, 0x77, 0xC6, 0x8A, 0x82, 0x9A, 0x00, 0x56, 0xAC,
    0x8D, 0xED, 0x70, 0x14, 0x0B, 0x08, 0x1B, 0x09, 0x44, 0x90, 0xC5, 0x7B, 0xFF,
];

/// A provider. Two with the same seed and time are the same.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its URL.
    pub issuer: String,
    /// Its key.
    pub key: Key,
    /// The id of its key; `None` is the one that the enclave quotes.
    pub kid: Option<String>,
    /// Who made its processor.
    pub intel: Vendor,
    /// The enclave's quote. Its report data are the key's.
    pub quote: Quote,
    /// Report data, where they are not those of the key.
    pub report_data: Option<[u8; 64]>,
    /// The certificate of its key, to which the quote is added.
    pub certificate: CertificateSpec,
    /// Edits of the header and the quote inside the extension.
    pub evidence: Vec<Edit>,
    seed: String,
    at: i64,
}

impl Provider {
    /// A provider that issues tokens at `at`, seconds since the Unix epoch.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let issuer = "https://simulated.sim.attest.azure.net".to_owned();
        let key = Key::rsa4096_pkcs1(&format!("{seed}/maa"));
        let intel = Vendor::new(&format!("{seed}/maa"), at);
        let mut quote = intel.enclave_quote();
        quote.qe_report.mrsigner = INTEL_QE;
        let name = Name::new(&[(oid::COMMON_NAME, &issuer)]);
        let certificate = CertificateSpec {
            extensions: vec![
                Extension { critical: false, ..Extension::basic_constraints(false, None) },
                Extension::subject_key_identifier(),
                Extension::authority_key_identifier(),
            ],
            ..CertificateSpec::new(name, key.clone(), vec![1], NOT_BEFORE, NOT_AFTER)
        };
        let (kid, report_data, evidence) = (None, None, Vec::new());
        Self { issuer, key, kid, intel, quote, report_data, certificate, evidence, seed: seed.to_owned(), at }
    }

    /// By what the enclave names its key: SHA-256 of its PEM and a NUL.
    #[must_use]
    pub fn key_digest(&self) -> [u8; 32] {
        let text = base64(&self.key.subject_public_key_info());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n\0", lines.join("\n"));
        Sha256::digest(pem).into()
    }

    /// The id of its key.
    #[must_use]
    pub fn kid(&self) -> String {
        self.kid.clone().unwrap_or_else(|| base64(&self.key_digest()))
    }

    /// The certificate with the quote, DER.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        let mut quote = self.quote.clone();
        let mut report_data = [0; 64];
        report_data.iter_mut().zip(self.key_digest()).for_each(|(place, byte)| *place = byte);
        quote.enclave_mut().report_data = self.report_data.unwrap_or(report_data);
        let quote = quote.build();
        let length = u64::try_from(quote.len()).unwrap_or_default();
        let mut evidence =
            [1_u32.to_le_bytes().as_slice(), &2_u32.to_le_bytes(), &length.to_le_bytes(), &quote].concat();
        self.evidence.iter().for_each(|edit| edit.apply(&mut evidence));
        let mut certificate = self.certificate.clone();
        certificate.extensions.push(Extension::new(QUOTE, false, evidence));
        certificate.self_issued()
    }

    /// What it publishes: certificates, and no numbers.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        KeySet::new(vec![Jwk::certified(&self.key, &self.kid(), &[self.certificate()])])
    }

    /// The same key by its numbers alone.
    #[must_use]
    pub fn bare_key_set(&self) -> KeySet {
        KeySet::new(vec![Jwk::of(&self.key, &self.kid())])
    }

    /// The manifest of its key set, TOML: what a verifier reads beside `simulated-maa.jwks`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let (id, set) = (format!("simulated-maa-{}", self.seed), self.key_set().build());
        manifest::of_key_set(&id, "simulated-maa.jwks", &set, &self.certificate, "microsoft", &["azure-maa"])
    }

    /// The collateral of its processor.
    #[must_use]
    pub fn collateral(&self) -> intel::Collateral {
        let mut collateral = self.intel.sgx_collateral();
        collateral.qe_identity.mrsigner = self.quote.qe_report.mrsigner;
        collateral
    }

    /// A token about a virtual machine.
    #[must_use]
    pub fn guest_token(&self, machine: &Machine) -> Token {
        self.token(claims::guest(machine, &self.seed))
    }

    /// A token about the hardware of a virtual machine, whose report is the paravisor's, for a request with that nonce.
    #[must_use]
    pub fn platform_token(&self, machine: &Machine, nonce: &str) -> Token {
        self.token(claims::platform(machine, nonce))
    }

    /// A token about the hardware of a container group on SEV-SNP, which asked for its report itself.
    #[must_use]
    pub fn sev_snp_token(&self, machine: &Machine) -> Token {
        self.token(claims::container_group(machine))
    }

    /// A token about a trust domain, which asked for its quote itself.
    #[must_use]
    pub fn tdx_token(&self, machine: &Machine) -> Token {
        self.token(claims::trust_domain(machine))
    }

    /// A token about an enclave.
    #[must_use]
    pub fn sgx_token(&self) -> Token {
        self.token(claims::enclave(&self.seed))
    }

    /// A token with these claims among those that all have.
    fn token(&self, claims: Vec<(String, Json)>) -> Token {
        let header = Json::object([
            ("alg", "RS256".into()),
            ("jku", format!("{}/certs", self.issuer).into()),
            ("kid", self.kid().into()),
            ("typ", "JWT".into()),
        ]);
        let mut payload = Json::object([
            ("exp", (self.at + LIFETIME).into()),
            ("iat", self.at.into()),
            ("iss", self.issuer.as_str().into()),
            ("jti", derive::hex(&format!("{}/jti", self.seed), 64).into()),
            ("nbf", self.at.into()),
        ]);
        for (name, value) in claims {
            payload.append("", &name, value);
        }
        payload.append("", "x-ms-policy-hash", "wm9mHlvTU82e8UqoOy1Yj1FBRSNkfe99-69IYDq9eWs");
        payload.append("", "x-ms-ver", "1.0");
        Token::new(header, payload, self.key.clone())
    }
}
