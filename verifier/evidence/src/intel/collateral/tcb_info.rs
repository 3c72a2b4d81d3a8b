//! TCB info: what the versions of a platform family's components are worth (PCS API v4, "Get SGX TCB Info" and "Get TDX
//! TCB Info", version 3 of the document; version 2, which named no TEE, went with version 3 of the API).

use std::cmp::Reverse;

use prooftrail_result::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    Tee,
    signed::Document,
    text::{Advisories, Status, SvnLevel, hex, instant, svn_levels},
};

/// What the versions of a platform family are worth.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::intel) struct TcbInfo {
    #[serde(rename = "id", deserialize_with = "tee")]
    pub(in crate::intel) tee: Tee,
    version: u32,
    #[serde(deserialize_with = "instant")]
    issue_date: Timestamp,
    #[serde(deserialize_with = "instant")]
    next_update: Timestamp,
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) fmspc: [u8; 6],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) pce_id: [u8; 2],
    tcb_type: u32,
    tcb_evaluation_data_number: u64,
    /// The module of TDX 1.0, whose version counts among the components.
    pub(in crate::intel) tdx_module: Option<Module>,
    #[serde(default)]
    pub(in crate::intel) tdx_module_identities: Vec<ModuleIdentity>,
    /// From the highest level to the lowest, as Intel's library walks them.
    #[serde(deserialize_with = "levels")]
    pub(in crate::intel) tcb_levels: Vec<TcbLevel>,
}

/// Who signs a TDX module, and its attributes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::intel) struct Module {
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) mrsigner: [u8; 48],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) attributes: [u8; 8],
    #[serde(deserialize_with = "hex")]
    pub(in crate::intel) attributes_mask: [u8; 8],
}

/// A TDX module that is judged by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::intel) struct ModuleIdentity {
    /// `TDX_` and the module's major version, two hex digits.
    pub(in crate::intel) id: String,
    #[serde(flatten)]
    pub(in crate::intel) module: Module,
    /// The highest version first.
    #[serde(deserialize_with = "svn_levels")]
    pub(in crate::intel) tcb_levels: Vec<SvnLevel>,
}

/// A level: least versions, and what a platform that has them is worth.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::intel) struct TcbLevel {
    pub(in crate::intel) tcb: Tcb,
    #[serde(deserialize_with = "instant")]
    pub(in crate::intel) tcb_date: Timestamp,
    pub(in crate::intel) tcb_status: Status,
    #[serde(rename = "advisoryIDs", default)]
    pub(in crate::intel) advisory_ids: Advisories,
}

/// The least versions of a level.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::intel) struct Tcb {
    #[serde(rename = "sgxtcbcomponents")]
    pub(in crate::intel) sgx: [Component; 16],
    #[serde(rename = "pcesvn")]
    pub(in crate::intel) pce_svn: u16,
    #[serde(rename = "tdxtcbcomponents")]
    pub(in crate::intel) tdx: Option<[Component; 16]>,
}

/// The least version of a component.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::intel) struct Component {
    pub(in crate::intel) svn: u8,
    /// What it is, for people.
    #[serde(rename = "type")]
    pub(in crate::intel) name: Option<String>,
}

impl Tcb {
    /// The versions in the order in which Intel's library compares levels.
    fn versions(&self) -> ([u8; 16], u16, Option<[u8; 16]>) {
        let svns = |components: &[Component; 16]| components.each_ref().map(|component| component.svn);
        (svns(&self.sgx), self.pce_svn, self.tdx.as_ref().map(svns))
    }
}

fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TcbLevel>, D::Error> {
    let mut levels = Vec::<TcbLevel>::deserialize(deserializer)?;
    levels.sort_by_cached_key(|level| Reverse(level.tcb.versions()));
    Ok(levels)
}

fn tee<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tee, D::Error> {
    let id = String::deserialize(deserializer)?;
    let known = [Tee::Sgx, Tee::Tdx].into_iter().find(|tee| tee.as_str() == id);
    known.ok_or_else(|| D::Error::custom("the TCB info of no TEE that is known here"))
}

impl Document for TcbInfo {
    const NAME: &'static str = "TCB info";
    const ROLE: &'static str = "tcb_info";

    fn is_supported(&self) -> Result<(), String> {
        match self {
            Self { version: 3, tcb_type: 0, tee: Tee::Sgx, .. } => Ok(()),
            Self { version: 3, tcb_type: 0, tee: Tee::Tdx, .. } => {
                let complete = self.tdx_module.is_some() && self.tcb_levels.iter().all(|level| level.tcb.tdx.is_some());
                if complete { Ok(()) } else { Err("TDX, but without the module or its components".to_owned()) }
            }
            Self { version, tcb_type, .. } => Err(format!("version {version}, TCB type {tcb_type}")),
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
