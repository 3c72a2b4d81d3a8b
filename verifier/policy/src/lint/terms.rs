//! What the policy's own switches leave open.

use prooftrail_evidence::RevocationMode;
use prooftrail_result::Kind;

use super::{Finding, LintCode};
use crate::{policy::Terms, revocation};

/// Adds the findings.
pub(super) fn lint(terms: &Terms, findings: &mut Vec<Finding>) {
    if terms.allow_debug {
        findings.push(Finding::of(LintCode::DebugAllowed));
    }
    if terms.allow_simulated {
        findings.push(Finding::of(LintCode::SimulatedAllowed));
    }
    match (terms.require_nonce, terms.max_age_seconds) {
        (false, None) => findings.push(Finding::of(LintCode::Replayable)),
        (false, Some(_)) => findings.push(Finding::of(LintCode::NonceNotRequired)),
        (true, _) => {}
    }
    if terms.require_binding && terms.proofs.is_empty() {
        findings.push(Finding::of(LintCode::ProofUnpinned));
    }
    let kinds = || {
        let devices = terms.platforms.iter().flat_map(|platform| platform.devices.iter().map(|range| range.kind));
        terms.platforms.iter().filter_map(|platform| platform.primary).chain(devices)
    };
    let off = kinds().filter(|kind| revocation::for_kind(terms.revocation, *kind) == RevocationMode::Off);
    let off: std::collections::BTreeSet<_> = off.collect();
    if !off.is_empty() {
        let kinds = off.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!("Revocation is not looked at for {kinds}.");
        findings.push(Finding::with(LintCode::RevocationOff, message));
    }
    if terms.allow_unknown_fields && kinds().any(|kind| matches!(kind, Kind::AwsNitro | Kind::AwsNitroTpm)) {
        findings.push(Finding::of(LintCode::UnknownFieldsAllowed));
    }
}
