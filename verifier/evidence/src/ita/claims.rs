//! What a token of Intel Trust Authority says, by the names of the claim dictionary (`ita.` and the cross-vendor ones).
//!
//! In: the payload. Out: [`Stated`], which nobody has vouched for yet. Tokens of version 1 say everything in one object; those of
//! version 2 have a section for each attester, with the same names in it. Members that are not known here are signed and not
//! read; those that are known have their type. Intel Trust Authority documentation, "Attestation tokens", versions 1 and 2.

use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, Value, cross_vendor, ita},
};

use super::gpu::Devices;
use crate::{
    jose::members::{claim, claim_all, hex, needed_base64, needed_text, object, objects, text},
    json::{Node, Object},
};

/// Members at the top of a token alone.
const TOKEN: &[(&str, ClaimId)] = &[("exp", ita::EXP), ("ver", ita::VER), ("jti", ita::JTI)];

/// Members of a section, or else of the top.
const EITHER: &[(&str, ClaimId)] =
    &[("eat_profile", ita::EAT_PROFILE), ("intuse", ita::INTUSE), ("dbgstat", ita::DBGSTAT)];

/// Members about a trust domain.
const TDX: &[(&str, ClaimId)] = &[
    ("tdx_mrseam", ita::TDX_MRSEAM),
    ("tdx_mrsignerseam", ita::TDX_MRSIGNERSEAM),
    ("tdx_mrtd", ita::TDX_MRTD),
    ("tdx_mrconfigid", ita::TDX_MRCONFIGID),
    ("tdx_mrowner", ita::TDX_MROWNER),
    ("tdx_mrownerconfig", ita::TDX_MROWNERCONFIG),
    ("tdx_report_data", ita::TDX_REPORT_DATA),
    ("tdx_seam_attributes", ita::TDX_SEAM_ATTRIBUTES),
    ("tdx_tee_tcb_svn", ita::TDX_TEE_TCB_SVN),
    ("tdx_td_attributes", ita::TDX_TD_ATTRIBUTES),
    ("tdx_xfam", ita::TDX_XFAM),
    ("tdx_is_debuggable", ita::TDX_IS_DEBUGGABLE),
    ("tdx_is_migratable", ita::TDX_IS_MIGRATABLE),
    ("tdx_td_attributes_debug", ita::TDX_TD_ATTRIBUTES_DEBUG),
    ("tdx_td_attributes_septve_disable", ita::TDX_TD_ATTRIBUTES_SEPTVE_DISABLE),
    ("tdx_td_attributes_protection_keys", ita::TDX_TD_ATTRIBUTES_PROTECTION_KEYS),
    ("tdx_td_attributes_key_locker", ita::TDX_TD_ATTRIBUTES_KEY_LOCKER),
    ("tdx_td_attributes_perfmon", ita::TDX_TD_ATTRIBUTES_PERFMON),
    ("tdx_seamsvn", ita::TDX_SEAMSVN),
];
const RTMRS: [&str; 4] = ["tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2", "tdx_rtmr3"];

/// Members about an enclave.
const SGX: &[(&str, ClaimId)] = &[
    ("sgx_mrenclave", ita::SGX_MRENCLAVE),
    ("sgx_mrsigner", ita::SGX_MRSIGNER),
    ("sgx_report_data", ita::SGX_REPORT_DATA),
    ("sgx_isvprodid", ita::SGX_ISVPRODID),
    ("sgx_isvsvn", ita::SGX_ISVSVN),
    ("sgx_is_debuggable", ita::SGX_IS_DEBUGGABLE),
];

/// The service's verdict on a platform's patch level, in Intel's spelling. The spelling of tokens has changed over time.
const STATUSES: [&str; 9] = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
    REVOKED,
];
/// The one that no policy can allow.
pub(super) const REVOKED: &str = "Revoked";

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

impl Attester {
    /// As tokens spell it.
    const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Tdx => Some("TDX"),
            Self::Sgx => Some("SGX"),
            Self::NvGpu => Some("NVGPU"),
            Self::Other => None,
        }
    }
}

/// What a token says.
#[derive(Debug)]
pub(super) struct Stated {
    /// But for devices, and what the hardware signed.
    pub(super) claims: Claims,
    pub(super) attester: Attester,
    pub(super) hardware: Hardware,
    pub(super) devices: Option<Devices>,
}

/// What the attester's hardware signed, and what the token says went into it.
#[derive(Debug)]
pub(super) struct Hardware {
    /// The nonce that the service gave the attester.
    pub(super) nonce: Option<VerifierNonce>,
    /// Held data of an enclave, or runtime data of a trust domain, in base64.
    pub(super) data: Option<String>,
    /// Whether there are data in another form, which cannot be hashed again, or of the user's as well.
    pub(super) has_other_data: bool,
    pub(super) report_data: Option<[u8; 64]>,
    /// SHA-256 of the raw quote that the token was made from.
    pub(super) quote_sha256: Option<[u8; 32]>,
}

/// The nonce that the service gave the attester, and when.
#[derive(Debug)]
pub(super) struct VerifierNonce {
    pub(super) val: Vec<u8>,
    pub(super) iat: Vec<u8>,
}

impl VerifierNonce {
    fn read(nonce: &Object<'_>) -> Result<Self, Reason> {
        Ok(Self { val: needed_base64(nonce, "val")?, iat: needed_base64(nonce, "iat")? })
    }
}

/// Reads what a payload says.
pub(super) fn read(payload: &Object<'_>) -> Result<Stated, Reason> {
    let sections = Sections::of(payload)?;
    let attester = sections.attester()?;
    let section = sections.section();
    let hardware = Hardware::read(section)?;
    let mut claims = Claims::with_capacity(64);
    claim_all(&mut claims, payload, TOKEN)?;
    for object in [payload, section] {
        claim_all(&mut claims, object, EITHER)?;
        policies(&mut claims, object)?;
    }
    let attester_type = text(section, "attester_type")?.or(sections.attester_type).or(attester.as_str());
    claims.insert_if(ita::ATTESTER_TYPE, attester_type);
    claims.insert_if(ita::QUOTE_SHA256, hardware.quote_sha256.as_ref().map(<[u8; 32]>::as_slice));
    tcb(&mut claims, section)?;
    match attester {
        Attester::Tdx => trust_domain(&mut claims, section)?,
        Attester::Sgx => enclave(&mut claims, section)?,
        // Of devices `dbgstat` speaks of something else.
        Attester::NvGpu | Attester::Other => {}
    }
    let devices = sections.nvgpu.map(Devices::read).transpose()?;
    Ok(Stated { claims, attester, hardware, devices })
}

/// The parts of a payload.
struct Sections<'o, 'a> {
    top: &'o Object<'a>,
    attester_type: Option<&'o str>,
    tdx: Option<&'o Object<'a>>,
    sgx: Option<&'o Object<'a>>,
    nvgpu: Option<&'o Object<'a>>,
    sevsnp: Option<&'o Object<'a>>,
}

impl<'o, 'a> Sections<'o, 'a> {
    fn of(top: &'o Object<'a>) -> Result<Self, Reason> {
        let section = |name| object(top, name);
        let [tdx, sgx, nvgpu, sevsnp] = [section("tdx")?, section("sgx")?, section("nvgpu")?, section("sevsnp")?];
        Ok(Self { top, attester_type: text(top, "attester_type")?, tdx, sgx, nvgpu, sevsnp })
    }

    /// Who attests: by the section of version 2, or by what a token of version 1 says of itself. Two of them are none.
    fn attester(&self) -> Result<Attester, Reason> {
        let malformed = |why: &'static str| Err(Reason::new(ReasonCode::TokenMalformed, why));
        let known = [Attester::Tdx, Attester::Sgx, Attester::NvGpu];
        let flat = self
            .attester_type
            .map(|said| known.into_iter().find(|known| known.as_str() == Some(said)).unwrap_or(Attester::Other));
        let section = match (self.tdx, self.sgx) {
            (Some(_), Some(_)) => return malformed("the token speaks of a trust domain and of an enclave"),
            (Some(_), None) => Some(Attester::Tdx),
            (None, Some(_)) => Some(Attester::Sgx),
            (None, None) => None,
        };
        match (section, flat) {
            _ if self.sevsnp.is_some() => Ok(Attester::Other),
            (Some(section), Some(flat)) if section != flat => {
                malformed("the token's attester type is none that it has a section for")
            }
            (Some(attester), _) | (None, Some(attester)) => Ok(attester),
            (None, None) if self.nvgpu.is_some() => Ok(Attester::NvGpu),
            (None, None) => Ok(Attester::Other),
        }
    }

    /// What the token says of its attester.
    fn section(&self) -> &'o Object<'a> {
        self.tdx.or(self.sgx).unwrap_or(self.top)
    }
}

impl Hardware {
    fn read(section: &Object<'_>) -> Result<Self, Reason> {
        let data = ["attester_held_data", "attester_runtime_data"].map(|name| section.get(name));
        let nonce = object(section, "verifier_nonce")?.map(VerifierNonce::read).transpose()?;
        let is_other = |data: &&Node<'_>| data.as_text().is_none();
        let has_other_data = data.iter().flatten().any(is_other) || section.get("attester_user_data").is_some();
        let of_domain = hex::<64>(section, "tdx_report_data")?;
        let collateral = [object(section, "tdx_collateral")?, object(section, "sgx_collateral")?];
        let collateral = collateral.into_iter().flatten().next();
        Ok(Self {
            nonce,
            data: data.into_iter().flatten().next().and_then(Node::as_text).map(str::to_owned),
            has_other_data,
            report_data: of_domain.or(hex(section, "sgx_report_data")?),
            quote_sha256: collateral.map(|collateral| hex(collateral, "quotehash")).transpose()?.flatten(),
        })
    }
}

/// The policies that matched, and those that did not.
fn policies(claims: &mut Claims, object: &Object<'_>) -> Result<(), Reason> {
    for (name, id) in
        [("policy_ids_matched", ita::POLICY_IDS_MATCHED), ("policy_ids_unmatched", ita::POLICY_IDS_UNMATCHED)]
    {
        if object.get(name).is_some() {
            let ids = objects(object, name)?.into_iter().map(|policy| needed_text(policy, "id").map(Value::from));
            claims.insert(id, ids.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(())
}

/// The platform's patch level.
fn tcb(claims: &mut Claims, section: &Object<'_>) -> Result<(), Reason> {
    let status = text(section, "attester_tcb_status")?.and_then(status);
    claims.insert_if(ita::ATTESTER_TCB_STATUS, status);
    claims.insert_if(cross_vendor::TCB_STATUS, status);
    claim(claims, section, "attester_tcb_date", ita::ATTESTER_TCB_DATE)?;
    claim(claims, section, "attester_tcb_date", cross_vendor::TCB_DATE)?;
    claim(claims, section, "attester_advisory_ids", ita::ATTESTER_ADVISORY_IDS)?;
    if let Some(Value::List(advisories)) = claims.get(ita::ATTESTER_ADVISORY_IDS) {
        let mut advisories = advisories.clone();
        advisories.sort_by_cached_key(ToString::to_string);
        advisories.dedup();
        claims.insert(ita::ATTESTER_ADVISORY_IDS, advisories.clone());
        claims.insert(cross_vendor::ADVISORIES, advisories);
    }
    Ok(())
}

/// A status in Intel's spelling; `None` for one that is not known.
fn status(said: &str) -> Option<&'static str> {
    if said.eq_ignore_ascii_case("OK") {
        return STATUSES.first().copied();
    }
    let letters: String = said.chars().filter(|&letter| letter != '_').collect();
    STATUSES.into_iter().find(|status| status.eq_ignore_ascii_case(&letters))
}

fn trust_domain(claims: &mut Claims, section: &Object<'_>) -> Result<(), Reason> {
    claims.insert(cross_vendor::PLATFORM, "tdx");
    claim_all(claims, section, TDX)?;
    claim(claims, section, "tdx_mrtd", cross_vendor::MEASUREMENT)?;
    for (number, name) in (0_u16..).zip(RTMRS) {
        claim(claims, section, name, ita::TDX_RTMR.at(number))?;
    }
    debug(claims, &[ita::TDX_IS_DEBUGGABLE, ita::TDX_TD_ATTRIBUTES_DEBUG]);
    Ok(())
}

fn enclave(claims: &mut Claims, section: &Object<'_>) -> Result<(), Reason> {
    claims.insert(cross_vendor::PLATFORM, "sgx");
    claim_all(claims, section, SGX)?;
    claim(claims, section, "sgx_mrenclave", cross_vendor::MEASUREMENT)?;
    debug(claims, &[ita::SGX_IS_DEBUGGABLE]);
    Ok(())
}

/// Any word of debugging counts.
fn debug(claims: &mut Claims, debuggable: &[ClaimId]) {
    let stated = match claims.get(ita::DBGSTAT) {
        Some(Value::Text(status)) => Some(!status.starts_with("disabled")),
        _ => None,
    };
    let said = debuggable.iter().map(|name| claims.bool(*name)).chain([stated]).flatten();
    let any = said.reduce(|any, debuggable| any || debuggable);
    claims.insert_if(cross_vendor::DEBUG, any);
}
