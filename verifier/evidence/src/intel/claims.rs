//! What a quote establishes, by the names of the claim dictionary (`tdx.`, `sgx.` and the cross-vendor ones).

use prooftrail_result::{
    Timestamp,
    claims::{ClaimId, Claims, Value, cross_vendor, sgx, tdx},
};

use super::{
    Established,
    collateral::Document,
    quote::{EnclaveReport, Quote, TdReport, Tee},
    tcb::{Evaluated, module_id, module_version},
};
use crate::{
    context::Context,
    intel::quote::Body,
    x509::{self, VerifiedCertificate},
};

/// Declares the claims that both families have, once.
macro_rules! shared_names {
    ($($field:ident = $constant:ident;)*) => {
        /// The names under which what both kinds have is claimed.
        struct Names {
            platform: &'static str,
            $($field: ClaimId,)*
        }

        const TDX: Names = Names { platform: "tdx", $($field: tdx::$constant,)* };
        const SGX: Names = Names { platform: "sgx", $($field: sgx::$constant,)* };
    };
}

shared_names! {
    quote_version = QUOTE_VERSION;
    report_data = REPORT_DATA;
    tcb_status = TCB_STATUS;
    tcb_platform_status = TCB_PLATFORM_STATUS;
    tcb_qe_status = TCB_QE_STATUS;
    tcb_date = TCB_DATE;
    tcb_evaluation_data_number = TCB_EVALUATION_DATA_NUMBER;
    cpu_svn = CPU_SVN;
    pce_svn = PCE_SVN;
    pce_id = PCE_ID;
    fmspc = FMSPC;
    ppid = PPID;
    platform_instance_id = PLATFORM_INSTANCE_ID;
    sgx_type = SGX_TYPE;
    dynamic_platform = DYNAMIC_PLATFORM;
    cached_keys = CACHED_KEYS;
    smt_enabled = SMT_ENABLED;
    pck_ca = PCK_CA;
    pck_serial = PCK_SERIAL;
    pck_not_before = PCK_NOT_BEFORE;
    pck_not_after = PCK_NOT_AFTER;
    qe_mrenclave = QE_MRENCLAVE;
    qe_mrsigner = QE_MRSIGNER;
    qe_isvprodid = QE_ISVPRODID;
    qe_isvsvn = QE_ISVSVN;
    qe_id = QE_ID;
    attestation_key_sha256 = ATTESTATION_KEY_SHA256;
    collateral_issued = COLLATERAL_ISSUED;
    collateral_expires = COLLATERAL_EXPIRES;
}

/// TDATTRIBUTES by bit (TDX Module ABI, 348551-008US, table 3.23).
const TD_ATTRIBUTES: [(u32, ClaimId); 10] = [
    (0, tdx::TD_ATTRIBUTES_DEBUG),
    (16, tdx::TD_ATTRIBUTES_ICSSD),
    (17, tdx::TD_ATTRIBUTES_SERVTD_EXT),
    (27, tdx::TD_ATTRIBUTES_LASS),
    (28, tdx::TD_ATTRIBUTES_SEPTVE_DISABLE),
    (29, tdx::TD_ATTRIBUTES_MIGRATABLE),
    (30, tdx::TD_ATTRIBUTES_PROTECTION_KEYS),
    (31, tdx::TD_ATTRIBUTES_KEY_LOCKER),
    (62, tdx::TD_ATTRIBUTES_TPA),
    (63, tdx::TD_ATTRIBUTES_PERFMON),
];
/// The bits of TDATTRIBUTES that let the host profile the guest: HGS+, PERF_PROF and PMT_PROF.
const PROFILING: [u32; 3] = [4, 5, 6];

/// Everything that is established. Without an evaluation, nothing is claimed of the TCB's worth.
pub(super) fn claims(
    established: &Established<'_>,
    evaluated: Option<&Evaluated>,
    tee: Tee,
    context: &Context<'_>,
) -> Claims {
    let Established { quote, root, pck, revocation, .. } = established;
    let names = match tee {
        Tee::Tdx => &TDX,
        Tee::Sgx => &SGX,
    };
    let mut claims = Claims::with_capacity(96);
    claims.insert(cross_vendor::PLATFORM, names.platform);
    claims.insert_if(cross_vendor::VENDOR, root.vendor.as_deref());
    claims.insert(cross_vendor::HARDWARE_ID, established.platform.extension.ppid.as_slice());
    x509::claim_revocation(&mut claims, revocation);
    claims.insert(cross_vendor::TRUST_ANCHOR, root.trust_anchor.as_str());
    claims.insert(cross_vendor::ROOT_SHA256, vec![Value::from(root.sha256.as_slice())]);
    claims.insert(cross_vendor::SIMULATED, root.simulated);

    claims.insert(names.quote_version, u64::from(quote.version));
    match &quote.body {
        Body::Td(report) => trust_domain(&mut claims, quote, report),
        Body::Enclave(report) => enclave(&mut claims, report),
    }
    claims.insert(names.report_data, quote.body.report_data().as_slice());
    platform(&mut claims, names, established);
    claims.insert(names.pck_serial, pck.certificate.serial.as_slice());
    claims.insert(names.pck_not_before, pck.certificate.not_before);
    claims.insert(names.pck_not_after, pck.certificate.not_after);
    quoting_enclave(&mut claims, names, quote, context);
    claims.insert(names.collateral_issued, established.issued());
    claims.insert(names.collateral_expires, established.expires(context));
    let numbers = [
        established.tcb_info.content.evaluation_data_number(),
        established.qe_identity.content.evaluation_data_number(),
    ];
    claims.insert_if(names.tcb_evaluation_data_number, numbers.into_iter().min());
    if let Some(evaluated) = evaluated {
        tcb(&mut claims, names, evaluated);
    }
    claims
}

fn trust_domain(claims: &mut Claims, quote: &Quote<'_>, report: &TdReport<'_>) {
    claims.insert(cross_vendor::DEBUG, report.has_attribute(0));
    claims.insert(cross_vendor::MEASUREMENT, report.mrtd.as_slice());
    claims.insert(tdx::BODY_TYPE, u64::from(quote.body_type));
    claims.insert(tdx::TEE_TCB_SVN, report.tee_tcb_svn.as_slice());
    claims.insert(tdx::MRSEAM, report.mrseam.as_slice());
    claims.insert(tdx::MRSIGNERSEAM, report.mrsignerseam.as_slice());
    claims.insert(tdx::SEAM_ATTRIBUTES, report.seam_attributes.as_slice());
    claims.insert(tdx::TD_ATTRIBUTES, report.td_attributes.as_slice());
    for (bit, name) in TD_ATTRIBUTES {
        claims.insert(name, report.has_attribute(bit));
    }
    claims.insert(tdx::TD_ATTRIBUTES_PROFILING, PROFILING.iter().any(|bit| report.has_attribute(*bit)));
    claims.insert(tdx::XFAM, report.xfam.as_slice());
    claims.insert(tdx::MRTD, report.mrtd.as_slice());
    claims.insert(tdx::MRCONFIGID, report.mrconfigid.as_slice());
    claims.insert(tdx::MROWNER, report.mrowner.as_slice());
    claims.insert(tdx::MROWNERCONFIG, report.mrownerconfig.as_slice());
    for (index, rtmr) in (0..).zip(report.rtmrs) {
        claims.insert(tdx::RTMR.at(index), rtmr.as_slice());
    }
    if let Some(td15) = &report.td15 {
        claims.insert(tdx::TEE_TCB_SVN2, td15.tee_tcb_svn2.as_slice());
        claims.insert(tdx::MRSERVICETD, td15.mrservicetd.as_slice());
    }
    if let Some(extended) = &report.extended {
        claims.insert(cross_vendor::INSTANCE, extended.td_id.as_slice());
        claims.insert(tdx::VMID, u64::from(extended.vmid));
        claims.insert(tdx::TD_ID, extended.td_id.as_slice());
        claims.insert(tdx::INIT_SERVICE_TD_HASH, extended.init_service_td_hash.as_slice());
        claims.insert(tdx::CUR_SERVICE_TD_HASH, extended.cur_service_td_hash.as_slice());
    }
    let (isvsvn, major) = module_version(report.tee_tcb_svn);
    if major > 0 {
        claims.insert(tdx::MODULE_ID, module_id(major).as_str());
        claims.insert(tdx::MODULE_ISVSVN, u64::from(isvsvn));
    }
}

fn enclave(claims: &mut Claims, report: &EnclaveReport<'_>) {
    claims.insert(cross_vendor::DEBUG, report.is_debug());
    claims.insert(cross_vendor::MEASUREMENT, report.mrenclave.as_slice());
    claims.insert(sgx::MRENCLAVE, report.mrenclave.as_slice());
    claims.insert(sgx::MRSIGNER, report.mrsigner.as_slice());
    claims.insert(sgx::ISVPRODID, u64::from(report.isvprodid));
    claims.insert(sgx::ISVSVN, u64::from(report.isvsvn));
    claims.insert(sgx::ATTRIBUTES, report.attributes.as_slice());
    claims.insert(sgx::ATTRIBUTES_DEBUG, report.is_debug());
    claims.insert(sgx::MISCSELECT, report.miscselect.as_slice());
}

fn platform(claims: &mut Claims, names: &Names, established: &Established<'_>) {
    let extension = &established.platform.extension;
    claims.insert(names.cpu_svn, extension.cpu_svn.as_slice());
    claims.insert(names.pce_svn, u64::from(extension.pce_svn));
    claims.insert(names.pce_id, extension.pce_id.as_slice());
    claims.insert(names.fmspc, extension.fmspc.as_slice());
    claims.insert(names.ppid, extension.ppid.as_slice());
    claims.insert_if(names.platform_instance_id, extension.platform_instance_id.as_ref().map(<[u8; 16]>::as_slice));
    claims.insert(names.sgx_type, extension.sgx_type);
    claims.insert_if(names.dynamic_platform, extension.dynamic_platform);
    claims.insert_if(names.cached_keys, extension.cached_keys);
    claims.insert_if(names.smt_enabled, extension.smt_enabled);
    claims.insert(names.pck_ca, established.platform.ca);
}

fn quoting_enclave(claims: &mut Claims, names: &Names, quote: &Quote<'_>, context: &Context<'_>) {
    let data = &quote.signature_data;
    claims.insert(names.qe_mrenclave, data.qe_report.mrenclave.as_slice());
    claims.insert(names.qe_mrsigner, data.qe_report.mrsigner.as_slice());
    claims.insert(names.qe_isvprodid, u64::from(data.qe_report.isvprodid));
    claims.insert(names.qe_isvsvn, u64::from(data.qe_report.isvsvn));
    claims.insert(names.qe_id, quote.qe_id.as_slice());
    let key = context.crypto.sha256(&[data.attestation_key]);
    claims.insert(names.attestation_key_sha256, key.as_slice());
}

fn tcb(claims: &mut Claims, names: &Names, evaluated: &Evaluated) {
    let status = evaluated.status.as_str();
    claims.insert(cross_vendor::TCB_STATUS, status);
    claims.insert(cross_vendor::TCB_DATE, evaluated.date);
    let advisories: Vec<_> = evaluated.advisories.iter().map(|id| Value::from(id.as_str())).collect();
    claims.insert(cross_vendor::ADVISORIES, advisories);
    claims.insert(names.tcb_status, status);
    claims.insert(names.tcb_platform_status, evaluated.platform_status.as_str());
    claims.insert(names.tcb_qe_status, evaluated.qe_status.as_str());
    claims.insert(names.tcb_date, evaluated.date);
    claims.insert_if(tdx::TCB_MODULE_STATUS, evaluated.module_status.map(super::collateral::Status::as_str));
}

impl Established<'_> {
    /// The latest beginning of anything that the verdict rests on.
    fn issued(&self) -> Timestamp {
        let documents = self.tcb_info.content.issue_date().max(self.qe_identity.content.issue_date());
        self.chains().map(VerifiedCertificate::valid_from).fold(documents, Timestamp::max)
    }

    /// When the first part of it is due for renewal: a document, a revocation list, a certificate.
    fn expires(&self, context: &Context<'_>) -> Timestamp {
        let crls = context.endorsements.crls().iter();
        let crls = crls.filter(|crl| self.revocation.crls.contains(&crl.sha256())).map(|crl| crl.next_update());
        let certificates = self.chains().map(|verified| verified.certificate.not_after);
        crls.chain(certificates).fold(self.documents_due(), Timestamp::min)
    }
}
