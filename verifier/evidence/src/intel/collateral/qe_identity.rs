//! The identity of a quoting enclave (PCS API v4, "Get SGX QE Identity" and "Get TDX QE Identity").

use prooftrail_result::Timestamp;
use serde::Deserialize;

use super::{
    Tee,
    signed::Document,
    text::{SvnLevel, hex, instant, svn_levels},
};

/// What a quoting enclave of Intel's looks like, and what its versions are worth.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::intel) struct QeIdentity {
    #[serde(rename = "id", deserialize_with = "tee")]
    pub(in crate::intel) tee: Tee,
    version: u32,
    #[serde(deserialize_with = "instant")]
    issue_date: Timestamp,
    #[serde(deserialize_with = "instant")]
    next_update: Timestamp,
    tcb_evaluation_data_number: u64,
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) miscselect: [u8; 4],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) miscselect_mask: [u8; 4],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) attributes: [u8; 16],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) attributes_mask: [u8; 16],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) mrsigner: [u8; 32],
    pub(in crate::intel) isvprodid: u16,
    /// The highest version first.
    #[serde(deserialize_with = "svn_levels")]
    pub(in crate::intel) tcb_levels: Vec<SvnLevel>,
}

impl QeIdentity {
    /// The `id` of a TEE's quoting enclave.
    pub(in crate::intel) const fn id_of(tee: Tee) -> &'static str {
        match tee {
            Tee::Sgx => "QE",
            Tee::Tdx => "TD_QE",
        }
    }
}

fn tee<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tee, D::Error> {
    let id = String::deserialize(deserializer)?;
    [Tee::Sgx, Tee::Tdx]
        .into_iter()
        .find(|tee| QeIdentity::id_of(*tee) == id)
        .ok_or_else(|| serde::de::Error::custom("the identity of no quoting enclave that signs quotes"))
}

impl Document for QeIdentity {
    const NAME: &'static str = "QE identity";
    const ROLE: &'static str = "qe_identity";

    fn is_supported(&self) -> Result<(), String> {
        match (self.tee, self.version) {
            (_, 2) | (Tee::Tdx, 3) => Ok(()),
            (_, version) => Err(format!("version {version}")),
        }
    }

    fn issue_date(&self) -> Timestamp {
        self.issue_date
    }

    fn next_update(&self) -> Timestamp {
        self.next_update
    }

    fn evaluation_data_number(&self) -> u64 {
        self.tcb_evaluation_data_number
    }
}
