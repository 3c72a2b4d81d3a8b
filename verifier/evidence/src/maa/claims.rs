//! What a token of Azure Attestation says, by the names of the claim dictionary (`maa.` and the cross-vendor ones).
//!
//! In: the payload. Out: [`Stated`], which nobody has vouched for yet: claims, and the facts by which the token is linked to
//! other evidence about the same machine. A claim's group decides its name, wherever in the token it stands: hardware is
//! described at the top level (SevSnpVm, TdxVm, SgxEnclave) or, in a guest's token, under `x-ms-isolation-tee`.

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, Value, cross_vendor, maa},
};

use crate::{
    authentic::Link,
    azure::AttestationKey,
    jose::members::{claim, claim_all, needed_text},
    json::{Node, Object},
};

/// The hardware that a token can speak of.
const HARDWARE: [Hardware; 3] = [
    Hardware {
        attestation_type: SNP_TYPE,
        platform: "sev-snp",
        members: SEVSNPVM,
        debug: maa::SEVSNPVM_IS_DEBUGGABLE,
        measurement: maa::SEVSNPVM_LAUNCHMEASUREMENT,
    },
    Hardware {
        attestation_type: TDX_TYPE,
        platform: "tdx",
        members: TDX,
        debug: maa::TDX_IS_DEBUGGABLE,
        measurement: maa::TDX_MRTD,
    },
    Hardware {
        attestation_type: "sgx",
        platform: "sgx",
        members: SGX,
        debug: maa::SGX_IS_DEBUGGABLE,
        measurement: maa::SGX_MRENCLAVE,
    },
];

/// A guest on SEV-SNP.
const SNP_TYPE: &str = "sevsnpvm";
/// A trust domain.
const TDX_TYPE: &str = "tdxvm";
/// A guest's token, which says what hardware it runs on beside what its virtual TPM quotes.
const GUEST: &str = "azurevm";

/// Hardware: how it is called, and what is said of it.
#[derive(Debug)]
struct Hardware {
    /// Microsoft's name.
    attestation_type: &'static str,
    /// As in the claim `platform`.
    platform: &'static str,
    members: &'static [(&'static str, ClaimId)],
    /// Whether it may be debugged.
    debug: ClaimId,
    /// The launch identity.
    measurement: ClaimId,
}

/// Members that stand at the top level only.
const TOKEN: &[(&str, ClaimId)] = &[
    ("exp", maa::EXP),
    ("x-ms-attestation-type", maa::ATTESTATION_TYPE),
    ("x-ms-policy-hash", maa::POLICY_HASH),
    ("x-ms-ver", maa::VER),
    ("secureboot", maa::SECUREBOOT),
    ("x-ms-azurevm-attestation-protocol-ver", maa::AZUREVM_ATTESTATION_PROTOCOL_VER),
    ("x-ms-azurevm-attested-pcrs", maa::AZUREVM_ATTESTED_PCRS),
    ("x-ms-azurevm-bootdebug-enabled", maa::AZUREVM_BOOTDEBUG_ENABLED),
    ("x-ms-azurevm-dbvalidated", maa::AZUREVM_DBVALIDATED),
    ("x-ms-azurevm-dbxvalidated", maa::AZUREVM_DBXVALIDATED),
    ("x-ms-azurevm-debuggersdisabled", maa::AZUREVM_DEBUGGERSDISABLED),
    ("x-ms-azurevm-default-securebootkeysvalidated", maa::AZUREVM_DEFAULT_SECUREBOOTKEYSVALIDATED),
    ("x-ms-azurevm-elam-enabled", maa::AZUREVM_ELAM_ENABLED),
    ("x-ms-azurevm-flightsigning-enabled", maa::AZUREVM_FLIGHTSIGNING_ENABLED),
    ("x-ms-azurevm-hvci-policy", maa::AZUREVM_HVCI_POLICY),
    ("x-ms-azurevm-hypervisordebug-enabled", maa::AZUREVM_HYPERVISORDEBUG_ENABLED),
    ("x-ms-azurevm-is-windows", maa::AZUREVM_IS_WINDOWS),
    ("x-ms-azurevm-kerneldebug-enabled", maa::AZUREVM_KERNELDEBUG_ENABLED),
    ("x-ms-azurevm-osbuild", maa::AZUREVM_OSBUILD),
    ("x-ms-azurevm-osdistro", maa::AZUREVM_OSDISTRO),
    ("x-ms-azurevm-ostype", maa::AZUREVM_OSTYPE),
    ("x-ms-azurevm-osversion-major", maa::AZUREVM_OSVERSION_MAJOR),
    ("x-ms-azurevm-osversion-minor", maa::AZUREVM_OSVERSION_MINOR),
    ("x-ms-azurevm-signingdisabled", maa::AZUREVM_SIGNINGDISABLED),
    ("x-ms-azurevm-testsigning-enabled", maa::AZUREVM_TESTSIGNING_ENABLED),
    ("x-ms-azurevm-vmid", maa::AZUREVM_VMID),
];

/// Members of the description of SEV-SNP; the last six from protocol 3.0 on.
const SEVSNPVM: &[(&str, ClaimId)] = &[
    ("x-ms-sevsnpvm-authorkeydigest", maa::SEVSNPVM_AUTHORKEYDIGEST),
    ("x-ms-sevsnpvm-bootloader-svn", maa::SEVSNPVM_BOOTLOADER_SVN),
    ("x-ms-sevsnpvm-familyId", maa::SEVSNPVM_FAMILY_ID),
    ("x-ms-sevsnpvm-guestsvn", maa::SEVSNPVM_GUESTSVN),
    ("x-ms-sevsnpvm-hostdata", maa::SEVSNPVM_HOSTDATA),
    ("x-ms-sevsnpvm-idkeydigest", maa::SEVSNPVM_IDKEYDIGEST),
    ("x-ms-sevsnpvm-imageId", maa::SEVSNPVM_IMAGE_ID),
    ("x-ms-sevsnpvm-is-debuggable", maa::SEVSNPVM_IS_DEBUGGABLE),
    ("x-ms-sevsnpvm-launchmeasurement", maa::SEVSNPVM_LAUNCHMEASUREMENT),
    ("x-ms-sevsnpvm-microcode-svn", maa::SEVSNPVM_MICROCODE_SVN),
    ("x-ms-sevsnpvm-migration-allowed", maa::SEVSNPVM_MIGRATION_ALLOWED),
    ("x-ms-sevsnpvm-reportdata", maa::SEVSNPVM_REPORTDATA),
    ("x-ms-sevsnpvm-reportid", maa::SEVSNPVM_REPORTID),
    ("x-ms-sevsnpvm-smt-allowed", maa::SEVSNPVM_SMT_ALLOWED),
    ("x-ms-sevsnpvm-snpfw-svn", maa::SEVSNPVM_SNPFW_SVN),
    ("x-ms-sevsnpvm-tee-svn", maa::SEVSNPVM_TEE_SVN),
    ("x-ms-sevsnpvm-vmpl", maa::SEVSNPVM_VMPL),
    ("x-ms-sevsnpvm-ciphertext-hiding-dram-enabled", maa::SEVSNPVM_CIPHERTEXT_HIDING_DRAM_ENABLED),
    ("x-ms-sevsnpvm-cxl-allowed", maa::SEVSNPVM_CXL_ALLOWED),
    ("x-ms-sevsnpvm-mem-aes256-xts-required", maa::SEVSNPVM_MEM_AES256_XTS_REQUIRED),
    ("x-ms-sevsnpvm-page-swap-disabled", maa::SEVSNPVM_PAGE_SWAP_DISABLED),
    ("x-ms-sevsnpvm-rapl-disabled", maa::SEVSNPVM_RAPL_DISABLED),
    ("x-ms-sevsnpvm-singlesocket", maa::SEVSNPVM_SINGLESOCKET),
];

/// Members of the description of a trust domain (Microsoft's EAT profile, which shares its names with Intel's service). The
/// four RTMRs are read beside them.
const TDX: &[(&str, ClaimId)] = &[
    ("attester_tcb_status", maa::TDX_ATTESTER_TCB_STATUS),
    ("dbgstat", maa::TDX_DBGSTAT),
    ("tdx_mrseam", maa::TDX_MRSEAM),
    ("tdx_mrsignerseam", maa::TDX_MRSIGNERSEAM),
    ("tdx_mrtd", maa::TDX_MRTD),
    ("tdx_mrconfigid", maa::TDX_MRCONFIGID),
    ("tdx_mrowner", maa::TDX_MROWNER),
    ("tdx_mrownerconfig", maa::TDX_MROWNERCONFIG),
    ("tdx_report_data", maa::TDX_REPORT_DATA),
    ("tdx_seam_attributes", maa::TDX_SEAM_ATTRIBUTES),
    ("tdx_tee_tcb_svn", maa::TDX_TEE_TCB_SVN),
    ("tdx_td_attributes", maa::TDX_TD_ATTRIBUTES),
    ("tdx_td_attributes_debug", maa::TDX_IS_DEBUGGABLE),
    ("tdx_xfam", maa::TDX_XFAM),
];

/// Members of the description of an enclave. Older tokens repeat them under other names, which are not read.
const SGX: &[(&str, ClaimId)] = &[
    ("x-ms-sgx-is-debuggable", maa::SGX_IS_DEBUGGABLE),
    ("x-ms-sgx-mrenclave", maa::SGX_MRENCLAVE),
    ("x-ms-sgx-mrsigner", maa::SGX_MRSIGNER),
    ("x-ms-sgx-product-id", maa::SGX_PRODUCT_ID),
    ("x-ms-sgx-report-data", maa::SGX_REPORT_DATA),
    ("x-ms-sgx-svn", maa::SGX_SVN),
];

/// The collateral with which a quote was judged names the quote by its hash.
const COLLATERAL: [&str; 3] = ["x-ms-sgx-collateral", "x-ms-tdx-collateral", "tdx_collateral"];
/// The statuses of a TCB, as Intel spells them.
const STATUSES: [&str; 9] = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
    "Revoked",
];
/// The virtual TPM's attestation key and the guest's encryption key, by their ids.
const ATTESTATION_KEY_ID: &str = "HCLAkPub";
const GUEST_KEY_ID: &str = "TpmEphemeralEncryptionKey";

/// What a token says.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) claims: Claims,
    /// The guest's report, or the hash of a quote.
    pub(super) links: Vec<Link>,
    /// The key of the virtual TPM whose quote Azure Attestation verified.
    pub(super) attestation_key: Option<AttestationKey>,
    /// The guest's encryption key as a thumbprint hashes it (RFC 7638, section 3.1).
    pub(super) guest_key: Option<String>,
    /// What the guest sent along as its nonce. Azure Attestation repeats it; no hardware signs it.
    pub(super) client_nonce: Option<Vec<u8>>,
    /// What the requester of the hardware's report chose, where that was the guest or the enclave itself. In a guest's token,
    /// and in one about a paravisor's report, it was the paravisor.
    pub(super) report_data: Option<[u8; 64]>,
}

/// Reads what the payload says.
pub(super) fn read(payload: &Object<'_>) -> Result<Stated, Reason> {
    // No other issuer's tokens have it.
    needed_text(payload, "x-ms-attestation-type")?;
    let mut claims = Claims::with_capacity(80);
    claim_all(&mut claims, payload, TOKEN)?;
    claims.insert_if(cross_vendor::SECURE_BOOT, payload.bool("secureboot"));
    claims.insert_if(cross_vendor::INSTANCE, payload.text("x-ms-azurevm-vmid"));
    let runtime = payload.object("x-ms-runtime");
    let sent_along = runtime.and_then(client_nonce);
    claims.insert_if(maa::CLIENT_PAYLOAD_NONCE, sent_along.as_deref());

    let is_guest = payload.text("x-ms-attestation-type") == Some(GUEST);
    // Whatever else has such a member, it is no description of the machine that the token is about.
    let tee = payload.object("x-ms-isolation-tee").filter(|_| is_guest);
    let described = tee.unwrap_or(payload);
    claim_all(&mut claims, described, &[("x-ms-compliance-status", maa::COMPLIANCE_STATUS)])?;
    let hardware_type = described.text("x-ms-attestation-type");
    if let Some(hardware) = HARDWARE.iter().find(|hardware| Some(hardware.attestation_type) == hardware_type) {
        claims.insert(cross_vendor::PLATFORM, hardware.platform);
        hardware.claim(&mut claims, described)?;
    }
    let attestation_key = match tee {
        Some(tee) => {
            claim_all(&mut claims, tee, &[("x-ms-attestation-type", maa::ISOLATION_TEE_TYPE)])?;
            paravisor(&mut claims, tee)?
        }
        None if is_of_paravisor(payload, &claims) => paravisor(&mut claims, payload)?,
        None => None,
    };
    let has_chosen = !is_guest && attestation_key.is_none();
    let report_data = [maa::SEVSNPVM_REPORTDATA, maa::TDX_REPORT_DATA, maa::SGX_REPORT_DATA];
    let report_data = report_data.into_iter().filter(|_| has_chosen).find_map(|name| bytes(&claims, name));
    // Beside a report that is the paravisor's, a request has a nonce of its own.
    let of_request = || payload.text("nonce").filter(|nonce| !nonce.is_empty()).map(|nonce| nonce.as_bytes().to_vec());
    let client_nonce = if is_guest || has_chosen { sent_along } else { of_request() };
    let links = links(&claims, described);
    let guest_key = runtime.and_then(|runtime| key(runtime, GUEST_KEY_ID)).and_then(thumbprint_text);
    Ok(Stated { claims, links, attestation_key, guest_key, client_nonce, report_data })
}

impl Hardware {
    /// Claims what an object says of this hardware, and repeats what other hardware has too.
    fn claim(&self, claims: &mut Claims, described: &Object<'_>) -> Result<(), Reason> {
        claim_all(claims, described, self.members)?;
        if self.attestation_type == TDX_TYPE {
            for (register, member) in (0..).zip(["tdx_rtmr0", "tdx_rtmr1", "tdx_rtmr2", "tdx_rtmr3"]) {
                claim(claims, described, member, maa::TDX_RTMR.at(register))?;
            }
            claims.insert_if(cross_vendor::TCB_STATUS, described.text("attester_tcb_status").and_then(status_spelt));
        }
        // A trust domain's state stands there twice; one place that says debug is enough.
        let says_debug =
            matches!(claims.get(maa::TDX_DBGSTAT), Some(Value::Text(state)) if !state.starts_with("disabled"));
        let debug = if says_debug { Some(true) } else { claims.bool(self.debug) };
        claims.insert_if(cross_vendor::DEBUG, debug);
        let measurement = claims.get(self.measurement).cloned();
        claims.insert_if(cross_vendor::MEASUREMENT, measurement);
        Ok(())
    }
}

/// What the guest sent along. It may be text of any sort; a nonce is base64.
fn client_nonce(runtime: &Object<'_>) -> Option<Vec<u8>> {
    let text = runtime.object("client-payload")?.text("nonce")?;
    STANDARD.decode(text).ok().filter(|nonce| !nonce.is_empty())
}

/// Whether a token about hardware alone is about a paravisor's report: the runtime data that were sent with it, and whose hash
/// the report has, name a virtual TPM's key. Others may choose runtime data that say so too, and lose by it the places for
/// what they choose themselves. A trust domain that is not measured would be anybody's word for the key.
fn is_of_paravisor(payload: &Object<'_>, claims: &Claims) -> bool {
    let is_measured = match payload.text("x-ms-attestation-type") {
        Some(SNP_TYPE) => true,
        Some(TDX_TYPE) => claims.get(maa::TDX_MRTD).is_some(),
        _ => false,
    };
    is_measured && payload.object("x-ms-runtime").is_some_and(|runtime| key(runtime, ATTESTATION_KEY_ID).is_some())
}

/// Claims what the paravisor had the hardware sign, as in `azure-*-vtpm`. Gives its attestation key.
fn paravisor(claims: &mut Claims, tee: &Object<'_>) -> Result<Option<AttestationKey>, Reason> {
    let Some(runtime) = tee.object("x-ms-runtime") else { return Ok(None) };
    claim_all(claims, runtime, &[("user-data", maa::USER_DATA)])?;
    if let Some(machine) = runtime.object("vm-configuration") {
        claim_all(claims, machine, &[("vmUniqueId", maa::VM_UNIQUE_ID)])?;
    }
    let Some(key) = key(runtime, ATTESTATION_KEY_ID) else { return Ok(None) };
    let (Some("RSA"), Some(modulus), Some(exponent)) = (key.text("kty"), key.text("n"), key.text("e")) else {
        return Err(ReasonCode::AzureAttestationKey.into());
    };
    AttestationKey::read(modulus, exponent).map(Some)
}

/// What else would speak of the same guest or enclave.
fn links(claims: &Claims, described: &Object<'_>) -> Vec<Link> {
    let report = bytes(claims, maa::SEVSNPVM_REPORTID).map(Link::SnpReportId);
    let quotes = COLLATERAL.iter().filter_map(|member| {
        let mut sha256 = [0; 32];
        hex::decode_to_slice(described.object(member)?.text("quotehash")?, &mut sha256).ok()?;
        Some(Link::QuoteSha256(sha256))
    });
    report.into_iter().chain(quotes).collect()
}

/// The one key of that id.
fn key<'o>(runtime: &'o Object<'_>, id: &str) -> Option<&'o Object<'o>> {
    let Some(Node::List(keys)) = runtime.get("keys") else { return None };
    let mut named = keys.iter().filter_map(|key| match key {
        Node::Object(key) if key.text("kid") == Some(id) => Some(key),
        _ => None,
    });
    let (first, second) = (named.next(), named.next());
    first.filter(|_| second.is_none())
}

/// What the thumbprint of an RSA key is over (RFC 7638, section 3).
fn thumbprint_text(key: &Object<'_>) -> Option<String> {
    let (Some("RSA"), exponent, modulus) = (key.text("kty"), key.text("e")?, key.text("n")?) else { return None };
    let is_base64url =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (is_base64url(exponent) && is_base64url(modulus))
        .then(|| format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#))
}

/// A status of a TCB in the spelling of `tcb.status`; services write the same words in other cases, with underscores.
fn status_spelt(status: &str) -> Option<&'static str> {
    let letters = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let status = letters(status);
    STATUSES.into_iter().find(|known| letters(known) == status)
}

/// The bytes of a claim whose length the dictionary fixes.
fn bytes<const N: usize>(claims: &Claims, name: ClaimId) -> Option<[u8; N]> {
    match claims.get(name) {
        Some(Value::Hex(bytes)) => bytes.as_ref().try_into().ok(),
        _ => None,
    }
}
