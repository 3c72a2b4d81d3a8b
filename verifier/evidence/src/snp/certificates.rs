//! Which certificates a report needs, out of those that were supplied in no particular order.
//!
//! In: a report, endorsements, pinned roots. Out: [`Selected`]: root, intermediate and leaf, with the product line and
//! the kind of key that their names stand for. Names decide, and no signature does: one chain goes to the chain engine,
//! and it is that one or none.

use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::{Root, RootSet};

use super::{
    endorsement_key::{EndorsementKey, Owner},
    product::{KeyKind, ProductLine},
    report::Report,
    tcb::TcbVersion,
};
use crate::{
    endorsements::{EndorsedCertificate, Endorsements},
    x509::{Certificate, Outline},
};

/// The certificates of a report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selected<'a> {
    /// The ARK.
    pub(crate) root: &'a Root,
    /// The ASK or ASVK.
    pub(crate) intermediate: &'a EndorsedCertificate,
    /// The VCEK or VLEK.
    pub(crate) leaf: &'a EndorsedCertificate,
    /// The line that the names of root and intermediate stand for.
    pub(crate) line: ProductLine,
    /// The kind of key that the names of leaf and intermediate stand for.
    pub(crate) key_kind: KeyKind,
}

/// Selects the certificates.
pub(crate) fn select<'a>(
    report: &Report<'_>,
    endorsements: &'a Endorsements,
    roots: &'a RootSet,
    kind: Kind,
    at: Timestamp,
) -> Result<Selected<'a>, Reason> {
    let (leaf, key_kind) = leaf(report, endorsements.certificates(), at)?;
    let issuer_name = leaf.issuer_common_name().unwrap_or_default();
    let (line, issued) = ProductLine::of_issuer(&issuer_name).ok_or_else(|| {
        Reason::new(ReasonCode::SnpCertificateKind, "the key's certificate names an issuer that is no ASK or ASVK")
            .have(&issuer_name)
            .need("SEV-Milan, SEV-VLEK-Milan, or the like of Genoa or Turin")
    })?;
    if issued != key_kind {
        return Err(Reason::new(ReasonCode::SnpCertificateKind, "that issuer certifies keys of the other kind")
            .have(format_args!("{key_kind} issued by {issuer_name}")));
    }
    let intermediate = intermediate(leaf, endorsements.certificates(), at)
        .ok_or_else(|| missing(format_args!("the certificate of {issuer_name}")))?;
    let root_name = intermediate.issuer_common_name().unwrap_or_default();
    if ProductLine::of_root(&root_name) != Some(line) {
        return Err(Reason::new(ReasonCode::SnpCertificateKind, "the issuer's own issuer is not the line's root key")
            .have(root_name)
            .need(format_args!("ARK-{line}")));
    }
    let is_its_root = |root: &&Root| {
        Outline::of(&root.der).is_some_and(|outline| outline.subject(&root.der) == intermediate.issuer())
    };
    let root = roots.serving(kind).find(is_its_root).ok_or_else(|| {
        Reason::from(ReasonCode::ChainRootNotPinned).have(format_args!("root with the name {root_name}"))
    })?;
    Ok(Selected { root, intermediate, leaf, line, key_kind })
}

fn missing(need: impl std::fmt::Display) -> Reason {
    Reason::from(ReasonCode::SnpCertificateMissing).need(need)
}

/// The certificate of the key that signed the report; where several keys' are at hand, the one that fits best.
pub(super) fn leaf<'a>(
    report: &Report<'_>,
    certificates: &'a [std::sync::Arc<EndorsedCertificate>],
    at: Timestamp,
) -> Result<(&'a EndorsedCertificate, KeyKind), Reason> {
    let mut candidates = certificates.iter().filter_map(|certificate| {
        let kind = certificate.subject_common_name().as_deref().and_then(KeyKind::of_leaf)?;
        Some((certificate.as_ref(), kind))
    });
    let first = candidates.next().ok_or_else(|| {
        missing(match report.signing_key {
            Some(kind) => format!("the certificate of the {kind} that signed the report"),
            None => "the certificate of a key that signs reports".to_owned(),
        })
    })?;
    let Some(second) = candidates.next() else { return Ok(first) };
    let fit = |(certificate, kind): (&EndorsedCertificate, KeyKind)| fit(report, certificate, kind, at);
    let rest = [second].into_iter().chain(candidates);
    let best = rest.fold((first, fit(first)), |best, next| {
        let next_fit = fit(next);
        if next_fit > best.1 { (next, next_fit) } else { best }
    });
    Ok(best.0)
}

/// How well a certificate fits a report: the kind of key, the chip, the TCB version, the time, in that order.
fn fit(report: &Report<'_>, certificate: &EndorsedCertificate, kind: KeyKind, at: Timestamp) -> [bool; 4] {
    let is_kind = report.signing_key == Some(kind);
    let issuer = certificate.issuer_common_name().unwrap_or_default();
    let line = ProductLine::of_issuer(&issuer).map(|(line, _)| line);
    let (Some(line), Ok(read)) = (line, Certificate::read(certificate.der(), "a candidate")) else {
        return [is_kind, false, false, false];
    };
    let is_valid = (read.not_before..=read.not_after).contains(&at);
    let Ok(key) = EndorsementKey::read(&read, line, kind) else { return [is_kind, false, false, is_valid] };
    let is_chip = match key.owner {
        Owner::Chip(id) => report.chip_id.starts_with(id),
        Owner::Cloud(_) => report.has_no_chip_id(),
    };
    let reported = TcbVersion::read(report.reported_tcb, line.generation(), "REPORTED_TCB");
    [is_kind, is_chip, reported == Ok(key.tcb), is_valid]
}

/// The certificate that bears the leaf's issuer's name. A vendor replaces a CA under the same name, as AMD did Genoa's:
/// then the newest that is valid.
fn intermediate<'a>(
    leaf: &EndorsedCertificate,
    certificates: &'a [std::sync::Arc<EndorsedCertificate>],
    at: Timestamp,
) -> Option<&'a EndorsedCertificate> {
    let mut named = certificates.iter().map(AsRef::as_ref).filter(|ca| ca.subject() == leaf.issuer());
    let first = named.next()?;
    let Some(second) = named.next() else { return Some(first) };
    [first, second].into_iter().chain(named).max_by_key(|ca| {
        Certificate::read(ca.der(), "a candidate")
            .ok()
            .map(|read| ((read.not_before..=read.not_after).contains(&at), read.not_before))
    })
}
