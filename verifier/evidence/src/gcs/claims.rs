//! What a Confidential Space token says, by the names of the claim dictionary (`gcs.`, `gpu.<n>.` and the cross-vendor ones).
//!
//! In: the payload. Out: [`Stated`], which nobody has vouched for yet. Members that are not known here are signed and not read,
//! since Google adds some without notice; those that are known have their type. What a token leaves out is left out: nothing
//! has a default. Google Cloud, Confidential Space documentation, "Attestation token claims".

use std::collections::BTreeSet;

use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, Value, cross_vendor, gcs, gpu},
};

use crate::{
    authentic::Link,
    jose::{
        Texts,
        members::{claim, claim_all, hex, needed_text, object, objects, texts},
    },
    json::Object,
};

/// Members at the top of a token.
const TOKEN: &[(&str, ClaimId)] = &[
    ("aud", gcs::AUD),
    ("sub", gcs::SUB),
    ("exp", gcs::EXP),
    ("hwmodel", gcs::HWMODEL),
    ("swname", gcs::SWNAME),
    ("dbgstat", gcs::DBGSTAT),
    ("secboot", gcs::SECBOOT),
    ("oemid", gcs::OEMID),
    ("attester_tcb", gcs::ATTESTER_TCB),
    ("google_service_accounts", gcs::SERVICE_ACCOUNTS),
];

/// What Google says of a TDX platform: of the time at which it was put into service.
const TDX: &[(&str, ClaimId)] = &[
    ("gcp_attester_tcb_status", gcs::TDX_GCP_ATTESTER_TCB_STATUS),
    ("gcp_attester_tcb_date", gcs::TDX_GCP_ATTESTER_TCB_DATE),
];

/// The workload.
const CONTAINER: &[(&str, ClaimId)] = &[
    ("image_reference", gcs::CONTAINER_IMAGE_REFERENCE),
    ("image_digest", gcs::CONTAINER_IMAGE_DIGEST),
    ("image_id", gcs::CONTAINER_IMAGE_ID),
    ("restart_policy", gcs::CONTAINER_RESTART_POLICY),
    ("args", gcs::CONTAINER_ARGS),
    ("cmd_override", gcs::CONTAINER_CMD_OVERRIDE),
];

/// Where it runs.
const INSTANCE: &[(&str, ClaimId)] = &[
    ("zone", gcs::GCE_ZONE),
    ("project_id", gcs::GCE_PROJECT_ID),
    ("project_number", gcs::GCE_PROJECT_NUMBER),
    ("instance_name", gcs::GCE_INSTANCE_NAME),
    ("instance_id", gcs::GCE_INSTANCE_ID),
];

/// The devices that Google verified, as a whole and one by one.
const DEVICES: &[(&str, ClaimId)] = &[("cc_mode", gcs::NVIDIA_GPU_CC_MODE), ("cc_feature", gcs::NVIDIA_GPU_CC_FEATURE)];
const DEVICE: &[(&str, ClaimId)] = &[
    ("hwmodel", gpu::HWMODEL),
    ("ueid", gpu::UEID),
    ("driver_version", gpu::DRIVER_VERSION),
    ("vbios_version", gpu::VBIOS_VERSION),
];

/// What means the same for every vendor.
const CROSS_VENDOR: &[(ClaimId, ClaimId)] = &[
    (gcs::SECBOOT, cross_vendor::SECURE_BOOT),
    (gcs::TDX_GCP_ATTESTER_TCB_STATUS, cross_vendor::TCB_STATUS),
    (gcs::TDX_GCP_ATTESTER_TCB_DATE, cross_vendor::TCB_DATE),
    (gcs::CONTAINER_IMAGE_DIGEST, cross_vendor::MEASUREMENT),
    (gcs::GCE_INSTANCE_ID, cross_vendor::INSTANCE),
];

/// What the token says of the machine's memory: what its model protects, by Google's name for it.
const PLATFORMS: [(&str, &str); 4] =
    [("GCP_AMD_SEV", "sev"), ("GCP_AMD_SEV_ES", "sev"), ("GCP_INTEL_TDX", "tdx"), (SHIELDED_VM, NO_TEE)];
const SHIELDED_VM: &str = "GCP_SHIELDED_VM";
/// A virtual machine whose memory its host can read.
const NO_TEE: &str = "shielded-vm";

/// Whether a debugger may look into the workload, by `dbgstat`.
const DEBUG: [(&str, bool); 2] = [("disabled-since-boot", false), ("enabled", true)];

/// The modes of confidential computing of GPUs.
const CC_MODES: [(&str, &str); 3] = [("ON", "on"), ("OFF", "off"), ("DEVTOOLS", "devtools")];

/// What a token says.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) claims: Claims,
    /// Which devices it speaks of.
    pub(super) links: Vec<Link>,
    /// One nonce stands in the token as a text, several as a list.
    pub(super) nonces: Option<Texts>,
    pub(super) audience: String,
}

/// Reads what a payload says.
pub(super) fn read(payload: &Object<'_>) -> Result<Stated, Reason> {
    let mut claims = Claims::with_capacity(64);
    let audience = needed_text(payload, "aud")?.to_owned();
    let nonces = texts(payload, "eat_nonce")?;
    claim_all(&mut claims, payload, TOKEN)?;
    claims.insert_if(gcs::EAT_NONCE, nonces.as_ref().map(Texts::to_list));
    claims.insert_if(gcs::SWVERSION, texts(payload, "swversion")?.as_ref().map(Texts::to_list));
    if let Some(tdx) = object(payload, "tdx")? {
        claim_all(&mut claims, tdx, TDX)?;
    }
    let links = match object(payload, "submods")? {
        Some(submods) => read_submods(&mut claims, submods)?,
        None => Vec::new(),
    };
    for (own, shared) in CROSS_VENDOR {
        let value = claims.get(*own).cloned();
        claims.insert_if(*shared, value);
    }
    let platform = text(&claims, gcs::HWMODEL).and_then(|model| named(&PLATFORMS, model));
    claims.insert_if(cross_vendor::PLATFORM, platform);
    // Of a machine whose host can read its memory, or of which we do not know that, no `dbgstat` says that nobody can.
    let debug = text(&claims, gcs::DBGSTAT).and_then(|status| named(&DEBUG, status));
    let is_tee = platform.is_some_and(|platform| platform != NO_TEE);
    claims.insert_if(cross_vendor::DEBUG, debug.filter(|debug| *debug || is_tee));
    Ok(Stated { claims, links, nonces, audience })
}

/// Reads what the parts of a token say of workload, machine and devices. Gives which devices they are.
fn read_submods(claims: &mut Claims, submods: &Object<'_>) -> Result<Vec<Link>, Reason> {
    if let Some(space) = object(submods, "confidential_space")? {
        // Absent on debug images.
        claim(claims, space, "support_attributes", gcs::SUPPORT_ATTRIBUTES)?;
        if let Some(monitoring) = object(space, "monitoring_enabled")? {
            claim(claims, monitoring, "memory", gcs::MONITORING_MEMORY)?;
        }
    }
    if let Some(container) = object(submods, "container")? {
        claim_all(claims, container, CONTAINER)?;
        claims.insert_if(gcs::CONTAINER_ENV, variables(container, "env")?);
        claims.insert_if(gcs::CONTAINER_ENV_OVERRIDE, variables(container, "env_override")?);
        if container.get("image_signatures").is_some() {
            claims.insert(gcs::CONTAINER_SIGNATURE_KEY_IDS, signers(container)?);
        }
    }
    if let Some(gce) = object(submods, "gce")? {
        claim_all(claims, gce, INSTANCE)?;
    }
    match object(submods, "nvidia_gpu")? {
        Some(devices) => read_devices(claims, devices),
        None => Ok(Vec::new()),
    }
}

/// The keys by which the image is signed: SHA-256 of each SubjectPublicKeyInfo, sorted.
fn signers(container: &Object<'_>) -> Result<Vec<Value>, Reason> {
    let mut keys = BTreeSet::new();
    for signature in objects(container, "image_signatures")? {
        let malformed = || Reason::new(ReasonCode::TokenMalformed, "a signature of the image names no key");
        keys.insert(hex::<32>(signature, "key_id")?.ok_or_else(malformed)?);
    }
    Ok(keys.iter().map(|key| Value::from(key.as_slice())).collect())
}

/// `NAME=value`, sorted by name.
fn variables(container: &Object<'_>, member: &str) -> Result<Option<Vec<Value>>, Reason> {
    let Some(variables) = object(container, member)? else { return Ok(None) };
    let names = variables.iter().map(|(name, _)| name);
    let texts = names.map(|name| Ok(Value::Text([name, "=", needed_text(variables, name)?].concat().into())));
    texts.collect::<Result<_, _>>().map(Some)
}

/// Reads what is said of devices, each of which is a different one as far as they have ids. Gives which they are.
fn read_devices(claims: &mut Claims, devices: &Object<'_>) -> Result<Vec<Link>, Reason> {
    claim_all(claims, devices, DEVICES)?;
    let mode = text(claims, gcs::NVIDIA_GPU_CC_MODE).and_then(|mode| named(&CC_MODES, mode));
    claims.insert_if(cross_vendor::GPU_CC_MODE, mode);
    let each = objects(devices, "gpus")?;
    let (mut seen, mut links) = (BTreeSet::new(), Vec::new());
    for (number, device) in (0_u16..).zip(&each) {
        claims.insert(gpu::VERIFIED_BY.device(number), "gcs");
        DEVICE.iter().try_for_each(|(name, id)| claim(claims, device, name, id.device(number)))?;
        let Some(id) = device.text("ueid") else { continue };
        if !seen.insert(id) {
            return Err(Reason::new(ReasonCode::TokenMalformed, "the token lists one device twice").have(id));
        }
        links.push(Link::Device(id.into()));
    }
    // One that does not say which it is may be any other.
    claims.insert_if(cross_vendor::GPU_COUNT, u64::try_from(each.len()).ok().filter(|_| links.len() == each.len()));
    Ok(links)
}

/// The value of a claim that is a text.
fn text(claims: &Claims, name: ClaimId) -> Option<&str> {
    match claims.get(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// What a table says of a name.
fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
