//! The chain engine: from a pinned root down to a leaf, in the order supplied, never searching.
//!
//! In: a [`Chain`] and a [`Profile`]. Out: the verified leaf. Steps: find the deepest certificate that was verified
//! along exactly this path before; pre-check the rest one below the other; then let webpki verify what is new, from
//! that certificate down, and compare the path it walked with the one supplied (RFC 5280, section 6).

use std::sync::{Arc, OnceLock};

use prooftrail_result::{Outcome, Reason, ReasonCode, Stage};
use prooftrail_trust_roots::Root;

use super::{
    certificate::Certificate,
    crl::Crl,
    issuers::{PathId, Revocation, VerifiedCertificate},
    path::validate_path,
    profile::{CaBudget, Profile, Window, check_validity},
};
use crate::{
    authentic::check,
    checks::Checks,
    context::{Context, RevocationMode},
};

/// A chain as the evidence supplies it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain<'a> {
    /// The root that the chain was found to end in.
    pub(crate) root: &'a Root,
    /// The CAs between, the root's child first.
    pub(crate) intermediates: &'a [&'a [u8]],
    /// The certificate whose key signs evidence.
    pub(crate) leaf: &'a [u8],
}

/// Verifies a chain at the context's instant.
pub(crate) fn verify(
    chain: Chain<'_>,
    profile: &Profile,
    revocation: RevocationMode,
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Arc<VerifiedCertificate>, Reason> {
    let crls = crls(revocation, context);
    let paths = path_ids(chain, profile, !crls.is_empty(), context);
    let known = paths.iter().enumerate().rev().find_map(|(place, path)| {
        let known = context.issuers.get(path).filter(|known| known.window.contains(context.at))?;
        Some((place, known))
    });
    let leaf = match known {
        Some((place, leaf)) if place == chain.intermediates.len() => {
            pass_known(checks);
            leaf
        }
        known => {
            let (below, anchor) = match known {
                Some((place, issuer)) => (place + 1, issuer),
                None => (0, verified_root(chain.root, profile).inspect_err(|_| checks.failed(check::PROFILE))?),
            };
            let verified = verify_below(&anchor, chain, below, profile, crls, context, checks)?;
            for (path, certificate) in paths.into_iter().skip(below).zip(&verified) {
                context.issuers.insert(path, Arc::clone(certificate));
            }
            // The leaf is always new here, and always the last.
            verified.last().map(Arc::clone).ok_or(ReasonCode::ChainLength)?
        }
    };
    conclude(&leaf, revocation, checks)?;
    Ok(leaf)
}

/// A verified path by the very bytes that name it (a chain as evidence brings it, a document with its signature and its
/// signer), so that one that was verified before is found without being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remembered {
    id: PathId,
    revocation: RevocationMode,
}

impl Remembered {
    /// Bytes of which all but the last part are of one length each, for a path of that profile.
    pub(crate) fn of(parts: [&[u8]; 2], profile: &Profile, revocation: RevocationMode, context: &Context<'_>) -> Self {
        let snapshot = snapshot(!crls(revocation, context).is_empty(), context);
        let [first, last] = parts;
        let parts = [b"prooftrail/remembered/v1", profile.name.as_bytes(), snapshot, first, last];
        Self { id: PathId(context.crypto.sha256(&parts)), revocation }
    }

    /// The certificate that the path leads to, if it may be relied upon at the context's instant. Whether its root is one
    /// of today's is for the caller to find out.
    pub(crate) fn find(&self, context: &Context<'_>) -> Option<Arc<VerifiedCertificate>> {
        context.issuers.get(&self.id).filter(|leaf| leaf.window.contains(context.at))
    }

    /// Records the checks that a path which was found passed; of revocation, as much is asked as [`verify`] asks.
    pub(crate) fn accept(&self, leaf: &VerifiedCertificate, checks: &mut Checks) -> Result<(), Reason> {
        pass_known(checks);
        conclude(leaf, self.revocation, checks)
    }

    /// Remembers what the bytes were found to lead to.
    pub(crate) fn remember(&self, leaf: &Arc<VerifiedCertificate>, context: &Context<'_>) {
        context.issuers.insert(self.id, Arc::clone(leaf));
    }
}

/// The lists that count.
fn crls<'a>(revocation: RevocationMode, context: &Context<'a>) -> &'a [Arc<Crl>] {
    match revocation {
        RevocationMode::Off => &[],
        RevocationMode::Required | RevocationMode::BestEffort => context.endorsements.crls(),
    }
}

/// Records the checks that a chain passed when it was verified.
fn pass_known(checks: &mut Checks) {
    for check in [check::PROFILE, check::VALIDITY, check::CHAIN_SIGNATURES] {
        checks.passed(check);
    }
}

/// Judges what is known of revocation along a verified path.
fn conclude(leaf: &VerifiedCertificate, revocation: RevocationMode, checks: &mut Checks) -> Result<(), Reason> {
    let known = &leaf.revocation;
    if revocation == RevocationMode::Required && known.checked < known.published {
        checks.failed(check::REVOCATION);
        let have = format!("{} of {} certificates checked", known.checked, known.published);
        return Err(Reason::from(ReasonCode::RevocationNotChecked).have(have));
    }
    checks.push(check::REVOCATION, if known.checked > 0 { Outcome::Passed } else { Outcome::NotPerformed });
    Ok(())
}

/// Identifies the lists that count, all of them; zeros where none do.
fn snapshot<'a>(with_crls: bool, context: &Context<'a>) -> &'a [u8; 32] {
    if with_crls { context.endorsements.crl_snapshot() } else { &[0; 32] }
}

/// One id per certificate below the root, each covering all that stands above it.
fn path_ids(chain: Chain<'_>, profile: &Profile, with_crls: bool, context: &Context<'_>) -> Vec<PathId> {
    let snapshot = snapshot(with_crls, context);
    let mut id = context.crypto.sha256(&[b"prooftrail/path/v1", profile.name.as_bytes(), &chain.root.sha256, snapshot]);
    let below_root = chain.intermediates.iter().chain([&chain.leaf]);
    below_root
        .map(|certificate| {
            id = context.crypto.sha256(&[&id, certificate]);
            PathId(id)
        })
        .collect()
}

/// The root itself as the top of a path. That it is pinned is the caller's business; that it fits its profile, ours.
fn verified_root(root: &Root, profile: &Profile) -> Result<Arc<VerifiedCertificate>, Reason> {
    let certificate = Certificate::read(&root.der, "the root")?;
    let budget = profile.check_root(&certificate)?;
    let window = Window::of(&certificate, 0);
    let (revocation, reading) = (Revocation::default(), OnceLock::new());
    let (root_sha256, issuer) = (root.sha256, None);
    Ok(Arc::new(VerifiedCertificate { certificate, window, budget, revocation, root_sha256, issuer, reading }))
}

/// Verifies the certificates below a verified one, `below` intermediates being known already. Gives them from the top
/// down; the leaf is the last.
fn verify_below(
    anchor: &Arc<VerifiedCertificate>,
    chain: Chain<'_>,
    below: usize,
    profile: &Profile,
    crls: &[Arc<Crl>],
    context: &Context<'_>,
    checks: &mut Checks,
) -> Result<Vec<Arc<VerifiedCertificate>>, Reason> {
    let read = checks.run(check::PROFILE, || pre_check(anchor, chain, below, profile))?;
    // Only CRLs that somebody on this path issued; others belong to other pieces of the set.
    let mut crls: Vec<&Crl> = crls
        .iter()
        .map(AsRef::as_ref)
        .filter(|crl| read.iter().any(|link| crl.is_issued_by(&link.certificate.issuer)))
        .collect();
    // webpki asks the first that speaks of a certificate: an older list must not hide what a newer one says.
    crls.sort_by_key(|crl| std::cmp::Reverse(crl.this_update()));
    // From the leaf up: what ends first says most.
    checks.run(check::VALIDITY, || {
        read.iter().rev().try_for_each(|link| {
            check_validity(&link.certificate, &link.position, context.at, leeway(&link.certificate, profile))
        })?;
        check_validity(&anchor.certificate, "the root", context.at, 0)
    })?;
    crls.iter().try_for_each(|crl| crl.check_validity(context.at)).inspect_err(|_| checks.failed(check::REVOCATION))?;
    let intermediates = chain.intermediates.get(below..).unwrap_or_default();
    // Inside the leeway, the path is validated at the first instant of the leaf.
    let at = read.last().map_or(context.at, |leaf| context.at.max(leaf.certificate.not_before));
    validate_path(&anchor.certificate, intermediates, chain.leaf, &crls, profile, context, at).inspect_err(
        |reason| {
            checks.failed(match reason.stage() {
                Stage::Revocation => check::REVOCATION,
                _ => check::CHAIN_SIGNATURES,
            });
        },
    )?;
    checks.passed(check::CHAIN_SIGNATURES);
    let mut verified: Vec<Arc<VerifiedCertificate>> = Vec::with_capacity(read.len());
    for Link { certificate, budget, .. } in read {
        let above = verified.last().unwrap_or(anchor);
        let own = Window::of(&certificate, leeway(&certificate, profile));
        let mut revocation = above.revocation.clone();
        // A list of the issuer's was held against its dates, whatever it covers, so that the path holds no longer than it.
        let lists = || crls.iter().filter(|crl| crl.is_issued_by(&certificate.issuer));
        let window = lists().fold(above.window.intersect(own), |window, crl| window.intersect(crl.window()));
        if !certificate.crl_distribution_points.is_empty() {
            revocation.published += 1;
            let covering = || lists().filter(|crl| crl.covers(&certificate));
            revocation.checked += usize::from(covering().next().is_some());
            covering().for_each(|crl| revocation.use_crl(crl));
        }
        let (root_sha256, issuer) = (chain.root.sha256, Some(Arc::clone(above)));
        let reading = OnceLock::new();
        let below = VerifiedCertificate { certificate, window, budget, revocation, root_sha256, issuer, reading };
        verified.push(Arc::new(below));
    }
    Ok(verified)
}

/// A leaf may be used a little before its notBefore; CAs may not.
fn leeway(certificate: &Certificate, profile: &Profile) -> i64 {
    if certificate.is_ca() { 0 } else { profile.leaf_leeway_seconds }
}

/// A certificate that passed the pre-check, with its place in words and the CAs that may follow below it.
struct Link {
    certificate: Certificate,
    position: String,
    budget: CaBudget,
}

/// Reads and checks what is new, each certificate against the one above it.
fn pre_check(
    anchor: &VerifiedCertificate,
    chain: Chain<'_>,
    below: usize,
    profile: &Profile,
) -> Result<Vec<Link>, Reason> {
    let count = chain.intermediates.len();
    let mut links: Vec<Link> = Vec::with_capacity(count + 1);
    for (place, der) in chain.intermediates.iter().enumerate().skip(below) {
        let position = format!("CA {} of {count} below the root", place + 1);
        let certificate = Certificate::read(der, &position)?;
        let (issuer, budget) =
            links.last().map_or((&anchor.certificate, anchor.budget), |above| (&above.certificate, above.budget));
        let budget = profile.check_intermediate(&certificate, &position, issuer, budget)?;
        links.push(Link { certificate, position, budget });
    }
    let certificate = Certificate::read(chain.leaf, "the leaf")?;
    profile.check_leaf(&certificate, links.last().map_or(&anchor.certificate, |above| &above.certificate))?;
    links.push(Link { certificate, position: "the leaf".to_owned(), budget: Some(0) });
    Ok(links)
}
