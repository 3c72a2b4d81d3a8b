//! What a device's token says, by the names of the claim dictionary (`gpu.<n>.`, `switch.<n>.`).
//!
//! In: the payload of a device's token, in claims of version 2.0 or 3.0. Out: [`Device`]: claims under a number that is given
//! when they are told, and what NVIDIA objects to. The service answers with signed tokens also where it refuses a device,
//! which then have its error and nothing else; so what is not said to be good is not good.

use std::borrow::Cow;

use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, Value, gpu, switch},
};

use super::bundle::{DeviceFamily, DeviceName};
use crate::{
    authentic::Link,
    jose::members,
    json::{Node, Object},
    nvidia::sample_nonces,
};

/// How a family of devices is spoken of.
#[derive(Debug)]
struct Family {
    /// What names of members begin with.
    prefix: &'static str,
    verified_by: ClaimId,
    sample_nonce: Option<ClaimId>,
    arch: ClaimId,
    ueid: ClaimId,
    fwid_match: ClaimId,
    mismatched_indices: ClaimId,
    ocsp_status: ClaimId,
    ocsp_reason: ClaimId,
    error_code: ClaimId,
    /// Members without the prefix.
    members: &'static [(&'static str, ClaimId)],
    /// Members with it.
    own_members: &'static [(&'static str, ClaimId)],
    /// Reference measurements: the members' middle, the claims of status and of the last day.
    references: &'static [(&'static str, ClaimId, ClaimId)],
}

const GPU: Family = Family {
    prefix: "x-nvidia-gpu-",
    verified_by: gpu::VERIFIED_BY,
    sample_nonce: Some(gpu::SAMPLE_NONCE),
    arch: gpu::ARCH,
    ueid: gpu::UEID,
    fwid_match: gpu::FWID_MATCH,
    mismatched_indices: gpu::MISMATCHED_INDICES,
    ocsp_status: gpu::OCSP_STATUS,
    ocsp_reason: gpu::OCSP_REASON,
    error_code: gpu::ERROR_CODE,
    members: &[
        ("hwmodel", gpu::HWMODEL),
        ("ueid", gpu::UEID),
        ("oemid", gpu::OEMID),
        ("secboot", gpu::SECBOOT),
        ("dbgstat", gpu::DBGSTAT),
    ],
    own_members: &[("driver-version", gpu::DRIVER_VERSION), ("vbios-version", gpu::VBIOS_VERSION)],
    references: &[
        ("driver-rim", gpu::RIM_DRIVER_STATUS, gpu::RIM_DRIVER_NOT_AFTER),
        ("vbios-rim", gpu::RIM_VBIOS_STATUS, gpu::RIM_VBIOS_NOT_AFTER),
    ],
};

const SWITCH: Family = Family {
    prefix: "x-nvidia-switch-",
    verified_by: switch::VERIFIED_BY,
    sample_nonce: None,
    arch: switch::ARCH,
    ueid: switch::UEID,
    fwid_match: switch::FWID_MATCH,
    mismatched_indices: switch::MISMATCHED_INDICES,
    ocsp_status: switch::OCSP_STATUS,
    ocsp_reason: switch::OCSP_REASON,
    error_code: switch::ERROR_CODE,
    members: &[
        ("hwmodel", switch::HWMODEL),
        ("ueid", switch::UEID),
        ("oemid", switch::OEMID),
        ("secboot", switch::SECBOOT),
        ("dbgstat", switch::DBGSTAT),
    ],
    own_members: &[("bios-version", switch::BIOS_VERSION)],
    references: &[("bios-rim", switch::RIM_BIOS_STATUS, switch::RIM_BIOS_NOT_AFTER)],
};

impl DeviceFamily {
    const fn names(self) -> &'static Family {
        match self {
            Self::Gpu => &GPU,
            Self::Switch => &SWITCH,
        }
    }

    const fn measres(self) -> ClaimId {
        match self {
            Self::Gpu => gpu::MEASRES,
            Self::Switch => switch::MEASRES,
        }
    }
}

/// Architectures by the beginning of the hardware's model.
const ARCHITECTURES: [(&str, &str); 4] = [("GH", "HOPPER"), ("GB", "BLACKWELL"), ("LS10", "LS10"), ("LS_10", "LS10")];

/// What a token says of a device.
#[derive(Debug)]
pub(super) struct Device {
    /// As device 0.
    claims: Claims,
    pub(super) objections: Vec<Reason>,
    /// Whether a debugger may be attached.
    pub(super) debug: Option<bool>,
    /// The nonce in the device's own report.
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) ueid: Option<String>,
}

impl Device {
    /// Reads a token's payload.
    pub(super) fn read(name: DeviceName, payload: &Object<'_>) -> Result<Self, Reason> {
        let names = name.family.names();
        let mut claims = Claims::with_capacity(24);
        claims.insert(names.verified_by.device(0), "nras");
        claim_all(&mut claims, payload, "", names.members)?;
        claim_all(&mut claims, payload, names.prefix, names.own_members)?;
        let nonce = super::nonce(payload)?;
        let fixed: Option<[u8; 32]> = nonce.as_deref().and_then(|nonce| nonce.try_into().ok());
        if let Some((id, nonce)) = names.sample_nonce.zip(fixed) {
            claims.insert(id.device(0), sample_nonces::contains(&nonce));
        }
        let model = payload.text("hwmodel").unwrap_or_default();
        let arch = ARCHITECTURES.into_iter().find(|(beginning, _)| model.starts_with(beginning)).map(|(_, arch)| arch);
        claims.insert_if(names.arch.device(0), arch);
        let measres = payload.text("measres").map(str::to_ascii_lowercase);
        claims.insert_if(name.family.measres().device(0), measres.as_deref());
        let member = |rest: &str| format!("{}{rest}", names.prefix);
        claim(&mut claims, payload, &member("attestation-report-cert-chain-fwid-match"), names.fwid_match)?;
        claims.insert_if(names.mismatched_indices.device(0), mismatches(payload));
        if let Some(chain) = payload.object(&member("attestation-report-cert-chain")) {
            claim(&mut claims, chain, "x-nvidia-cert-ocsp-status", names.ocsp_status)?;
            claim(&mut claims, chain, "x-nvidia-cert-revocation-reason", names.ocsp_reason)?;
        }
        for (middle, status, not_after) in names.references {
            reference(&mut claims, payload, &member(middle), *status, *not_after)?;
        }
        let objections = match payload.get("x-nvidia-error-details") {
            Some(error) => {
                claims.insert_if(names.error_code.device(0), error_code(error));
                vec![Reason::from(ReasonCode::NrasDeviceError).have(format_args!("{name}: {}", describe(error)))]
            }
            None => missing(name, payload, names),
        };
        let ueid = match claims.get(names.ueid.device(0)) {
            Some(Value::Text(ueid)) => Some(ueid.to_string()),
            _ => None,
        };
        let debug = payload.text("dbgstat").map(|state| !state.eq_ignore_ascii_case("disabled"));
        Ok(Self { claims, objections, debug, nonce, ueid })
    }

    /// Tells the claims, of the device with that number.
    pub(super) fn claim(&self, claims: &mut Claims, device: u16) {
        for (name, value) in self.claims.iter() {
            claims.insert(name.with_device(device), value.clone());
        }
    }

    /// By what a report of the same device is known.
    pub(super) fn link(&self) -> Option<Link> {
        self.ueid.as_deref().map(|ueid| Link::Device(ueid.into()))
    }
}

fn claim(claims: &mut Claims, object: &Object<'_>, member: &str, id: ClaimId) -> Result<(), Reason> {
    members::claim(claims, object, member, id.device(0))
}

fn claim_all(
    claims: &mut Claims,
    object: &Object<'_>,
    prefix: &str,
    members: &[(&str, ClaimId)],
) -> Result<(), Reason> {
    members.iter().try_for_each(|(member, id)| claim(claims, object, &format!("{prefix}{member}"), *id))
}

/// What the service found of a reference measurement: claims of version 3.0 have an object, earlier ones say yes or no.
fn reference(
    claims: &mut Claims,
    payload: &Object<'_>,
    member: &str,
    status: ClaimId,
    not_after: ClaimId,
) -> Result<(), Reason> {
    if let Some(chain) = payload.object(&format!("{member}-cert-chain")) {
        let known = match chain.text("x-nvidia-cert-status") {
            Some("revoked") if is_on_hold(chain) => Some("hold"),
            Some(status @ ("valid" | "expired" | "revoked")) => Some(status),
            _ => None,
        };
        claims.insert_if(status.device(0), known.map(Value::from));
        return claim(claims, chain, "x-nvidia-cert-expiration-date", not_after);
    }
    if payload.bool(&format!("{member}-cert-validated")) == Some(true) {
        claims.insert(status.device(0), "valid");
    }
    Ok(())
}

/// Whether a certificate is only on hold, as NVIDIA's are for software that is not released yet.
fn is_on_hold(chain: &Object<'_>) -> bool {
    let reason = chain.text("x-nvidia-cert-revocation-reason").unwrap_or_default();
    reason.chars().filter(char::is_ascii_alphabetic).collect::<String>().eq_ignore_ascii_case("certificatehold")
}

/// The indices that differ from the reference.
fn mismatches(payload: &Object<'_>) -> Option<Value> {
    let Some(Node::List(records)) = payload.get("x-nvidia-mismatch-measurement-records") else { return None };
    let mut indices = records.iter().map(|record| match record {
        Node::Object(record) => match record.get("index") {
            Some(Node::Whole(index)) => Some(*index),
            _ => None,
        },
        _ => None,
    });
    let mut indices = indices.by_ref().collect::<Option<Vec<_>>>()?;
    indices.sort_unstable();
    indices.dedup();
    Some(indices.into_iter().map(Value::Int).collect::<Vec<_>>().into())
}

/// Everything that the service must have found good and did not say that it did.
fn missing(name: DeviceName, payload: &Object<'_>, names: &Family) -> Vec<Reason> {
    let mut objections = Vec::new();
    let mut demand = |member: &str, have: Option<Cow<'_, str>>, need: &str, holds: bool| {
        if !holds {
            let have = have.unwrap_or(Cow::Borrowed("absent"));
            let reason = Reason::from(ReasonCode::NrasDeviceResult).have(format_args!("{name}: {member} is {have}"));
            objections.push(reason.need(need));
        }
    };
    let measres = payload.text("measres");
    demand(
        "measres",
        measres.map(Cow::Borrowed),
        "success",
        measres.is_some_and(|result| result.eq_ignore_ascii_case("success")),
    );
    let is_true = [
        "arch-check",
        "attestation-report-parsed",
        "attestation-report-signature-verified",
        "attestation-report-nonce-match",
    ];
    for rest in is_true {
        let member = format!("{}{rest}", names.prefix);
        let have = payload.bool(&member);
        demand(&member, have.map(|have| have.to_string().into()), "true", have == Some(true));
    }
    let chain = format!("{}attestation-report-cert-chain", names.prefix);
    match payload.object(&chain) {
        Some(found) => {
            let status = found.text("x-nvidia-cert-status");
            let holds = status == Some("valid") || (status == Some("revoked") && is_on_hold(found));
            demand(&format!("{chain}.x-nvidia-cert-status"), status.map(Cow::Borrowed), "valid", holds);
        }
        None => {
            let member = format!("{chain}-validated");
            let have = payload.bool(&member);
            demand(&member, have.map(|have| have.to_string().into()), "true", have == Some(true));
        }
    }
    let fwid = format!("{chain}-fwid-match");
    demand(&fwid, Some("false".into()), "true", payload.bool(&fwid) != Some(false));
    objections
}

/// The number of the service's error.
fn error_code(error: &Node<'_>) -> Option<u64> {
    match error {
        Node::Whole(code) => Some(*code),
        Node::Text(code) => code.parse().ok(),
        Node::Object(error) => error.get("code").and_then(error_code),
        _ => None,
    }
}

/// The service's error in its own words, cut short.
fn describe(error: &Node<'_>) -> String {
    let code = error_code(error).map(|code| code.to_string());
    let message = match error {
        Node::Object(error) => error.text("message"),
        other => other.as_text(),
    };
    let message = message.map(|message| message.chars().filter(|letter| !letter.is_control()).take(80).collect());
    let words: Vec<String> = code.into_iter().chain(message).collect();
    if words.is_empty() { "an error without a code".to_owned() } else { words.join(" ") }
}
