//! What Intel's tokens say of an attester. A seed, a time and the attester's own data come in; claims go out.

use sha2::{Digest, Sha256, Sha512};

use crate::{base64::base64, derive, jose::Json, manifest};

/// How long a token is good.
const LIFETIME: i64 = 300;

/// What stands at the top of every token.
pub(super) fn envelope(seed: &str, at: i64, version: &str) -> Json {
    Json::object([
        ("eat_profile", "https://portal.trustauthority.intel.com/eat_profile.html".into()),
        ("intuse", "generic".into()),
        ("ver", version.into()),
        ("exp", (at + LIFETIME).into()),
        ("jti", derive::uuid(&format!("{seed}/ita/jti")).into()),
        ("iat", at.into()),
        ("iss", "Intel Trust Authority".into()),
        ("nbf", at.into()),
    ])
}

/// The service's nonce, its time, and both as they stand in a token.
fn nonce(seed: &str, at: i64) -> ([u8; 32], Vec<u8>, Json) {
    let value = derive::bytes::<32>(&format!("{seed}/ita/nonce"));
    let time = manifest::rfc3339(at - 2).into_bytes();
    let json = Json::object([
        ("val", base64(&value).into()),
        ("iat", base64(&time).into()),
        ("signature", base64(&drawn::<64>(&format!("{seed}/ita/signature"))).into()),
    ]);
    (value, time, json)
}

fn digest<const N: usize>(seed: &str, name: &str) -> Json {
    hex::encode(drawn::<N>(&format!("{seed}/ita/{name}"))).into()
}

/// The first `N` bytes that belong to a label; at most 64.
pub(super) fn drawn<const N: usize>(label: &str) -> Vec<u8> {
    Sha512::digest(format!("prooftrail-simulator/{label}")).into_iter().take(N).collect()
}

/// What is said of every platform.
fn platform(claims: &mut Json, seed: &str, nonce: Json) {
    let ids = |name: &str| {
        vec![Json::object([("id", derive::uuid(&format!("{seed}/ita/{name}")).into()), ("version", "v1".into())])]
    };
    claims
        .set("verifier_nonce", nonce)
        .set("policy_ids_matched", ids("matched"))
        .set("policy_ids_unmatched", ids("unmatched"))
        .set("attester_tcb_status", "OUT_OF_DATE")
        .set("attester_tcb_date", "2025-08-13T00:00:00Z")
        .set("attester_advisory_ids", vec![Json::from("INTEL-SA-01192"), "INTEL-SA-00837".into()])
        .set("dbgstat", "disabled");
}

/// A trust domain.
pub(super) fn trust_domain(seed: &str, at: i64, runtime_data: &[u8]) -> Json {
    let (value, time, nonce) = nonce(seed, at);
    let report_data = Sha512::new().chain_update(value).chain_update(time).chain_update(runtime_data).finalize();
    let mut claims = Json::object([
        ("tdx_mrseam", digest::<48>(seed, "mrseam")),
        ("tdx_mrsignerseam", digest::<48>(seed, "mrsignerseam")),
        ("tdx_mrtd", digest::<48>(seed, "mrtd")),
        ("tdx_rtmr0", digest::<48>(seed, "rtmr0")),
        ("tdx_rtmr1", digest::<48>(seed, "rtmr1")),
        ("tdx_rtmr2", digest::<48>(seed, "rtmr2")),
        ("tdx_rtmr3", digest::<48>(seed, "rtmr3")),
        ("tdx_mrconfigid", digest::<48>(seed, "mrconfigid")),
        ("tdx_mrowner", digest::<48>(seed, "mrowner")),
        ("tdx_mrownerconfig", digest::<48>(seed, "mrownerconfig")),
        ("tdx_report_data", hex::encode(report_data).into()),
        ("tdx_seam_attributes", digest::<8>(seed, "seam_attributes")),
        ("tdx_tee_tcb_svn", digest::<16>(seed, "tee_tcb_svn")),
        ("tdx_td_attributes", digest::<8>(seed, "td_attributes")),
        ("tdx_xfam", digest::<8>(seed, "xfam")),
        ("tdx_is_debuggable", false.into()),
        ("tdx_is_migratable", false.into()),
        ("tdx_td_attributes_debug", false.into()),
        ("tdx_td_attributes_septve_disable", true.into()),
        ("tdx_td_attributes_protection_keys", false.into()),
        ("tdx_td_attributes_key_locker", false.into()),
        ("tdx_td_attributes_perfmon", false.into()),
        ("tdx_seamsvn", 5.into()),
        ("tdx_collateral", Json::object([("quotehash", digest::<32>(seed, "quote"))])),
        ("attester_runtime_data", base64(runtime_data).into()),
    ]);
    platform(&mut claims, seed, nonce);
    claims
}

/// An enclave.
pub(super) fn enclave(seed: &str, at: i64, held_data: &[u8]) -> Json {
    let (value, time, nonce) = nonce(seed, at);
    let digest_of_data = Sha256::new().chain_update(value).chain_update(time).chain_update(held_data).finalize();
    let report_data = [digest_of_data.as_slice(), &[0; 32]].concat();
    let mut claims = Json::object([
        ("sgx_mrenclave", digest::<32>(seed, "mrenclave")),
        ("sgx_mrsigner", digest::<32>(seed, "mrsigner")),
        ("sgx_isvprodid", 3.into()),
        ("sgx_isvsvn", 9.into()),
        ("sgx_report_data", hex::encode(report_data).into()),
        ("sgx_is_debuggable", false.into()),
        ("sgx_collateral", Json::object([("quotehash", digest::<32>(seed, "quote"))])),
        ("attester_held_data", base64(held_data).into()),
    ]);
    platform(&mut claims, seed, nonce);
    claims
}

/// A GPU that passed.
pub(super) fn gpu(seed: &str, at: i64, runtime_data: &[u8]) -> Json {
    let (value, time, _) = nonce(seed, at);
    let asked = Sha512::new().chain_update(value).chain_update(time).chain_update(runtime_data).finalize();
    let (asked, _) = asked.split_at(32);
    let ueid = u128::from_be_bytes(derive::bytes(&format!("{seed}/ita/ueid")));
    Json::object([
        ("x-nvidia-overall-att-result", true.into()),
        ("measres", "comparison-success".into()),
        ("eat_nonce", hex::encode(asked).into()),
        ("hwmodel", "GH100 A01 GSP BROM".into()),
        ("ueid", ueid.to_string().into()),
        ("oemid", "5703".into()),
        ("secboot", true.into()),
        ("dbgstat", "disabled".into()),
        ("x-nvidia-gpu-driver-version", "550.90.07".into()),
        ("x-nvidia-gpu-vbios-version", "96.00.9F.00.01".into()),
        ("x-nvidia-gpu-arch", "HOPPER".into()),
    ])
}
