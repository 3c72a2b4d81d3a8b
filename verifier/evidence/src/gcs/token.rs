//! The claims of Google's attestation tokens for Confidential Space, as far as they are read.
//!
//! In: the payload of a token. Out: [`Token`]. Members that are not known here are signed and not read, since Google adds some
//! without notice; those that are known have their type. What a token leaves out is left out: nothing has a default.
//! Google Cloud, Confidential Space documentation, "Attestation token claims".

use std::collections::{BTreeMap, BTreeSet};

use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;

use crate::{
    authentic::Link,
    jose::{Hex, Instant, Texts},
};

#[derive(Debug, Deserialize)]
pub(super) struct Token {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: Option<String>,
    pub(super) iat: i64,
    pub(super) nbf: Option<i64>,
    pub(super) exp: i64,
    /// One nonce stands there as a text, several as a list.
    pub(super) eat_nonce: Option<Texts>,
    pub(super) secboot: Option<bool>,
    pub(super) oemid: Option<u64>,
    pub(super) hwmodel: Option<String>,
    pub(super) swname: Option<String>,
    pub(super) swversion: Option<Texts>,
    pub(super) dbgstat: Option<String>,
    pub(super) attester_tcb: Option<Vec<String>>,
    pub(super) tdx: Option<Tdx>,
    pub(super) google_service_accounts: Option<Vec<String>>,
    #[serde(default)]
    pub(super) submods: Submods,
}

/// What Google says of a TDX platform: of the time at which it was put into service.
#[derive(Debug, Deserialize)]
pub(super) struct Tdx {
    pub(super) gcp_attester_tcb_status: Option<String>,
    pub(super) gcp_attester_tcb_date: Option<Instant>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Submods {
    pub(super) confidential_space: Option<ConfidentialSpace>,
    pub(super) container: Option<Container>,
    pub(super) gce: Option<Gce>,
    pub(super) nvidia_gpu: Option<NvidiaGpu>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConfidentialSpace {
    /// Absent on debug images.
    pub(super) support_attributes: Option<Vec<String>>,
    pub(super) monitoring_enabled: Option<Monitoring>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Monitoring {
    pub(super) memory: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Container {
    pub(super) image_reference: Option<String>,
    pub(super) image_digest: Option<String>,
    pub(super) image_id: Option<String>,
    pub(super) restart_policy: Option<String>,
    pub(super) args: Option<Vec<String>>,
    pub(super) cmd_override: Option<Vec<String>>,
    pub(super) env: Option<BTreeMap<String, String>>,
    pub(super) env_override: Option<BTreeMap<String, String>>,
    pub(super) image_signatures: Option<Vec<ImageSignature>>,
}

/// A signature over the image that Google verified.
#[derive(Debug, Deserialize)]
pub(super) struct ImageSignature {
    /// SHA-256 of the key's SubjectPublicKeyInfo.
    pub(super) key_id: Hex<32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Gce {
    pub(super) zone: Option<String>,
    pub(super) project_id: Option<String>,
    pub(super) project_number: Option<String>,
    pub(super) instance_name: Option<String>,
    pub(super) instance_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NvidiaGpu {
    pub(super) cc_mode: Option<String>,
    pub(super) cc_feature: Option<String>,
    #[serde(default)]
    pub(super) gpus: Vec<Gpu>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Gpu {
    pub(super) hwmodel: Option<String>,
    pub(super) driver_version: Option<String>,
    pub(super) vbios_version: Option<String>,
    pub(super) ueid: Option<String>,
}

impl Token {
    /// Checks that the devices are different ones, as far as they have ids.
    pub(super) fn check_devices(&self) -> Result<(), Reason> {
        let mut seen = BTreeSet::new();
        let gpus = self.submods.nvidia_gpu.iter().flat_map(|devices| &devices.gpus);
        match gpus.filter_map(|gpu| gpu.ueid.as_deref()).find(|ueid| !seen.insert(*ueid)) {
            None => Ok(()),
            Some(twice) => Err(Reason::new(ReasonCode::TokenMalformed, "the token lists one device twice").have(twice)),
        }
    }

    /// Which devices it speaks of.
    pub(super) fn links(&self) -> Vec<Link> {
        let gpus = self.submods.nvidia_gpu.iter().flat_map(|devices| &devices.gpus);
        gpus.filter_map(|gpu| gpu.ueid.as_deref()).map(|ueid| Link::Device(ueid.into())).collect()
    }
}
