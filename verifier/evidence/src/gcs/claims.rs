//! What a Confidential Space token establishes, by the names of the claim dictionary (`gcs.`, `gpu.<n>.` and the cross-vendor
//! ones).
//!
//! In: the claims of a token whose signature, key and times were found good. Out: [`Claims`].

use std::collections::{BTreeMap, BTreeSet};

use prooftrail_result::claims::{Claims, Value, cross_vendor, gcs, gpu};

use super::token::{Gpu, NvidiaGpu, Submods, Token};
use crate::jose::{Signer, Texts, Window};

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

/// Everything that is established.
pub(super) fn claims(token: &Token, window: Window, is_pki: bool, signer: &Signer) -> Claims {
    let mut claims = Claims::with_capacity(64);
    signer.claim(&mut claims);
    machine(&mut claims, token);
    claims.insert(cross_vendor::ISSUED_AT, window.issued_at);
    claims.insert(gcs::TOKEN_TYPE, if is_pki { "pki" } else { "oidc" });
    claims.insert(gcs::AUD, token.aud.as_str());
    claims.insert_if(gcs::SUB, token.sub.as_deref());
    claims.insert(gcs::EXP, window.expires);
    claims.insert_if(gcs::EAT_NONCE, token.eat_nonce.as_ref().map(|nonces| texts(nonces.as_slice())));
    claims.insert_if(gcs::SWNAME, token.swname.as_deref());
    claims.insert_if(gcs::SWVERSION, token.swversion.as_ref().map(Texts::as_slice).map(texts));
    claims.insert_if(gcs::OEMID, token.oemid);
    claims.insert_if(gcs::SERVICE_ACCOUNTS, token.google_service_accounts.as_deref().map(texts));
    let Submods { confidential_space, container: _, gce: _, nvidia_gpu: devices } = &token.submods;
    if let Some(space) = confidential_space {
        claims.insert_if(gcs::SUPPORT_ATTRIBUTES, space.support_attributes.as_deref().map(texts));
        let monitoring = space.monitoring_enabled.as_ref();
        claims.insert_if(gcs::MONITORING_MEMORY, monitoring.and_then(|enabled| enabled.memory));
    }
    container(&mut claims, &token.submods);
    instance(&mut claims, &token.submods);
    if let Some(devices) = devices {
        gpus(&mut claims, devices);
    }
    claims
}

/// The machine: its TEE, its firmware, its patch level.
fn machine(claims: &mut Claims, token: &Token) {
    let model = token.hwmodel.as_deref();
    let platform = model.and_then(|model| named(&PLATFORMS, model));
    claims.insert_if(cross_vendor::PLATFORM, platform);
    claims.insert_if(gcs::HWMODEL, model);
    claims.insert_if(gcs::DBGSTAT, token.dbgstat.as_deref());
    // Of a machine whose host can read its memory, or of which we do not know that, no `dbgstat` says that nobody can.
    let debug = token.dbgstat.as_deref().and_then(|status| named(&DEBUG, status));
    let is_tee = platform.is_some_and(|platform| platform != NO_TEE);
    claims.insert_if(cross_vendor::DEBUG, debug.filter(|debug| *debug || is_tee));
    claims.insert_if(cross_vendor::SECURE_BOOT, token.secboot);
    claims.insert_if(gcs::SECBOOT, token.secboot);
    claims.insert_if(gcs::ATTESTER_TCB, token.attester_tcb.as_deref().map(texts));
    if let Some(tdx) = &token.tdx {
        let date = tdx.gcp_attester_tcb_date.map(|date| date.0);
        let status = tdx.gcp_attester_tcb_status.as_deref();
        claims.insert_if(gcs::TDX_GCP_ATTESTER_TCB_STATUS, status);
        claims.insert_if(cross_vendor::TCB_STATUS, status);
        claims.insert_if(gcs::TDX_GCP_ATTESTER_TCB_DATE, date);
        claims.insert_if(cross_vendor::TCB_DATE, date);
    }
}

/// The workload.
fn container(claims: &mut Claims, submods: &Submods) {
    let Some(container) = &submods.container else { return };
    claims.insert_if(cross_vendor::MEASUREMENT, container.image_digest.as_deref());
    claims.insert_if(gcs::CONTAINER_IMAGE_REFERENCE, container.image_reference.as_deref());
    claims.insert_if(gcs::CONTAINER_IMAGE_DIGEST, container.image_digest.as_deref());
    claims.insert_if(gcs::CONTAINER_IMAGE_ID, container.image_id.as_deref());
    claims.insert_if(gcs::CONTAINER_RESTART_POLICY, container.restart_policy.as_deref());
    claims.insert_if(gcs::CONTAINER_ARGS, container.args.as_deref().map(texts));
    claims.insert_if(gcs::CONTAINER_CMD_OVERRIDE, container.cmd_override.as_deref().map(texts));
    claims.insert_if(gcs::CONTAINER_ENV, container.env.as_ref().map(variables));
    claims.insert_if(gcs::CONTAINER_ENV_OVERRIDE, container.env_override.as_ref().map(variables));
    if let Some(signatures) = &container.image_signatures {
        let keys: BTreeSet<_> = signatures.iter().map(|signature| &signature.key_id.0).collect();
        let keys: Vec<_> = keys.into_iter().map(|key| Value::from(key.as_slice())).collect();
        claims.insert(gcs::CONTAINER_SIGNATURE_KEY_IDS, keys);
    }
}

/// Where it runs.
fn instance(claims: &mut Claims, submods: &Submods) {
    let Some(gce) = &submods.gce else { return };
    claims.insert_if(cross_vendor::INSTANCE, gce.instance_id.as_deref());
    claims.insert_if(gcs::GCE_ZONE, gce.zone.as_deref());
    claims.insert_if(gcs::GCE_PROJECT_ID, gce.project_id.as_deref());
    claims.insert_if(gcs::GCE_PROJECT_NUMBER, gce.project_number.as_deref());
    claims.insert_if(gcs::GCE_INSTANCE_NAME, gce.instance_name.as_deref());
    claims.insert_if(gcs::GCE_INSTANCE_ID, gce.instance_id.as_deref());
}

/// The devices that Google verified; each is a different one.
fn gpus(claims: &mut Claims, devices: &NvidiaGpu) {
    let mode = devices.cc_mode.as_deref();
    claims.insert_if(cross_vendor::GPU_CC_MODE, mode.and_then(|mode| named(&CC_MODES, mode)));
    claims.insert_if(gcs::NVIDIA_GPU_CC_MODE, mode);
    claims.insert_if(gcs::NVIDIA_GPU_CC_FEATURE, devices.cc_feature.as_deref());
    for (device, Gpu { hwmodel, driver_version, vbios_version, ueid }) in (0_u16..).zip(&devices.gpus) {
        claims.insert(gpu::VERIFIED_BY.device(device), "gcs");
        claims.insert_if(gpu::HWMODEL.device(device), hwmodel.as_deref());
        claims.insert_if(gpu::UEID.device(device), ueid.as_deref());
        claims.insert_if(gpu::DRIVER_VERSION.device(device), driver_version.as_deref());
        claims.insert_if(gpu::VBIOS_VERSION.device(device), vbios_version.as_deref());
    }
    // One that does not say which it is may be any other.
    let all_differ = devices.gpus.iter().all(|gpu| gpu.ueid.is_some());
    claims.insert_if(cross_vendor::GPU_COUNT, u64::try_from(devices.gpus.len()).ok().filter(|_| all_differ));
}

/// What a table says of a name.
fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}

/// `NAME=value`, sorted by name.
fn variables(variables: &BTreeMap<String, String>) -> Vec<Value> {
    variables.iter().map(|(name, value)| Value::from(format!("{name}={value}").as_str())).collect()
}
