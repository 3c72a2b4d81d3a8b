//! What tokens say: the members of genuine ones (protocol 3.0), with the values of simulated machines.

use sha2::{Digest, Sha256};

use crate::{
    azure::{Hardware, JsonWebKey, Machine},
    derive, intel,
    jose::{Json, base64url},
    key::Key,
    snp,
};

type Members = Vec<(String, Json)>;

fn members<const N: usize>(members: [(&str, Json); N]) -> Members {
    members.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// A virtual machine: what its virtual TPM's quote and log say, and inside it what the hardware says.
pub(super) fn guest(machine: &Machine, seed: &str) -> Members {
    let vmid = Json::from(vm_unique_id(machine));
    let mut claims = members([
        ("secureboot", true.into()),
        ("x-ms-attestation-type", "azurevm".into()),
        ("x-ms-azurevm-attestation-protocol-ver", "3.0".into()),
        ("x-ms-azurevm-attested-pcrs", (0..8).map(Json::Number).collect::<Vec<_>>().into()),
        ("x-ms-azurevm-bootdebug-enabled", false.into()),
        ("x-ms-azurevm-dbvalidated", true.into()),
        ("x-ms-azurevm-dbxvalidated", true.into()),
        ("x-ms-azurevm-debuggersdisabled", true.into()),
        ("x-ms-azurevm-default-securebootkeysvalidated", true.into()),
        ("x-ms-azurevm-elam-enabled", false.into()),
        ("x-ms-azurevm-flightsigning-enabled", false.into()),
        ("x-ms-azurevm-hvci-policy", 0.into()),
        ("x-ms-azurevm-hypervisordebug-enabled", false.into()),
        ("x-ms-azurevm-is-windows", false.into()),
        ("x-ms-azurevm-kerneldebug-enabled", false.into()),
        ("x-ms-azurevm-osbuild", "NotApplication".into()),
        ("x-ms-azurevm-osdistro", "Ubuntu".into()),
        ("x-ms-azurevm-ostype", "Linux".into()),
        ("x-ms-azurevm-osversion-major", 24.into()),
        ("x-ms-azurevm-osversion-minor", 4.into()),
        ("x-ms-azurevm-signingdisabled", true.into()),
        ("x-ms-azurevm-testsigning-enabled", false.into()),
        ("x-ms-azurevm-vmid", vmid.clone()),
    ]);
    let mut tee = Json::object([
        ("x-ms-attestation-type", attestation_type(machine).into()),
        ("x-ms-compliance-status", "azure-compliant-cvm".into()),
    ]);
    tee.set("x-ms-runtime", runtime_data(machine, vmid));
    let report_data = machine.report.report_data(&machine.runtime_data.build());
    for (name, value) in hardware(machine, report_data) {
        tee.append("", &name, value);
    }
    claims.push(("x-ms-isolation-tee".to_owned(), tee));
    let key = Key::rsa4096(&format!("{seed}/TpmEphemeralEncryptionKey"));
    let key = Json::object([
        ("e", "AQAB".into()),
        ("key_ops", vec![Json::from("encrypt")].into()),
        ("kid", "TpmEphemeralEncryptionKey".into()),
        ("kty", "RSA".into()),
        ("n", base64url(&key.rsa_modulus().unwrap_or_default()).into()),
    ]);
    let payload = Json::object([("nonce", "".into())]);
    claims.push(("x-ms-runtime".to_owned(), Json::object([("client-payload", payload), ("keys", vec![key].into())])));
    claims
}

/// What the paravisor had the hardware sign.
fn runtime_data(machine: &Machine, vmid: Json) -> Json {
    let mut runtime = Json::object([("keys", machine.runtime_data.keys.iter().map(jwk).collect::<Vec<_>>().into())]);
    if let Some(data) = &machine.runtime_data.user_data {
        runtime.set("user-data", data.as_str());
    }
    let configuration = Json::object([
        ("console-enabled", true.into()),
        ("secure-boot", true.into()),
        ("tpm-enabled", true.into()),
        ("vmUniqueId", vmid),
    ]);
    runtime.set("vm-configuration", configuration);
    runtime
}

/// A paravisor's machine, of which the hardware's evidence alone was sent: its description at the top level, beside the runtime
/// data and the nonce of the request.
pub(super) fn platform(machine: &Machine, nonce: &str) -> Members {
    let mut claims = members([
        ("nonce", nonce.into()),
        ("x-ms-attestation-type", attestation_type(machine).into()),
        ("x-ms-compliance-status", "azure-compliant-cvm".into()),
        ("x-ms-runtime", runtime_data(machine, vm_unique_id(machine).into())),
    ]);
    claims.extend(hardware(machine, machine.report.report_data(&machine.runtime_data.build())));
    claims
}

/// A container group: the hardware's description at the top level.
pub(super) fn container_group(machine: &Machine) -> Members {
    let mut claims = members([
        ("x-ms-attestation-type", attestation_type(machine).into()),
        ("x-ms-compliance-status", "azure-compliant-uvm".into()),
    ]);
    claims.extend(hardware(machine, machine.report_data.unwrap_or([0; 64])));
    claims
}

/// A trust domain: Microsoft's EAT profile, at the top level.
pub(super) fn trust_domain(machine: &Machine) -> Members {
    let mut claims = members([
        ("eat_profile", "https://aka.ms/maa-eat-profile-tdxvm".into()),
        ("intuse", "generic".into()),
        ("x-ms-attestation-type", attestation_type(machine).into()),
    ]);
    claims.extend(hardware(machine, machine.report_data.unwrap_or([0; 64])));
    claims
}

/// An enclave, with the older names that tokens of version 1.0 repeat.
pub(super) fn enclave(seed: &str) -> Members {
    let report = match intel::Vendor::new(seed, 0).enclave_quote().body {
        intel::Body::Enclave(report) => report,
        intel::Body::Td(_) => return Members::new(),
    };
    let (mrenclave, mrsigner) = (hex::encode(report.mrenclave), hex::encode(report.mrsigner));
    let quote = hex::encode(Sha256::digest(format!("{seed}/quote")));
    members([
        ("is-debuggable", false.into()),
        ("product-id", 1.into()),
        ("sgx-mrenclave", mrenclave.as_str().into()),
        ("sgx-mrsigner", mrsigner.as_str().into()),
        ("svn", 1.into()),
        ("tee", "sgx".into()),
        ("x-ms-attestation-type", "sgx".into()),
        ("x-ms-sgx-collateral", Json::object([("quotehash", quote.into())])),
        ("x-ms-sgx-is-debuggable", false.into()),
        ("x-ms-sgx-mrenclave", mrenclave.into()),
        ("x-ms-sgx-mrsigner", mrsigner.into()),
        ("x-ms-sgx-product-id", i64::from(report.isvprodid).into()),
        ("x-ms-sgx-report-data", hex::encode(report.report_data).into()),
        ("x-ms-sgx-svn", i64::from(report.isvsvn).into()),
    ])
}

fn attestation_type(machine: &Machine) -> &'static str {
    match machine.hardware {
        Hardware::Snp { .. } => "sevsnpvm",
        Hardware::Tdx { .. } => "tdxvm",
    }
}

fn hardware(machine: &Machine, report_data: [u8; 64]) -> Members {
    match &machine.hardware {
        Hardware::Snp { report, .. } => sev_snp(report, report_data),
        Hardware::Tdx { quote, .. } => match &quote.body {
            intel::Body::Td(td) => tdx(td, report_data),
            intel::Body::Enclave(_) => Members::new(),
        },
    }
}

fn sev_snp(report: &snp::Report, report_data: [u8; 64]) -> Members {
    let policy = |bit: u32| Json::Bool(report.policy >> bit & 1 == 1);
    let level = |level: u8| Json::Number(level.into());
    members([
        ("x-ms-sevsnpvm-authorkeydigest", hex::encode(report.author_key_digest).into()),
        ("x-ms-sevsnpvm-bootloader-svn", level(report.reported_tcb.bootloader)),
        ("x-ms-sevsnpvm-ciphertext-hiding-dram-enabled", false.into()),
        ("x-ms-sevsnpvm-cxl-allowed", false.into()),
        ("x-ms-sevsnpvm-familyId", hex::encode(report.family_id).into()),
        ("x-ms-sevsnpvm-guestsvn", i64::from(report.guest_svn).into()),
        ("x-ms-sevsnpvm-hostdata", hex::encode(report.host_data).into()),
        ("x-ms-sevsnpvm-idkeydigest", hex::encode(report.id_key_digest).into()),
        ("x-ms-sevsnpvm-imageId", hex::encode(report.image_id).into()),
        ("x-ms-sevsnpvm-is-debuggable", policy(19)),
        ("x-ms-sevsnpvm-launchmeasurement", hex::encode(report.measurement).into()),
        ("x-ms-sevsnpvm-mem-aes256-xts-required", false.into()),
        ("x-ms-sevsnpvm-microcode-svn", level(report.reported_tcb.microcode)),
        ("x-ms-sevsnpvm-migration-allowed", policy(18)),
        ("x-ms-sevsnpvm-page-swap-disabled", false.into()),
        ("x-ms-sevsnpvm-rapl-disabled", false.into()),
        ("x-ms-sevsnpvm-reportdata", hex::encode(report_data).into()),
        ("x-ms-sevsnpvm-reportid", hex::encode(report.report_id).into()),
        ("x-ms-sevsnpvm-singlesocket", false.into()),
        ("x-ms-sevsnpvm-smt-allowed", policy(16)),
        ("x-ms-sevsnpvm-snpfw-svn", level(report.reported_tcb.snp)),
        ("x-ms-sevsnpvm-tee-svn", level(report.reported_tcb.tee)),
        ("x-ms-sevsnpvm-vmpl", i64::from(report.vmpl).into()),
    ])
}

fn tdx(td: &intel::Td, report_data: [u8; 64]) -> Members {
    let attribute = |bit: u32| Json::Bool(u64::from_le_bytes(td.td_attributes) >> bit & 1 == 1);
    let mut claims = members([
        ("attester_tcb_status", "UpToDate".into()),
        ("dbgstat", "disabled".into()),
        ("tdx_mrseam", hex::encode(td.mrseam).into()),
        ("tdx_mrsignerseam", hex::encode(td.mrsignerseam).into()),
        ("tdx_mrtd", hex::encode(td.mrtd).into()),
        ("tdx_mrconfigid", hex::encode(td.mrconfigid).into()),
        ("tdx_mrowner", hex::encode(td.mrowner).into()),
        ("tdx_mrownerconfig", hex::encode(td.mrownerconfig).into()),
        ("tdx_report_data", hex::encode(report_data).into()),
        ("tdx_seam_attributes", hex::encode(td.seam_attributes).into()),
        ("tdx_tee_tcb_svn", hex::encode(td.tee_tcb_svn).into()),
        ("tdx_td_attributes", hex::encode(td.td_attributes).into()),
        ("tdx_td_attributes_debug", attribute(0)),
        ("tdx_xfam", hex::encode(td.xfam).into()),
    ]);
    for (register, rtmr) in td.rtmrs.iter().enumerate() {
        claims.push((format!("tdx_rtmr{register}"), hex::encode(rtmr).into()));
    }
    claims
}

fn vm_unique_id(machine: &Machine) -> String {
    let configuration = machine.runtime_data.vm_configuration.iter();
    let id =
        configuration.filter(|(name, _)| name == "vmUniqueId").map(|(_, id)| id.trim_matches('"').to_owned()).next();
    id.unwrap_or_else(|| derive::uuid("no machine"))
}

fn jwk(key: &JsonWebKey) -> Json {
    Json::object([
        ("e", key.e.as_str().into()),
        ("key_ops", Json::Raw(key.key_ops.clone())),
        ("kid", key.kid.as_str().into()),
        ("kty", key.kty.as_str().into()),
        ("n", key.n.as_str().into()),
    ])
}
