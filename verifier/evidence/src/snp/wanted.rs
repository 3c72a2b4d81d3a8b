//! What a report needs of AMD's key distribution service, and whether what came is it.
//!
//! In: a report, or an answer. Out: names of certificates and lists ([`Wanted`]), or until when the answer may be kept. A
//! VLEK's certificate is not published: it comes with the evidence. AMD 57230, chapters 3 and 4.

use std::sync::Arc;

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};

use super::{
    PROFILE,
    certificates::leaf,
    endorsement_key::{EndorsementKey, Owner},
    product::{KeyKind, ProductLine},
    report::Report,
    tcb::TcbVersion,
};
use crate::{
    context::Context,
    crypto::Crypto,
    endorsements::{EndorsedCertificate, EndorsementFile, Endorsements},
    format::Format,
    wanted::{Admitted, Wanted, only},
    x509::{self, Certificate, Chain, Outline},
};

/// What a report needs that comes neither in its table nor in `sent`, which came with it. The product line is that of the report's CPU; reports of version 2 name none, and then it is that
/// of the certificate that would be taken, or `product`.
pub(crate) fn by(
    evidence: &[u8],
    sent: Option<&[u8]>,
    endorsements: &Endorsements,
    product: Option<ProductLine>,
    crypto: &dyn Crypto,
) -> Result<Vec<Wanted>, Reason> {
    let document = super::SevSnp::parse(evidence)?;
    let brought = Endorsements::read(crypto, document.table.into_iter().chain(sent))?;
    let report = &document.report;
    let Some(key) = report.signing_key else { return Ok(Vec::new()) };
    let line_at_hand = || line(report, &[endorsements.certificates(), brought.certificates()].concat());
    let Some(product) = report.cpu.map(|cpu| cpu.line).or_else(line_at_hand).or(product) else {
        return Ok(Vec::new());
    };
    let vcek = match vcek(report, product)? {
        Some(vcek) if key == KeyKind::Vcek => Some(vcek),
        _ => None,
    };
    let others = [Wanted::AmdCaChain { product, key }, Wanted::AmdCrl { product, key }];
    let wanted = vcek.into_iter().chain(others);
    // A list that came along is used, and does not stand in for the vendor's youngest.
    Ok(wanted.filter(|wanted| wanted.is_renewed() || !is_held(&brought, wanted, None)).collect())
}

/// The line that the issuer of the leaf stands for, of certificates that are at hand.
fn line(report: &Report<'_>, certificates: &[Arc<EndorsedCertificate>]) -> Option<ProductLine> {
    // Which of several is taken is not a question of time here: each names the same line, or is another chip's.
    let (leaf, _) = leaf(report, certificates, Timestamp::MAX).ok()?;
    leaf.issuer_common_name().as_deref().and_then(ProductLine::of_issuer).map(|(line, _)| line)
}

/// The certificate of the chip's key, unless the chip does not say which it is.
fn vcek(report: &Report<'_>, product: ProductLine) -> Result<Option<Wanted>, Reason> {
    let tcb = TcbVersion::read(report.reported_tcb, product.generation(), "REPORTED_TCB")?;
    if report.has_no_chip_id() {
        return Ok(None);
    }
    let chip_id = report.chip_id.get(..product.generation().chip_id_bytes()).unwrap_or_default();
    Ok(Some(Wanted::AmdVcek { product, chip_id: chip_id.into(), tcb }))
}

/// Whether what is wanted is there by name, and by date where there is an instant.
pub(crate) fn is_held(endorsements: &Endorsements, wanted: &Wanted, at: Option<Timestamp>) -> bool {
    let certificates = || endorsements.certificates().iter().map(AsRef::as_ref);
    match wanted {
        Wanted::AmdVcek { product, chip_id, tcb } => certificates().any(|leaf| {
            let read = Certificate::read(leaf.der(), "a candidate").ok();
            read.is_some_and(|read| is_vcek(leaf, &read, *product, chip_id, *tcb).is_ok() && is_valid(&read, at))
        }),
        Wanted::AmdCaChain { product, key } => certificates().any(|ca| {
            is_ca(ca, *product, *key) && Certificate::read(ca.der(), "a candidate").is_ok_and(|ca| is_valid(&ca, at))
        }),
        Wanted::AmdCrl { product, .. } => endorsements.crls().iter().any(|crl| {
            let issuer = crl.issuer_common_name().as_deref().and_then(ProductLine::of_root);
            issuer == Some(*product) && at.is_none_or(|at| crl.check_validity(at).is_ok())
        }),
        _ => false,
    }
}

fn is_valid(certificate: &Certificate, at: Option<Timestamp>) -> bool {
    at.is_none_or(|at| (certificate.not_before..=certificate.not_after).contains(&at))
}

/// Whether anything is there that AMD's service publishes. A VLEK's certificate is not.
pub(crate) fn is_published(endorsements: &Endorsements) -> bool {
    let is_amds = |certificate: &EndorsedCertificate| {
        let name = certificate.subject_common_name().unwrap_or_default();
        KeyKind::of_leaf(&name) == Some(KeyKind::Vcek) || ProductLine::of_issuer(&name).is_some()
    };
    let has_root = |name: Option<String>| name.as_deref().and_then(ProductLine::of_root).is_some();
    endorsements.certificates().iter().any(|certificate| is_amds(certificate))
        || endorsements.crls().iter().any(|crl| has_root(crl.issuer_common_name()))
}

/// Whether names say that it is the line's ASK, or ASVK.
fn is_ca(certificate: &EndorsedCertificate, product: ProductLine, key: KeyKind) -> bool {
    let subject = certificate.subject_common_name().as_deref().and_then(ProductLine::of_issuer);
    let issuer = certificate.issuer_common_name().as_deref().and_then(ProductLine::of_root);
    subject == Some((product, key)) && issuer == Some(product)
}

/// Refuses a certificate that is not that chip's for that TCB version.
fn is_vcek(
    leaf: &EndorsedCertificate,
    read: &Certificate,
    product: ProductLine,
    chip_id: &[u8],
    tcb: TcbVersion,
) -> Result<(), Reason> {
    let kind = leaf.subject_common_name().as_deref().and_then(KeyKind::of_leaf);
    let issuer = leaf.issuer_common_name().as_deref().and_then(ProductLine::of_issuer);
    if kind != Some(KeyKind::Vcek) || issuer != Some((product, KeyKind::Vcek)) {
        return Err(Reason::from(ReasonCode::SnpCertificateKind).need(format_args!("a VCEK of {product}")));
    }
    let key = EndorsementKey::read(read, product, KeyKind::Vcek)?;
    if key.owner != Owner::Chip(chip_id) {
        return Err(Reason::from(ReasonCode::SnpChipIdMismatch).need(hex::encode(chip_id)));
    }
    if key.tcb != tcb {
        return Err(Reason::from(ReasonCode::SnpTcbMismatch).have(key.tcb).need(tcb));
    }
    Ok(())
}

/// See [`crate::admit`]. `beside` has the CA of a VCEK.
pub(crate) fn admit(
    wanted: &Wanted,
    files: &[EndorsementFile],
    beside: &Endorsements,
    context: &Context<'_>,
) -> Result<Admitted, Reason> {
    let unrecognised = || Reason::from(ReasonCode::EndorsementUnrecognised).need(wanted);
    match wanted {
        Wanted::AmdVcek { product, chip_id, tcb } => {
            let leaf = only(context.endorsements.certificates().iter(), "one certificate")?;
            let read = Certificate::read(leaf.der(), "the certificate")?;
            is_vcek(leaf, &read, *product, chip_id, *tcb)?;
            let ca = beside.certificates().iter().find(|ca| is_ca(ca, *product, KeyKind::Vcek));
            let ca = ca.ok_or_else(|| Reason::from(ReasonCode::SnpCertificateMissing).need("the ASK"))?;
            let root = root(ca.issuer(), context)?;
            let chain = Chain { root, intermediates: &[ca.der()], leaf: leaf.der() };
            let verified =
                x509::verify(chain, &PROFILE, context.revocation.amd, context, &mut crate::checks::Checks::default())?;
            Ok(Admitted { age: (0, read.not_before), until: verified.valid_until() })
        }
        Wanted::AmdCaChain { product, key } => {
            let certificates = context.endorsements.certificates().iter();
            let ca = certificates.filter(|ca| is_ca(ca, *product, *key));
            let ca = only(ca, "one certificate of the ASK or ASVK")?;
            let root = x509::alone::root(root(ca.issuer(), context)?, &PROFILE)?;
            let verified = x509::alone::verify_ca(&root, ca.der(), &PROFILE, context)?;
            Ok(Admitted { age: (0, verified.not_before), until: verified.not_after.end_of_second() })
        }
        Wanted::AmdCrl { product, .. } => {
            let (crl, file) = (only(context.endorsements.crls().iter(), "one CRL")?, only(files.iter(), "one file")?);
            let roots = context.roots.serving(Kind::AmdSevSnp);
            let mut roots = roots.filter_map(|root| x509::alone::root(root, &PROFILE).ok()).filter(|root| {
                root.common_name().as_deref().and_then(ProductLine::of_root) == Some(*product)
                    && crl.is_issued_by(&root.subject)
            });
            let root = roots.next().ok_or(ReasonCode::RevocationIssuer)?;
            x509::alone::verify_crl(&root, file, crl, &PROFILE, context)?;
            Ok(Admitted { age: (0, crl.this_update()), until: crl.next_update().just_before() })
        }
        _ => Err(unrecognised()),
    }
}

/// The root with that name.
fn root<'a>(name: &[u8], context: &Context<'a>) -> Result<&'a prooftrail_trust_roots::Root, Reason> {
    let mut roots = context.roots.serving(Kind::AmdSevSnp);
    let root = roots.find(|root| Outline::of(&root.der).is_some_and(|outline| outline.subject(&root.der) == name));
    root.ok_or_else(|| ReasonCode::ChainRootNotPinned.into())
}
