//! Quotes by which a service shows in what enclave it runs, where the service is not the evidence but stands behind it.
//!
//! In: an SGX quote, and Intel's collateral if there is any. Out: [`VouchedEnclave`], or why nobody vouches. Signatures and chain
//! are verified as for evidence. Collateral is used where some is of that platform, and then all of it must hold; where none
//! is, nothing is known of the platform's patch level, and the quoting enclave is compared with Intel's own signer: without
//! that, anyone's enclave that may be provisioned could have made the quote.

use std::sync::Arc;

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::Root;

use super::{
    Platform,
    collateral::{Document, QeIdentity, Status, TcbInfo},
    identity, profile,
    quote::{Body, EnclaveReport, Quote, Tee},
    tcb::{self, Converged},
    verify_attestation_key, verify_chain, verify_signature,
};
use crate::{
    authentic::InputDigest,
    checks::Checks,
    context::{Context, Revocation, RevocationMode},
    x509::{Profile, Remembered, VerifiedCertificate},
};

/// MRSIGNER of Intel's quoting enclave for SGX, as genuine quotes and Intel's identities have it.
const INTEL_QE_MRSIGNER: [u8; 32] = [
    0x8C, 0x4F, 0x57, 0x75, 0xD7, 0x96, 0x50, 0x3E, 0x96, 0x13, 0x7F, 0x77, 0xC6, 0x8A, 0x82, 0x9A, 0x00, 0x56, 0xAC,
    0x8D, 0xED, 0x70, 0x14, 0x0B, 0x08, 0x1B, 0x09, 0x44, 0x90, 0xC5, 0x7B, 0xFF,
];
/// Its product number among that signer's enclaves.
const INTEL_QE_ISVPRODID: u16 = 1;

/// Names what is remembered of a whole quote, where a chain alone is remembered under its own name.
static VOUCHED: Profile = profile("intel-vouched");

/// An enclave that Intel's root vouches for.
#[derive(Debug)]
pub(crate) struct VouchedEnclave {
    pub(crate) mrenclave: [u8; 32],
    pub(crate) mrsigner: [u8; 32],
    pub(crate) isvsvn: u16,
    pub(crate) debug: bool,
    /// What it put there.
    pub(crate) report_data: [u8; 64],
    /// The root that vouches, and whether a simulator stands behind it.
    pub(crate) root_sha256: [u8; 32],
    pub(crate) simulated: bool,
    /// The last instant at which all of this holds.
    pub(crate) valid_until: Timestamp,
    /// What it rests on.
    pub(crate) inputs: Vec<InputDigest>,
}

/// Verifies the quote of an enclave, which stands in a file with that SHA-256: the same quote stands behind every token of a
/// service.
pub(crate) fn vouch(bytes: &[u8], file_sha256: &[u8; 32], context: &Context<'_>) -> Result<VouchedEnclave, Reason> {
    if bytes.len() > super::MAX_QUOTE_BYTES {
        return Err(ReasonCode::EvidenceTooLarge.into());
    }
    // A policy's demands on revocation are about the evidence; here, what is known counts.
    let intel = match context.revocation.intel {
        RevocationMode::Off => RevocationMode::Off,
        RevocationMode::BestEffort | RevocationMode::Required => RevocationMode::BestEffort,
    };
    let context = Context { revocation: Revocation { intel, ..context.revocation }, ..*context };
    let quote = Quote::parse(bytes, Tee::Sgx)?;
    let Body::Enclave(report) = &quote.body else { return Err(ReasonCode::QuoteBodyType.into()) };
    let (root, pck) = platform_key(&quote, file_sha256, &context)?;
    let platform = pck.reading(Platform::read)?;

    let mut inputs = vec![InputDigest { role: "root", sha256: root.sha256 }];
    inputs.extend(crls(&pck));
    let mut valid_until = pck.valid_until();
    let qe_report = &quote.signature_data.qe_report;
    let collateral = context.endorsements.collateral();
    match collateral.tcb_info(Tee::Sgx, &platform.extension, context.at) {
        Err(_) => check_quoting_enclave(qe_report)?,
        Ok(info) => {
            let qe_identity = collateral.qe_identity(Tee::Sgx, context.at)?;
            let signers = [info.verify(root, &context)?, qe_identity.verify(root, &context)?];
            identity::quoting_enclave(qe_report, &qe_identity.content)?;
            let level = tcb::qe_level(&qe_identity.content.tcb_levels, qe_report.isvsvn)?;
            let evaluated = tcb::sgx(&info.content, &platform.extension, level);
            let evaluated = evaluated.map_err(first)?;
            if evaluated.status == Converged::Level(Status::Revoked) {
                return Err(ReasonCode::TcbRevoked.into());
            }
            inputs.push(InputDigest { role: TcbInfo::ROLE, sha256: info.sha256 });
            inputs.push(InputDigest { role: QeIdentity::ROLE, sha256: qe_identity.sha256 });
            inputs.extend(signers.iter().flat_map(|signer| crls(signer)));
            let due = info.content.next_update().min(qe_identity.content.next_update()).just_before();
            valid_until = signers.iter().map(|signer| signer.valid_until()).fold(valid_until.min(due), Timestamp::min);
        }
    }
    inputs.sort_unstable();
    inputs.dedup();
    Ok(VouchedEnclave {
        mrenclave: *report.mrenclave,
        mrsigner: *report.mrsigner,
        isvsvn: report.isvsvn,
        debug: report.is_debug(),
        report_data: *report.report_data,
        root_sha256: root.sha256,
        simulated: root.simulated,
        valid_until,
        inputs,
    })
}

/// The key of the platform that vouches for a quote, with its root: as the file was found to lead to before, or does now.
fn platform_key<'c>(
    quote: &Quote<'_>,
    file_sha256: &[u8; 32],
    context: &Context<'c>,
) -> Result<(&'c Root, Arc<VerifiedCertificate>), Reason> {
    let remembered = Remembered::of([file_sha256, &[]], &VOUCHED, context.revocation.intel, context);
    if let Some(pck) = remembered.find(context)
        && let Some(root) = context.roots.serving(Kind::IntelSgx).find(|root| root.sha256 == pck.root_sha256)
    {
        return Ok((root, pck));
    }
    let (root, pck) = verify_chain(quote, Kind::IntelSgx, context, &mut Checks::default())?;
    pck.reading(Platform::read)?;
    verify_attestation_key(quote, &pck, context)?;
    verify_signature(quote, context)?;
    remembered.remember(&pck, context);
    Ok((root, pck))
}

/// The quoting enclave is Intel's and cannot be debugged, going by what never changes.
fn check_quoting_enclave(report: &EnclaveReport<'_>) -> Result<(), Reason> {
    if *report.mrsigner == INTEL_QE_MRSIGNER && report.isvprodid == INTEL_QE_ISVPRODID && !report.is_debug() {
        return Ok(());
    }
    let detail = "no identity of the quoting enclave was supplied, and it is not Intel's by its signer";
    Err(Reason::new(ReasonCode::BindingQeIdentity, detail)
        .have(format_args!("{} {}", hex::encode(report.mrsigner), report.isvprodid))
        .need(format_args!("{} {INTEL_QE_ISVPRODID}", hex::encode(INTEL_QE_MRSIGNER))))
}

fn crls(certificate: &VerifiedCertificate) -> impl Iterator<Item = InputDigest> {
    certificate.revocation.crls.iter().map(|&sha256| InputDigest { role: "crl", sha256 })
}

fn first(reasons: Vec<Reason>) -> Reason {
    reasons.into_iter().next().unwrap_or_else(|| ReasonCode::TcbNoLevel.into())
}
