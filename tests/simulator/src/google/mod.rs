//! Google's verifier for Confidential Space: its keys, with and without certificates, and its tokens, with the members of
//! genuine ones.
//!
//! ```
//! use prooftrail_simulator::google::Verifier;
//!
//! let verifier = Verifier::new("example", 1_780_315_200);
//! let mut token = verifier.pki_token();
//! token.payload.set("submods/container/restart_policy", "Always");
//! assert!(token.build().starts_with("ey"));
//! assert!(verifier.key_set().build().starts_with(b"{\"keys\":["));
//! ```

mod claims;

use crate::{
    base64::base64,
    derive,
    jose::{Json, Jwk, KeySet, Token, base64url},
    key::Key,
    manifest,
    x509::{
        CertificateSpec, Extension,
        KeyUsage::{CrlSign, KeyCertSign},
        Name, oid,
    },
};

const DAY: i64 = 24 * 3600;

/// The verifier. Two with the same seed and time are the same.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The root of PKI tokens.
    pub root: CertificateSpec,
    /// The CA below it.
    pub intermediate: CertificateSpec,
    /// The certificate of the key that signs PKI tokens.
    pub leaf: CertificateSpec,
    /// The key that signs OIDC tokens.
    pub key: Key,
    /// Its id.
    pub kid: String,
    seed: String,
    at: i64,
}

impl Verifier {
    /// A verifier whose tokens are issued at `at`, seconds since the Unix epoch.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let label = |name: &str| format!("{seed}/google/{name}");
        let certificate = |name: &str, common_name: &str, extensions: Vec<Extension>, from: i64, to: i64| {
            let subject = Name::new(&[
                (oid::COUNTRY, "US"),
                (oid::ORGANIZATION, "Google LLC"),
                (oid::ORGANIZATIONAL_UNIT, "Google Cloud"),
                (oid::COMMON_NAME, common_name),
            ]);
            let (key, serial) = (Key::rsa4096_pkcs1(&label(name)), derive::serial::<20>(&label(name)));
            CertificateSpec { extensions, ..CertificateSpec::new(subject, key, serial, at + from, at + to) }
        };
        let authority =
            || vec![Extension::key_usage(&[KeyCertSign, CrlSign]), Extension::basic_constraints(true, None)];
        let mut between = authority();
        between.push(Extension::extended_key_usage(&[oid::TCG_EK_CERTIFICATE]));
        between.push(Extension::authority_key_identifier());
        between.push(Extension::crl_distribution_point("http://privateca-content.example/crl.crl"));
        let leaf = vec![Extension::basic_constraints(false, None), Extension::authority_key_identifier()];
        Self {
            root: certificate("root", "Simulated Confidential Space Root CA", authority(), -800 * DAY, 2_800 * DAY),
            intermediate: certificate(
                "ca",
                "Simulated Confidential Space Intermediate CA",
                between,
                -700 * DAY,
                400 * DAY,
            ),
            leaf: certificate("leaf", "Simulated Confidential Space Leaf Certificate", leaf, -30 * DAY, 30 * DAY),
            key: Key::rsa4096_pkcs1(&label("oidc")),
            kid: hex::encode(derive::bytes::<20>(&label("kid"))),
            seed: seed.to_owned(),
            at,
        }
    }

    /// The key that signs OIDC tokens, as it is published.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        let mut key = Jwk::of(&self.key, &self.kid);
        key.0.set("alg", "RS256").set("use", "sig");
        KeySet::new(vec![key])
    }

    /// An OIDC token of a workload without a nonce.
    #[must_use]
    pub fn oidc_token(&self) -> Token {
        Token::new(self.header(&self.kid), claims::workload(&self.seed, self.at), self.key.clone())
    }

    /// The same as a PKI token, which brings its chain.
    #[must_use]
    pub fn pki_token(&self) -> Token {
        let mut header = self.header(&base64url(&derive::bytes::<32>(&format!("{}/google/thumbprint", self.seed))));
        header.set("x5c", self.chain().iter().map(|der| Json::Text(base64(der))).collect::<Vec<_>>());
        Token::new(header, claims::workload(&self.seed, self.at), self.leaf.key.clone())
    }

    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> [Vec<u8>; 3] {
        [self.leaf.issued_by(&self.intermediate), self.intermediate.issued_by(&self.root), self.root_der()]
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-google-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-google-{}", self.seed);
        manifest::of_root(&id, "simulated-google-root.der", &self.root, "google", &["gcp-confidential-space"])
    }

    fn header(&self, kid: &str) -> Json {
        Json::object([("alg", "RS256".into()), ("kid", kid.into()), ("typ", "JWT".into())])
    }
}
