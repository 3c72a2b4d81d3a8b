//! The claims of Intel Trust Authority's tokens, as far as they are read.
//!
//! In: the payload of a token. Out: [`Token`]. Tokens of version 1 say everything in one object; those of version 2 have a
//! section for each attester, with the same names in it. Both are read into the same [`Section`]. Members that are not known
//! here are signed and not read; those that are known have their type.
//! Intel Trust Authority documentation, "Attestation tokens", versions 1 and 2.

use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jose::{Base64, Hex, Instant};

#[derive(Debug, Deserialize)]
pub(super) struct Token {
    pub(super) iss: String,
    pub(super) iat: i64,
    pub(super) nbf: Option<i64>,
    pub(super) exp: i64,
    pub(super) ver: Option<String>,
    pub(super) jti: Option<String>,
    pub(super) eat_profile: Option<String>,
    pub(super) intuse: Option<String>,
    /// What a token of version 1 says of its one attester.
    #[serde(flatten)]
    flat: Section,
    tdx: Option<Box<Section>>,
    sgx: Option<Box<Section>>,
    pub(super) nvgpu: Option<Map<String, Value>>,
    sevsnp: Option<Map<String, Value>>,
}

/// What a token says of an attester.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Section {
    attester_type: Option<String>,
    pub(super) dbgstat: Option<String>,
    pub(super) eat_profile: Option<String>,
    pub(super) intuse: Option<String>,
    pub(super) attester_tcb_status: Option<String>,
    pub(super) attester_tcb_date: Option<Instant>,
    pub(super) attester_advisory_ids: Option<Vec<String>>,
    /// A text in base64; of paravisors the object that they had the hardware sign.
    attester_held_data: Option<Value>,
    attester_runtime_data: Option<Value>,
    pub(super) attester_user_data: Option<Value>,
    pub(super) verifier_nonce: Option<VerifierNonce>,
    pub(super) policy_ids_matched: Option<Vec<PolicyId>>,
    pub(super) policy_ids_unmatched: Option<Vec<PolicyId>>,

    pub(super) tdx_mrseam: Option<Hex<48>>,
    pub(super) tdx_mrsignerseam: Option<Hex<48>>,
    pub(super) tdx_mrtd: Option<Hex<48>>,
    pub(super) tdx_rtmr0: Option<Hex<48>>,
    pub(super) tdx_rtmr1: Option<Hex<48>>,
    pub(super) tdx_rtmr2: Option<Hex<48>>,
    pub(super) tdx_rtmr3: Option<Hex<48>>,
    pub(super) tdx_mrconfigid: Option<Hex<48>>,
    pub(super) tdx_mrowner: Option<Hex<48>>,
    pub(super) tdx_mrownerconfig: Option<Hex<48>>,
    pub(super) tdx_report_data: Option<Hex<64>>,
    pub(super) tdx_seam_attributes: Option<Hex<8>>,
    pub(super) tdx_tee_tcb_svn: Option<Hex<16>>,
    pub(super) tdx_td_attributes: Option<Hex<8>>,
    pub(super) tdx_xfam: Option<Hex<8>>,
    pub(super) tdx_is_debuggable: Option<bool>,
    pub(super) tdx_is_migratable: Option<bool>,
    pub(super) tdx_td_attributes_debug: Option<bool>,
    pub(super) tdx_td_attributes_septve_disable: Option<bool>,
    pub(super) tdx_td_attributes_protection_keys: Option<bool>,
    pub(super) tdx_td_attributes_key_locker: Option<bool>,
    pub(super) tdx_td_attributes_perfmon: Option<bool>,
    pub(super) tdx_seamsvn: Option<u64>,
    tdx_collateral: Option<Collateral>,

    pub(super) sgx_mrenclave: Option<Hex<32>>,
    pub(super) sgx_mrsigner: Option<Hex<32>>,
    pub(super) sgx_report_data: Option<Hex<64>>,
    pub(super) sgx_isvprodid: Option<u64>,
    pub(super) sgx_isvsvn: Option<u64>,
    pub(super) sgx_is_debuggable: Option<bool>,
    sgx_collateral: Option<Collateral>,
}

/// The nonce that the service gave the attester, and when.
#[derive(Debug, Deserialize)]
pub(super) struct VerifierNonce {
    pub(super) val: Base64,
    pub(super) iat: Base64,
}

#[derive(Debug, Deserialize)]
pub(super) struct PolicyId {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
struct Collateral {
    quotehash: Option<Hex<32>>,
}

/// Who attests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Attester {
    /// A trust domain.
    Tdx,
    /// An enclave.
    Sgx,
    /// GPUs alone.
    NvGpu,
    /// Somebody whose claims are not read here.
    Other,
}

impl Token {
    /// Who attests: by the section of version 2, or by what a token of version 1 says of itself. Two of them are none.
    pub(super) fn attester(&self) -> Result<Attester, Reason> {
        let nested = [(&self.tdx, Attester::Tdx), (&self.sgx, Attester::Sgx)];
        let mut nested = nested.into_iter().filter(|(section, _)| section.is_some()).map(|(_, attester)| attester);
        let flat = match self.flat.attester_type.as_deref() {
            Some("TDX") => Some(Attester::Tdx),
            Some("SGX") => Some(Attester::Sgx),
            Some("NVGPU") => Some(Attester::NvGpu),
            Some(_) => Some(Attester::Other),
            None => None,
        };
        let section = match (nested.next(), nested.next()) {
            (section, None) => section,
            _ => return Err(malformed("the token speaks of a trust domain and of an enclave")),
        };
        match (section, flat) {
            _ if self.sevsnp.is_some() => Ok(Attester::Other),
            (Some(section), Some(flat)) if section != flat => {
                Err(malformed("the token's attester type is none that it has a section for"))
            }
            (Some(attester), _) | (None, Some(attester)) => Ok(attester),
            (None, None) if self.nvgpu.is_some() => Ok(Attester::NvGpu),
            (None, None) => Ok(Attester::Other),
        }
    }

    /// What the token says of its attester.
    pub(super) fn section(&self) -> &Section {
        self.tdx.as_deref().or(self.sgx.as_deref()).unwrap_or(&self.flat)
    }

    /// What the token says at its top.
    pub(super) const fn top(&self) -> &Section {
        &self.flat
    }

    /// The attester as the token spells it.
    pub(super) fn attester_type(&self, attester: Attester) -> Option<&str> {
        let spelt = self.section().attester_type.as_deref().or(self.flat.attester_type.as_deref());
        spelt.or(match attester {
            Attester::Tdx => Some("TDX"),
            Attester::Sgx => Some("SGX"),
            Attester::NvGpu => Some("NVGPU"),
            Attester::Other => None,
        })
    }
}

impl Section {
    /// What the attester had its hardware sign, in base64: held data of an enclave, runtime data of a trust domain.
    pub(super) fn signed_data(&self) -> Option<&str> {
        self.attester_held_data.as_ref().or(self.attester_runtime_data.as_ref()).and_then(Value::as_str)
    }

    /// Whether there are such data in another form, which cannot be hashed again.
    pub(super) fn has_other_data(&self) -> bool {
        let data = [&self.attester_held_data, &self.attester_runtime_data];
        data.into_iter().flatten().any(|data| !data.is_null() && !data.is_string())
    }

    /// SHA-256 of the raw quote that the token was made from.
    pub(super) fn quote_sha256(&self) -> Option<&[u8; 32]> {
        let collateral = self.tdx_collateral.as_ref().or(self.sgx_collateral.as_ref());
        collateral.and_then(|collateral| collateral.quotehash.as_ref()).map(|hash| &hash.0)
    }

    /// The report data of the hardware.
    pub(super) fn report_data(&self) -> Option<&[u8; 64]> {
        self.tdx_report_data.as_ref().or(self.sgx_report_data.as_ref()).map(|data| &data.0)
    }
}

fn malformed(why: &'static str) -> Reason {
    Reason::new(ReasonCode::TokenMalformed, why)
}
