//! What an authentic report establishes, by the names of docs/claims.md.

use prooftrail_result::claims::{ClaimId, Claims, Value, cross_vendor, snp};

use super::{
    Vouched, bits,
    endorsement_key::Owner,
    product::KeyKind,
    report::{Report, Requester},
    tcb::TcbVersion,
};
use crate::{crypto::Crypto, x509};

/// The claims of one TCB version.
struct TcbClaims {
    fmc: ClaimId,
    bootloader: ClaimId,
    tee: ClaimId,
    snp: ClaimId,
    microcode: ClaimId,
}

const REPORTED: TcbClaims = TcbClaims {
    fmc: snp::TCB_REPORTED_FMC,
    bootloader: snp::TCB_REPORTED_BOOTLOADER,
    tee: snp::TCB_REPORTED_TEE,
    snp: snp::TCB_REPORTED_SNP,
    microcode: snp::TCB_REPORTED_MICROCODE,
};
const CURRENT: TcbClaims = TcbClaims {
    fmc: snp::TCB_CURRENT_FMC,
    bootloader: snp::TCB_CURRENT_BOOTLOADER,
    tee: snp::TCB_CURRENT_TEE,
    snp: snp::TCB_CURRENT_SNP,
    microcode: snp::TCB_CURRENT_MICROCODE,
};
const COMMITTED: TcbClaims = TcbClaims {
    fmc: snp::TCB_COMMITTED_FMC,
    bootloader: snp::TCB_COMMITTED_BOOTLOADER,
    tee: snp::TCB_COMMITTED_TEE,
    snp: snp::TCB_COMMITTED_SNP,
    microcode: snp::TCB_COMMITTED_MICROCODE,
};
const LAUNCH: TcbClaims = TcbClaims {
    fmc: snp::TCB_LAUNCH_FMC,
    bootloader: snp::TCB_LAUNCH_BOOTLOADER,
    tee: snp::TCB_LAUNCH_TEE,
    snp: snp::TCB_LAUNCH_SNP,
    microcode: snp::TCB_LAUNCH_MICROCODE,
};

impl TcbClaims {
    fn claim(&self, claims: &mut Claims, tcb: &TcbVersion) {
        claims.insert_if(self.fmc, tcb.fmc.map(int));
        claims.insert(self.bootloader, int(tcb.bootloader));
        claims.insert(self.tee, int(tcb.tee));
        claims.insert(self.snp, int(tcb.snp));
        claims.insert(self.microcode, int(tcb.microcode));
    }
}

/// Claims everything that the report and its certificates establish.
pub(crate) fn claim(claims: &mut Claims, report: &Report<'_>, vouched: &Vouched<'_>, crypto: &dyn Crypto) {
    let Vouched { root, leaf, line, key_kind, tcbs } = vouched;
    claims.insert(cross_vendor::PLATFORM, "sev-snp");
    claims.insert_if(cross_vendor::VENDOR, root.vendor.as_deref());
    claims.insert(cross_vendor::DEBUG, bits::is_set(report.policy, bits::POLICY_DEBUG));
    claims.insert(cross_vendor::MEASUREMENT, report.measurement.as_slice());
    claims.insert(cross_vendor::INSTANCE, report.report_id.as_slice());
    x509::claim_revocation(claims, &leaf.revocation);
    if leaf.revocation.checked > 0 {
        // Every VCEK and VLEK has the serial number 0, so that lists can only name their issuers.
        claims.insert(cross_vendor::REVOCATION_SCOPE, "intermediates");
    }
    claims.insert(cross_vendor::TRUST_ANCHOR, root.trust_anchor.as_str());
    claims.insert(cross_vendor::ROOT_SHA256, vec![Value::from(root.sha256.as_slice())]);
    claims.insert(cross_vendor::SIMULATED, root.simulated);

    claims.insert(snp::VERSION, int(report.version));
    claims.insert(snp::GUEST_SVN, int(report.guest_svn));
    claims.insert(snp::POLICY, Value::Mask(report.policy));
    let [abi_minor, abi_major, ..] = report.policy.to_le_bytes();
    claims.insert(snp::POLICY_ABI_MINOR, int(abi_minor));
    claims.insert(snp::POLICY_ABI_MAJOR, int(abi_major));
    bits::claim_policy(claims, report.policy);
    claims.insert(snp::FAMILY_ID, report.family_id.as_slice());
    claims.insert(snp::IMAGE_ID, report.image_id.as_slice());
    if let Requester::Guest(vmpl) = report.requester {
        claims.insert(snp::VMPL, int(vmpl));
    }
    claims.insert(snp::PLATFORM_INFO, Value::Mask(report.platform_info));
    bits::claim_platform_info(claims, report.platform_info, report.version);
    claims.insert(snp::AUTHOR_KEY_ENABLED, report.author_key_enabled);
    claims.insert(snp::CHIP_KEY_MASKED, report.chip_key_masked);
    claims.insert(snp::SIGNING_KEY, key_kind.as_str());
    claims.insert(snp::REPORT_DATA, report.report_data.as_slice());
    claims.insert(snp::MEASUREMENT, report.measurement.as_slice());
    claims.insert(snp::HOST_DATA, report.host_data.as_slice());
    claims.insert(snp::ID_KEY_DIGEST, report.id_key_digest.as_slice());
    claims.insert(snp::AUTHOR_KEY_DIGEST, report.author_key_digest.as_slice());
    claims.insert(snp::REPORT_ID, report.report_id.as_slice());
    claims.insert(snp::REPORT_ID_MA, report.report_id_ma.as_slice());
    REPORTED.claim(claims, &tcbs.reported);
    CURRENT.claim(claims, &tcbs.current);
    COMMITTED.claim(claims, &tcbs.committed);
    LAUNCH.claim(claims, &tcbs.launch);
    let is_provisional = tcbs.committed != tcbs.current || report.committed_firmware != report.current_firmware;
    claims.insert(snp::PROVISIONAL, is_provisional);
    if let Some(cpu) = report.cpu {
        claims.insert(snp::CPUID_FAMILY, int(cpu.family));
        claims.insert(snp::CPUID_MODEL, int(cpu.model));
        claims.insert(snp::CPUID_STEPPING, int(cpu.stepping));
    }
    claims.insert(snp::PRODUCT, line.as_str());
    claims.insert(snp::CHIP_ID_MASKED, *key_kind == KeyKind::Vcek && report.has_no_chip_id());
    claims.insert(snp::FIRMWARE_CURRENT, report.current_firmware.to_string().as_str());
    claims.insert(snp::FIRMWARE_COMMITTED, report.committed_firmware.to_string().as_str());
    if let Some(mitigations) = report.mitigations {
        claims.insert(snp::MITIGATIONS_LAUNCH, Value::Mask(mitigations.launch));
        claims.insert(snp::MITIGATIONS_CURRENT, Value::Mask(mitigations.current));
    }
    claims.insert(snp::VEK_NOT_BEFORE, leaf.certificate.not_before);
    claims.insert(snp::VEK_NOT_AFTER, leaf.certificate.not_after);
    claims.insert(snp::VEK_SPKI_SHA256, crypto.sha256(&[&leaf.certificate.public_key_der]).as_slice());
}

/// Claims whose key it is. A chip that hides its id is not named, though its certificate names it.
pub(crate) fn claim_owner(claims: &mut Claims, report: &Report<'_>, owner: Owner<'_>) {
    match owner {
        Owner::Chip(id) if !report.has_no_chip_id() => {
            claims.insert(cross_vendor::HARDWARE_ID, id);
            claims.insert(snp::CHIP_ID, id);
        }
        Owner::Chip(_) => {}
        Owner::Cloud(id) => claims.insert(snp::CSP_ID, id),
    }
}

fn int(number: impl Into<u64>) -> Value {
    Value::Int(number.into())
}
