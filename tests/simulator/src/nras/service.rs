//! The service: an authority with an RSA key certifies the key of the day.

use super::{Answer, Device};
use crate::{
    derive,
    jose::{Json, Jwk, KeySet, Token},
    key::Key,
    manifest,
    x509::{
        CertificateSpec, Extension,
        KeyUsage::{CrlSign, DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment},
        Name, oid,
    },
};

const DAY: i64 = 24 * 3600;
/// How long a token is good.
const LIFETIME: i64 = 3600;

/// The version of the claims about devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClaimsVersion {
    /// 2.0: what was found of a chain is yes or no.
    V2,
    /// 3.0: what was found of a chain is an object.
    V3,
}

/// A service. Two with the same seed and time are the same.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its URL.
    pub issuer: String,
    /// The authority that certifies its keys.
    pub authority: CertificateSpec,
    /// The certificate of the key that signs.
    pub certificate: CertificateSpec,
    /// The id of that key.
    pub kid: String,
    /// The version of the claims.
    pub version: ClaimsVersion,
    seed: String,
    at: i64,
}

impl Service {
    /// A service that answers at `at`, seconds since the Unix epoch.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let name = |common_name: &str| {
            Name::new(&[
                (oid::COMMON_NAME, common_name),
                (oid::ORGANIZATION, "NVIDIA Corporation"),
                (oid::COUNTRY, "US"),
            ])
        };
        let label = format!("{seed}/nras");
        let authority = CertificateSpec {
            extensions: vec![
                Extension::basic_constraints(true, None),
                Extension::key_usage(&[KeyCertSign, CrlSign]),
                Extension::subject_key_identifier(),
            ],
            ..CertificateSpec::new(
                name("Simulated Attestation Service GPU Intermediate"),
                Key::rsa4096_pkcs1(&format!("{label}/authority")),
                derive::serial::<20>(&format!("{label}/authority")),
                at - 180 * DAY,
                at + 4 * 365 * DAY,
            )
        };
        let certificate = CertificateSpec {
            extensions: vec![
                Extension::key_usage(&[DigitalSignature, KeyEncipherment, KeyAgreement]),
                Extension::extended_key_usage(&[oid::SERVER_AUTH, oid::CLIENT_AUTH]),
                Extension::subject_key_identifier(),
                Extension::authority_key_identifier(),
            ],
            ..CertificateSpec::new(
                name("Simulated Attestation Service GPU GH100"),
                Key::p384(&label),
                derive::serial::<20>(&label),
                at - DAY,
                at + DAY,
            )
        };
        Self {
            issuer: "https://nras.attestation.nvidia.com".to_owned(),
            authority,
            certificate,
            kid: format!("nv-eat-kid-prod-20260601000000000-{}", derive::uuid(&label)),
            version: ClaimsVersion::V3,
            seed: seed.to_owned(),
            at,
        }
    }

    /// What it publishes: the key by its numbers, and its certificate with the authority's.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        let chain = [self.certificate.issued_by(&self.authority), self.authority.self_issued()];
        KeySet::new(vec![self.jwk().with_chain(&chain)])
    }

    /// The key by its numbers alone.
    #[must_use]
    pub fn bare_key_set(&self) -> KeySet {
        KeySet::new(vec![self.jwk()])
    }

    fn jwk(&self) -> Jwk {
        Jwk::of(&self.certificate.key, &self.kid)
    }

    /// The authority in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.authority.self_issued()
    }

    /// The manifest of the authority, TOML.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-nras-{}", self.seed);
        manifest::of_root(&id, "simulated-nras-authority.der", &self.authority, "nvidia", &["nvidia-nras"])
    }

    /// An answer about devices that are all well.
    #[must_use]
    pub fn answer(&self, nonce: &[u8], devices: &[&str]) -> Answer {
        let version = if self.version == ClaimsVersion::V2 { "2.0" } else { "3.0" };
        let mut payload = self.claims("overall");
        payload
            .set("sub", "NVIDIA-PLATFORM-ATTESTATION")
            .set("x-nvidia-ver", version)
            .set("x-nvidia-overall-att-result", true)
            .set("eat_nonce", hex::encode(nonce));
        let devices = devices.iter().map(|name| Device {
            name: (*name).to_owned(),
            token: self.token(self.device(name, nonce)),
            is_named: true,
            is_sent: true,
            late: Vec::new(),
        });
        Answer {
            overall: self.token(payload),
            devices: devices.collect(),
            digests: None,
            label: "JWT".to_owned(),
            after: Vec::new(),
        }
    }

    /// The claims that every token has.
    fn claims(&self, name: &str) -> Json {
        Json::object([
            ("iss", self.issuer.as_str().into()),
            ("iat", self.at.into()),
            ("nbf", self.at.into()),
            ("exp", (self.at + LIFETIME).into()),
            ("jti", derive::uuid(&format!("{}/{name}", self.seed)).into()),
        ])
    }

    fn token(&self, payload: Json) -> Token {
        let header = Json::object([("kid", self.kid.as_str().into()), ("alg", "ES384".into())]);
        Token::new(header, payload, self.certificate.key.clone())
    }

    /// The claims about a device that is well.
    fn device(&self, name: &str, nonce: &[u8]) -> Json {
        let is_switch = name.starts_with("SWITCH");
        let prefix = if is_switch { "x-nvidia-switch" } else { "x-nvidia-gpu" };
        let ueid = u128::from_be_bytes(derive::bytes(&format!("{}/{name}/ueid", self.seed)));
        let model = match (is_switch, self.version) {
            (true, _) => "LS_10 A01 FSP BROM",
            (false, ClaimsVersion::V2) => "GH100",
            (false, ClaimsVersion::V3) => "GH100 A01 GSP BROM",
        };
        let mut claims = self.claims(name);
        claims
            .set("eat_nonce", hex::encode(nonce))
            .set("hwmodel", model)
            .set("ueid", ueid.to_string())
            .set("oemid", if is_switch { Json::Null } else { "5703".into() })
            .set("secboot", true)
            .set("dbgstat", "disabled")
            .set("measres", "success")
            .set("x-nvidia-attestation-warning", Json::Null)
            .set(&format!("{prefix}-arch-check"), true)
            .set(&format!("{prefix}-attestation-report-parsed"), true)
            .set(&format!("{prefix}-attestation-report-nonce-match"), true)
            .set(&format!("{prefix}-attestation-report-signature-verified"), true);
        self.chain(
            &mut claims,
            &format!("{prefix}-attestation-report"),
            "cert-chain-validated",
            "9999-12-31T23:59:59Z",
        );
        let references: &[&str] = if is_switch { &["bios"] } else { &["driver", "vbios"] };
        for reference in references {
            let rim = format!("{prefix}-{reference}-rim");
            for found in ["fetched", "schema-validated", "signature-verified", "measurements-available"] {
                claims.set(&format!("{rim}-{found}"), true);
            }
            self.chain(&mut claims, &rim, "cert-validated", "2027-06-01T02:08:29Z");
        }
        if self.version == ClaimsVersion::V3 {
            claims.set(&format!("{prefix}-attestation-report-cert-chain-fwid-match"), true);
        }
        let versions: &[(&str, &str)] = if is_switch {
            &[("bios-version", "96.10.55.00.01")]
        } else {
            &[("driver-version", "580.159.03"), ("vbios-version", "96.00.D9.00.01"), ("vbios-index-no-conflict", "")]
        };
        for (name, version) in versions {
            let value = if version.is_empty() { Json::Bool(true) } else { (*version).into() };
            claims.set(&format!("{prefix}-{name}"), value);
        }
        claims
    }

    fn chain(&self, claims: &mut Json, subject: &str, validated: &str, not_after: &str) {
        match self.version {
            ClaimsVersion::V2 => claims.set(&format!("{subject}-{validated}"), true),
            ClaimsVersion::V3 => claims.set(
                &format!("{subject}-cert-chain"),
                Json::object([
                    ("x-nvidia-cert-status", "valid".into()),
                    ("x-nvidia-cert-ocsp-status", "good".into()),
                    ("x-nvidia-cert-expiration-date", not_after.into()),
                    ("x-nvidia-cert-revocation-reason", Json::Null),
                ]),
            ),
        };
    }
}
