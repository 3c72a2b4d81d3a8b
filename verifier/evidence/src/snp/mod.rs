//! AMD SEV-SNP: attestation reports (`amd-sev-snp`).
//!
//! In: a report of 1,184 bytes, alone or with its table of certificates right behind it; certificates and CRLs among the
//! endorsements. Out: authentic claims. Parsing stands in [`report`] and [`certificate_table`], AMD's certificates in
//! [`certificates`] and [`endorsement_key`]; this file is the order of the checks: certificates → chain → what the
//! certificate says against what the report says → signature → what the caller expects. The certificate is compared
//! before the signature is verified, since a wrong one is the common mistake, and "bad signature" would not say so.

mod advisories;
mod bits;
mod certificate_table;
mod certificates;
mod claims;
mod endorsement_key;
mod product;
mod report;
mod tcb;
pub(crate) mod wanted;

use std::sync::Arc;

use prooftrail_result::{EvidenceId, Kind, Reason, ReasonCode, Timestamp, claims::Claims};
use prooftrail_trust_roots::Root;

use self::{
    certificates::Selected,
    endorsement_key::{EndorsementKey, Owner},
    report::{REPORT_BYTES, Report, Requester},
};
use crate::{
    authentic::{Authentic, InputDigest, Link, check},
    checks::Checks,
    context::{Context, Expected},
    crypto::SignatureAlgorithm,
    expected,
    format::Format,
    gce::{self, Measured},
    hardware::HardwareReport,
    x509::{self, Chain, KeyType, Profile, PublicKey, VerifiedCertificate},
};

pub(crate) use self::{
    certificate_table::{is_table, read as read_table},
    product::Generation,
};
pub use self::{
    product::{KeyKind, ProductLine},
    tcb::TcbVersion,
};

/// AMD's chains: RSA-4096 CAs that sign with PSS, and a P-384 leaf without key usage or basic constraints. The key server
/// mints certificates on request, dated to the request.
static PROFILE: Profile = Profile {
    name: "amd-sev-snp",
    algorithms: &[SignatureAlgorithm::RsaPssSha384, SignatureAlgorithm::RsaPssSha384Trailer],
    ca_key: KeyType::Rsa4096,
    leaf_key: KeyType::P384,
    leaf_usage: None,
    extended_key_usage: None,
    leaf_leeway_seconds: 0,
};

/// `amd-sev-snp`.
#[derive(Clone, Copy, Debug)]
pub struct SevSnp;

/// A report that has the format, perhaps with certificates.
#[derive(Debug)]
pub struct SnpEvidence<'a> {
    report: Report<'a>,
    /// The table of certificates behind it.
    table: Option<&'a [u8]>,
}

impl Format for SevSnp {
    const KIND: Kind = Kind::AmdSevSnp;
    const MAX_BYTES: usize = REPORT_BYTES + certificate_table::MAX_TABLE_BYTES;
    type Document<'a> = SnpEvidence<'a>;

    fn parse(bytes: &[u8]) -> Result<SnpEvidence<'_>, Reason> {
        let (report, table) = match bytes.split_at_checked(REPORT_BYTES) {
            Some((report, table)) if is_table(table) => {
                read_table(table)?;
                (report, Some(table))
            }
            _ => (bytes, None),
        };
        Ok(SnpEvidence { report: Report::parse(report)?, table })
    }

    fn signed_sha384(document: &SnpEvidence<'_>, context: &Context<'_>) -> [u8; 48] {
        context.crypto.sha384(&[document.report.signed])
    }

    fn claimed_time(_: &SnpEvidence<'_>) -> Option<Timestamp> {
        None
    }

    fn authenticate(
        document: SnpEvidence<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate_with_table(&document, id, Some(context.expected), context, checks)
    }
}

impl HardwareReport for SevSnp {
    fn signed<'d>(document: &'d SnpEvidence<'_>) -> &'d [u8] {
        document.report.signed
    }

    fn report_data<'d>(document: &'d SnpEvidence<'_>) -> &'d [u8; 64] {
        document.report.report_data
    }

    fn vouch(
        document: &SnpEvidence<'_>,
        id: EvidenceId,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<Authentic, Reason> {
        authenticate_with_table(document, id, None, context, checks)
    }
}

/// Authenticates a report with the certificates that came with it, among others.
fn authenticate_with_table(
    document: &SnpEvidence<'_>,
    id: EvidenceId,
    expected: Option<Expected<'_>>,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let Some(table) = document.table else {
        return authenticate(&document.report, id, expected, context, checks);
    };
    let endorsements = context.endorsements.clone().with(context.crypto, [table])?;
    authenticate(&document.report, id, expected, &Context { endorsements: &endorsements, ..*context }, checks)
}

/// The checks, in order. Each consumes what the one before it established.
fn authenticate(
    report: &Report<'_>,
    evidence_id: EvidenceId,
    expected: Option<Expected<'_>>,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Authentic, Reason> {
    let selected = checks.run(check::ROOT, || {
        certificates::select(report, context.endorsements, context.roots, evidence_id.kind, context.at)
    })?;
    let Selected { root, intermediate, leaf, line, key_kind } = selected;
    let chain = Chain { root, intermediates: &[intermediate.der()], leaf: leaf.der() };
    let verified = x509::verify(chain, &PROFILE, context.revocation.amd, context, checks)?;
    let key = checks.run(check::PROFILE, || EndorsementKey::read(&verified.certificate, line, key_kind))?;
    let tcbs = checks.run(check::IDENTITY, || check_identity(report, line, key_kind, &key))?;
    checks.run(check::SIGNATURE, || verify_signature(report, evidence_id, &verified, context))?;
    let bound = expected::in_report_data(report.report_data, expected, checks)?;

    let vouched = Vouched { root, leaf: &verified, line, key_kind, tcbs };
    let mut claims = Claims::with_capacity(96);
    bound.claim(&mut claims);
    claims::claim(&mut claims, report, &vouched, context.crypto);
    claims::claim_owner(&mut claims, report, key.owner);
    advisories::claim(&mut claims, context.at);
    let mut authentic = Authentic {
        evidence_id,
        claims,
        checks: Vec::new(),
        objections: objections(report, &tcbs),
        valid_until: verified.valid_until(),
        trust_anchor: root.trust_anchor,
        debug_applies: true,
        links: vec![Link::SnpReportId(*report.report_id)],
        issuer_keys: Vec::new(),
        inputs: inputs(&selected, &verified),
    };
    gce::endorse(&mut authentic, Measured::Snp(report.measurement), context, checks)?;
    Ok(authentic)
}

/// What stands behind a report.
#[derive(Debug)]
struct Vouched<'a> {
    root: &'a Root,
    leaf: &'a VerifiedCertificate,
    line: ProductLine,
    key_kind: KeyKind,
    tcbs: Tcbs,
}

/// The TCB versions of a report.
#[derive(Clone, Copy, Debug)]
struct Tcbs {
    reported: TcbVersion,
    current: TcbVersion,
    committed: TcbVersion,
    launch: TcbVersion,
}

/// The key's certificate is about the key, the product, the patch levels and the chip that the report is about.
fn check_identity(
    report: &Report<'_>,
    line: ProductLine,
    key_kind: KeyKind,
    key: &EndorsementKey<'_>,
) -> Result<Tcbs, Reason> {
    if let Some(signing_key) = report.signing_key.filter(|signing_key| *signing_key != key_kind) {
        return Err(Reason::from(ReasonCode::SnpSigningKeyMismatch).have(signing_key).need(key_kind));
    }
    if let Some(cpu) = report.cpu.filter(|cpu| cpu.line != line) {
        return Err(Reason::from(ReasonCode::SnpProductMismatch).have(cpu.line).need(line));
    }
    let read = |bytes, field| TcbVersion::read(bytes, line.generation(), field);
    let tcbs = Tcbs {
        reported: read(report.reported_tcb, "REPORTED_TCB")?,
        current: read(report.current_tcb, "CURRENT_TCB")?,
        committed: read(report.committed_tcb, "COMMITTED_TCB")?,
        launch: read(report.launch_tcb, "LAUNCH_TCB")?,
    };
    if tcbs.reported != key.tcb {
        return Err(Reason::from(ReasonCode::SnpTcbMismatch).have(tcbs.reported).need(key.tcb));
    }
    let (id, padding) = match key.owner {
        Owner::Chip(_) if report.has_no_chip_id() => return Ok(tcbs),
        Owner::Chip(id) => (id, report.chip_id.get(id.len()..).unwrap_or_default()),
        Owner::Cloud(_) => (&[][..], report.chip_id.as_slice()),
    };
    if !report.chip_id.starts_with(id) || padding.iter().any(|byte| *byte != 0) {
        let need = if id.is_empty() { "none: a VLEK belongs to no chip".to_owned() } else { hex::encode(id) };
        return Err(Reason::from(ReasonCode::SnpChipIdMismatch).have(hex::encode(report.chip_id)).need(need));
    }
    Ok(tcbs)
}

fn verify_signature(
    report: &Report<'_>,
    evidence_id: EvidenceId,
    leaf: &VerifiedCertificate,
    context: &Context<'_>,
) -> Result<(), Reason> {
    if report.is_unsigned() {
        return Err(ReasonCode::SnpUnsigned.into());
    }
    let PublicKey::P384(point) = &leaf.certificate.public_key else {
        return Err(ReasonCode::ChainKeyType.into());
    };
    context
        .crypto
        .verify_p384_sha384(point, &evidence_id.signed_sha384, &report.signature)
        .map_err(|_| ReasonCode::SnpSignature.into())
}

/// What is authentic, and refused all the same: levels that no sound firmware reports, each of them, and a report that
/// the guest did not ask for.
fn objections(report: &Report<'_>, tcbs: &Tcbs) -> Vec<Reason> {
    let Tcbs { reported, current, committed, launch: _ } = tcbs;
    let above = |tcb: &TcbVersion, code: ReasonCode| -> Vec<Reason> {
        let reason = |(level, have, most): (&str, u8, u8)| {
            Reason::from(code).have(format_args!("{level} {have}")).need(format_args!("{level} {most} or less"))
        };
        tcb.above(current).map(reason).collect()
    };
    let mut objections = above(reported, ReasonCode::SnpReportedAboveCurrent);
    objections.extend(above(committed, ReasonCode::SnpCommittedAboveCurrent));
    if report.committed_firmware > report.current_firmware {
        objections.push(
            Reason::from(ReasonCode::SnpCommittedAboveCurrent)
                .have(format_args!("firmware {}", report.committed_firmware))
                .need(format_args!("firmware {} or less", report.current_firmware)),
        );
    }
    if report.requester == Requester::Host {
        objections.push(ReasonCode::SnpHostRequested.into());
    }
    objections
}

fn inputs(selected: &Selected<'_>, leaf: &Arc<VerifiedCertificate>) -> Vec<InputDigest> {
    let root = InputDigest { role: "root", sha256: selected.root.sha256 };
    let certificates =
        [selected.intermediate, selected.leaf].map(|used| InputDigest { role: "certificate", sha256: used.sha256() });
    let crls = leaf.revocation.crls.iter().map(|&sha256| InputDigest { role: "crl", sha256 });
    [root].into_iter().chain(certificates).chain(crls).collect()
}
