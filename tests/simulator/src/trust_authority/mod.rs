//! Intel Trust Authority: its key with the chain to its root, and its tokens about trust domains, enclaves and GPUs, in both
//! versions of their claims.
//!
//! ```
//! use prooftrail_simulator::trust_authority::Service;
//!
//! let service = Service::new("example", 1_780_315_200);
//! let mut token = service.trust_domain(b"runtime data");
//! token.payload.set("attester_tcb_status", "OutOfDate");
//! assert!(token.build().starts_with("ey"));
//! ```

mod claims;

use crate::{
    derive,
    jose::{Json, Jwk, KeySet, Token},
    key::Key,
    manifest,
    x509::{
        CertificateSpec, CrlSpec, Extension,
        KeyUsage::{ContentCommitment, CrlSign, DigitalSignature, KeyCertSign},
        Name, oid,
    },
};

const DAY: i64 = 24 * 3600;

/// The service. Two with the same seed and time are the same.
#[derive(Clone, Debug)]
pub struct Service {
    /// The root.
    pub root: CertificateSpec,
    /// The CA that certifies keys.
    pub authority: CertificateSpec,
    /// The certificate of the key that signs tokens.
    pub leaf: CertificateSpec,
    /// The key's id.
    pub kid: String,
    seed: String,
    at: i64,
}

impl Service {
    /// A service whose tokens are issued at `at`, seconds since the Unix epoch.
    #[must_use]
    pub fn new(seed: &str, at: i64) -> Self {
        let label = |name: &str| format!("{seed}/ita/{name}");
        let certificate = |name: &str, common_name: &str, key: Key, extensions: Vec<Extension>, to: i64| {
            let subject = Name::new(&[
                (oid::COUNTRY, "US"),
                (oid::ORGANIZATION, "Intel Corporation"),
                (oid::COMMON_NAME, common_name),
            ]);
            let serial = derive::serial::<8>(&label(name));
            CertificateSpec { extensions, ..CertificateSpec::new(subject, key, serial, at - 100 * DAY, at + to) }
        };
        let published = |name: &str| Extension::crl_distribution_point(&format!("https://ita.example/crl/{name}.der"));
        let authority =
            |depth| vec![Extension::basic_constraints(true, depth), Extension::key_usage(&[KeyCertSign, CrlSign])];
        let mut between = authority(Some(0));
        between.push(published("root-ca-crl"));
        let leaf = vec![
            Extension::basic_constraints(false, None),
            Extension::key_usage(&[DigitalSignature, ContentCommitment]),
            published("ats-ca-crl"),
        ];
        Self {
            root: certificate(
                "root",
                "Simulated Amber Root CA",
                Key::rsa4096_pkcs1(&label("root")),
                authority(None),
                9_000 * DAY,
            ),
            authority: certificate(
                "ca",
                "Simulated Amber ATS Signing CA",
                Key::rsa4096_pkcs1(&label("ca")),
                between,
                4_000 * DAY,
            ),
            leaf: certificate(
                "leaf",
                "Simulated Amber Attestation Token Signing",
                Key::rsa4096(&label("leaf")),
                leaf,
                200 * DAY,
            ),
            kid: hex::encode(claims::drawn::<48>(&label("kid"))),
            seed: seed.to_owned(),
            at,
        }
    }

    /// What it publishes: the key by its numbers, and its chain.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        let mut key = Jwk::of(&self.leaf.key, &self.kid).with_chain(&self.chain());
        key.0.set("alg", "PS384");
        KeySet::new(vec![key])
    }

    /// The chain, leaf first.
    #[must_use]
    pub fn chain(&self) -> [Vec<u8>; 3] {
        [self.leaf.issued_by(&self.authority), self.authority.issued_by(&self.root), self.root_der()]
    }

    /// The lists of the CA and of the root, as long as nothing is revoked.
    #[must_use]
    pub fn crls(&self) -> [CrlSpec; 2] {
        let list = |issuer: &CertificateSpec| CrlSpec::issued_by(issuer, self.at - DAY, &[]);
        [list(&self.authority), list(&self.root)]
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-ita-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-ita-{}", self.seed);
        manifest::of_root(&id, "simulated-ita-root.der", &self.root, "intel", &["intel-trust-authority"])
    }

    /// A token of version 1 about a trust domain that had these runtime data signed.
    #[must_use]
    pub fn trust_domain(&self, runtime_data: &[u8]) -> Token {
        let mut payload = claims::envelope(&self.seed, self.at, "1.0.0");
        payload.merge(claims::trust_domain(&self.seed, self.at, runtime_data));
        payload.set("attester_type", "TDX");
        self.token(payload)
    }

    /// A token of version 1 about an enclave that had these data signed.
    #[must_use]
    pub fn enclave(&self, held_data: &[u8]) -> Token {
        let mut payload = claims::envelope(&self.seed, self.at, "1.0.0");
        payload.merge(claims::enclave(&self.seed, self.at, held_data));
        payload.set("attester_type", "SGX");
        self.token(payload)
    }

    /// A token of version 2 about a trust domain and its GPU, which was asked with the hash of the same runtime data.
    #[must_use]
    pub fn composite(&self, runtime_data: &[u8]) -> Token {
        let mut payload = claims::envelope(&self.seed, self.at, "2.0.0");
        payload.set("appraisal", Json::object([("method", "default".into()), ("ver", "2".into())]));
        payload.set("tdx", claims::trust_domain(&self.seed, self.at, runtime_data));
        payload.set("nvgpu", claims::gpu(&self.seed, self.at, runtime_data));
        self.token(payload)
    }

    fn token(&self, payload: Json) -> Token {
        let header = Json::object([
            ("alg", "PS384".into()),
            ("jku", "https://portal.trustauthority.intel.com/certs".into()),
            ("kid", self.kid.as_str().into()),
            ("typ", "JWT".into()),
        ]);
        Token::new(header, payload, self.leaf.key.clone())
    }
}
