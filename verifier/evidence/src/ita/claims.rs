//! What a token of Intel Trust Authority establishes, by the names of the claim dictionary (`ita.` and the cross-vendor ones).
//!
//! In: the claims of a token whose signature, key and times were found good. Out: [`Claims`].

use prooftrail_result::claims::{ClaimName, Claims, Value, cross_vendor, ita};

use super::token::{Attester, PolicyId, Section, Token};
use crate::jose::{Hex, Signer, Window};

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

/// Everything that is established of the attester, but for devices and what the hardware signed.
pub(super) fn claims(token: &Token, attester: Attester, window: Window, signer: &Signer) -> Claims {
    let (section, top) = (token.section(), token.top());
    let mut claims = Claims::with_capacity(64);
    signer.claim(&mut claims);
    claims.insert(cross_vendor::ISSUED_AT, window.issued_at);
    claims.insert(ita::ISSUER, token.iss.as_str());
    claims.insert(ita::EXP, window.expires);
    claims.insert_if(ita::VER, token.ver.as_deref());
    claims.insert_if(ita::JTI, token.jti.as_deref());
    claims.insert_if(ita::EAT_PROFILE, section.eat_profile.as_deref().or(token.eat_profile.as_deref()));
    claims.insert_if(ita::INTUSE, section.intuse.as_deref().or(token.intuse.as_deref()));
    claims.insert_if(ita::ATTESTER_TYPE, token.attester_type(attester));
    let dbgstat = section.dbgstat.as_deref().or(top.dbgstat.as_deref());
    claims.insert_if(ita::DBGSTAT, dbgstat);
    claims.insert_if(ita::POLICY_IDS_MATCHED, ids(&section.policy_ids_matched, &top.policy_ids_matched));
    claims.insert_if(ita::POLICY_IDS_UNMATCHED, ids(&section.policy_ids_unmatched, &top.policy_ids_unmatched));
    claims.insert_if(ita::QUOTE_SHA256, section.quote_sha256().map(<[u8; 32]>::as_slice));
    tcb(&mut claims, section);
    let debuggable = match attester {
        Attester::Tdx => {
            trust_domain(&mut claims, section);
            [section.tdx_is_debuggable, section.tdx_td_attributes_debug]
        }
        Attester::Sgx => {
            enclave(&mut claims, section);
            [section.sgx_is_debuggable, None]
        }
        // Of devices `dbgstat` speaks of something else.
        Attester::NvGpu | Attester::Other => return claims,
    };
    let stated = dbgstat.map(|status| !status.starts_with("disabled"));
    let mut said = debuggable.into_iter().chain([stated]).flatten().peekable();
    if said.peek().is_some() {
        claims.insert(cross_vendor::DEBUG, said.any(|debuggable| debuggable));
    }
    claims
}

/// The platform's patch level.
fn tcb(claims: &mut Claims, section: &Section) {
    let status = section.attester_tcb_status.as_deref().and_then(status);
    claims.insert_if(ita::ATTESTER_TCB_STATUS, status);
    claims.insert_if(cross_vendor::TCB_STATUS, status);
    let date = section.attester_tcb_date.map(|date| date.0);
    claims.insert_if(ita::ATTESTER_TCB_DATE, date);
    claims.insert_if(cross_vendor::TCB_DATE, date);
    let advisories = section.attester_advisory_ids.as_ref().map(|ids| {
        let mut ids: Vec<_> = ids.iter().map(String::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(Value::from).collect::<Vec<_>>()
    });
    claims.insert_if(ita::ATTESTER_ADVISORY_IDS, advisories.clone());
    claims.insert_if(cross_vendor::ADVISORIES, advisories);
}

/// A status in Intel's spelling; `None` for one that is not known.
fn status(said: &str) -> Option<&'static str> {
    if said.eq_ignore_ascii_case("OK") {
        return STATUSES.first().copied();
    }
    let letters: String = said.chars().filter(|&letter| letter != '_').collect();
    STATUSES.into_iter().find(|status| status.eq_ignore_ascii_case(&letters))
}

fn trust_domain(claims: &mut Claims, section: &Section) {
    fn insert<const N: usize>(claims: &mut Claims, name: impl Into<ClaimName>, value: &Option<Hex<N>>) {
        claims.insert_if(name, value.as_ref().map(|hex| hex.0.as_slice()));
    }
    claims.insert(cross_vendor::PLATFORM, "tdx");
    insert(claims, cross_vendor::MEASUREMENT, &section.tdx_mrtd);
    insert(claims, ita::TDX_MRSEAM, &section.tdx_mrseam);
    insert(claims, ita::TDX_MRSIGNERSEAM, &section.tdx_mrsignerseam);
    insert(claims, ita::TDX_MRTD, &section.tdx_mrtd);
    let rtmrs = [&section.tdx_rtmr0, &section.tdx_rtmr1, &section.tdx_rtmr2, &section.tdx_rtmr3];
    (0_u16..).zip(rtmrs).for_each(|(number, rtmr)| insert(claims, ita::TDX_RTMR.at(number), rtmr));
    insert(claims, ita::TDX_MRCONFIGID, &section.tdx_mrconfigid);
    insert(claims, ita::TDX_MROWNER, &section.tdx_mrowner);
    insert(claims, ita::TDX_MROWNERCONFIG, &section.tdx_mrownerconfig);
    insert(claims, ita::TDX_REPORT_DATA, &section.tdx_report_data);
    insert(claims, ita::TDX_SEAM_ATTRIBUTES, &section.tdx_seam_attributes);
    insert(claims, ita::TDX_TEE_TCB_SVN, &section.tdx_tee_tcb_svn);
    insert(claims, ita::TDX_TD_ATTRIBUTES, &section.tdx_td_attributes);
    insert(claims, ita::TDX_XFAM, &section.tdx_xfam);
    for (name, value) in [
        (ita::TDX_IS_DEBUGGABLE, section.tdx_is_debuggable),
        (ita::TDX_IS_MIGRATABLE, section.tdx_is_migratable),
        (ita::TDX_TD_ATTRIBUTES_DEBUG, section.tdx_td_attributes_debug),
        (ita::TDX_TD_ATTRIBUTES_SEPTVE_DISABLE, section.tdx_td_attributes_septve_disable),
        (ita::TDX_TD_ATTRIBUTES_PROTECTION_KEYS, section.tdx_td_attributes_protection_keys),
        (ita::TDX_TD_ATTRIBUTES_KEY_LOCKER, section.tdx_td_attributes_key_locker),
        (ita::TDX_TD_ATTRIBUTES_PERFMON, section.tdx_td_attributes_perfmon),
    ] {
        claims.insert_if(name, value);
    }
    claims.insert_if(ita::TDX_SEAMSVN, section.tdx_seamsvn);
}

fn enclave(claims: &mut Claims, section: &Section) {
    let bytes = |hex: &Option<Hex<32>>| hex.as_ref().map(|hex| Value::from(hex.0.as_slice()));
    claims.insert(cross_vendor::PLATFORM, "sgx");
    claims.insert_if(cross_vendor::MEASUREMENT, bytes(&section.sgx_mrenclave));
    claims.insert_if(ita::SGX_MRENCLAVE, bytes(&section.sgx_mrenclave));
    claims.insert_if(ita::SGX_MRSIGNER, bytes(&section.sgx_mrsigner));
    claims.insert_if(ita::SGX_REPORT_DATA, section.sgx_report_data.as_ref().map(|hex| hex.0.as_slice()));
    claims.insert_if(ita::SGX_ISVPRODID, section.sgx_isvprodid);
    claims.insert_if(ita::SGX_ISVSVN, section.sgx_isvsvn);
    claims.insert_if(ita::SGX_IS_DEBUGGABLE, section.sgx_is_debuggable);
}

fn ids(section: &Option<Vec<PolicyId>>, top: &Option<Vec<PolicyId>>) -> Option<Vec<Value>> {
    let ids = section.as_ref().or(top.as_ref())?;
    Some(ids.iter().map(|policy| Value::from(policy.id.as_str())).collect())
}
