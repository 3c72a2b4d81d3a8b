//! The hypervisor: which root it has, on which instance in which region it runs what, and what it issues.

use super::{
    chain,
    document::{Document, Kind},
};
use crate::{
    derive, manifest,
    x509::{CertificateSpec, CrlSpec},
};

/// A simulated Nitro hypervisor. Two with the same seed share their root, two with the same seed and region share their
/// regional and zonal issuers, and so on down to the enclave.
#[derive(Clone, Debug)]
pub struct Hypervisor {
    /// The root, which a test may change before anything is issued: what [`Hypervisor::root_der`] pins is this.
    pub root: CertificateSpec,
    pub(super) seed: String,
    pub(super) region: String,
    pub(super) instance_id: String,
    pub(super) enclave_id: u64,
    pub(super) image: String,
    pub(super) role: Option<String>,
}

impl Hypervisor {
    /// A hypervisor with everything derived from `seed`, in us-east-1, with an IAM role.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        Self {
            root: chain::root(seed),
            seed: seed.to_owned(),
            region: "us-east-1".to_owned(),
            // The high byte of genuine ids has been 01 for all of this decade.
            enclave_id: u64::from_be_bytes(derive::bytes(&format!("{seed}/enclave"))) >> 8 | 1 << 56,
            instance_id: format!("i-{}", derive::hex(&format!("{seed}/instance"), 17)),
            image: "image".to_owned(),
            role: Some("arn:aws:iam::111122223333:role/simulated".to_owned()),
        }
    }

    /// The same hypervisor in another AWS region.
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    /// The same hypervisor under another instance, `i-` and 17 hexadecimal digits.
    #[must_use]
    pub fn instance(self, instance_id: &str) -> Self {
        Self { instance_id: instance_id.to_owned(), ..self }
    }

    /// The same hypervisor with another enclave; genuine ids are the time of its launch and 16 random bits.
    #[must_use]
    pub fn enclave(self, enclave_id: u64) -> Self {
        Self { enclave_id, ..self }
    }

    /// The same hypervisor with another image; its name decides the PCRs that measure it.
    #[must_use]
    pub fn image(self, image: &str) -> Self {
        Self { image: image.to_owned(), ..self }
    }

    /// The same hypervisor with another IAM role on the instance, by its ARN, or with none: then PCR3 stays zero.
    #[must_use]
    pub fn role(self, arn: Option<&str>) -> Self {
        Self { role: arn.map(str::to_owned), ..self }
    }

    /// The id of the instance, such as `i-0123456789abcdef0`.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        &self.instance_id
    }

    /// What an enclave gets from the NSM at `at_ms`, milliseconds since the Unix epoch: no public key, user data or
    /// nonce yet.
    #[must_use]
    pub fn document(&self, at_ms: u64) -> Document {
        Document::new(self, Kind::Enclave, at_ms)
    }

    /// What an instance with a NitroTPM gets at `at_ms`: another name for the PCRs, 24 of them, and another module id.
    #[must_use]
    pub fn nitrotpm_document(&self, at_ms: u64) -> Document {
        Document::new(self, Kind::NitroTpm, at_ms)
    }

    /// The root's CRL, which lists regional issuers: `hypervisor.crl_of_root(at, &[&document.chain[1].serial])`.
    #[must_use]
    pub fn crl_of_root(&self, this_update: i64, revoked: &[&[u8]]) -> CrlSpec {
        CrlSpec::issued_by(&self.root, this_update, revoked)
    }

    /// The CRL of the regional issuer, which lists zonal issuers (`document.chain[2]`).
    #[must_use]
    pub fn crl_of_regional(&self, this_update: i64, revoked: &[&[u8]]) -> CrlSpec {
        CrlSpec::issued_by(&chain::regional(self, this_update), this_update, revoked)
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-nitro-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-nitro-{}", self.seed);
        let kinds = ["aws-nitro", "aws-nitrotpm"];
        manifest::of_root(&id, "simulated-nitro-root.der", &self.root, "amazon", &kinds)
    }
}
