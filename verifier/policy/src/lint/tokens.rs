//! Whose word a token is.
//!
//! Google's, Intel's and NVIDIA's tokens are their vendor's word whoever asked: the issuers' names are fixed, and a customer's own
//! policies (Intel Trust Authority) stand beside what the vendor found. Azure Attestation is as many services as there are
//! providers: anyone may have one, and a provider attests what its owner's policy lets pass. So there alone the rules must
//! say whose word counts. And tokens by keys that no authority certifies need a word on which keys count.

use prooftrail_result::{
    Kind, Timestamp,
    claims::{ClaimId, Family, maa},
};

use super::{Finding, LintCode, demands::demands};
use crate::{ClaimPattern, Platform, Rule, policy::Terms};

/// Issuers that certify no key, or not every one.
const WITHOUT_CHAIN: [Kind; 2] = [Kind::AzureMaa, Kind::GcpConfidentialSpace];

/// Adds the findings.
pub(super) fn lint(terms: &Terms, at: Timestamp, findings: &mut Vec<Finding>) {
    let takes_keys = |platform: &&Platform| WITHOUT_CHAIN.into_iter().any(|kind| accepts(platform, kind));
    for platform in terms.platforms.iter().filter(takes_keys).filter(|_| !terms.allow_issuer_keys) {
        findings.push(Finding::of(LintCode::IssuerKeysNotAllowed).about_platform(platform));
    }
    for platform in terms.platforms.iter().filter(|platform| relies_on_a_provider(terms, platform)) {
        let is_pinned = |claim: ClaimId| {
            let is_pin = |rule: &Rule| rule.operator().pins() && rule.claim() == ClaimPattern::One(claim.into());
            demands(terms, platform, at, is_pin)
        };
        for (claim, code) in
            [(maa::ISSUER, LintCode::ProviderUnpinned), (maa::POLICY_HASH, LintCode::ProviderPolicyUnpinned)]
        {
            if !is_pinned(claim) {
                findings.push(Finding::of(code).about_platform(platform));
            }
        }
    }
}

/// Whether anything is decided by the word of a provider: it speaks for the CPU, or must be there, or a rule reads what it says.
/// A token that may as well be left out, and that no rule reads, can only be in the way.
fn relies_on_a_provider(terms: &Terms, platform: &Platform) -> bool {
    let beside = platform.devices.iter().find(|range| range.kind == Kind::AzureMaa);
    let conditions = terms.groups.iter().flat_map(|group| &group.when);
    let mut rules = terms.rules.iter().chain(&platform.rules).chain(conditions);
    let mut is_read = || rules.any(|rule| rule.claim().name().family() == Family::Maa);
    platform.primary == Some(Kind::AzureMaa) || beside.is_some_and(|range| range.min > 0 || is_read())
}

/// Whether a set of this shape may have a piece of that kind: as the one that speaks for the CPU, or beside it.
fn accepts(platform: &Platform, kind: Kind) -> bool {
    platform.primary == Some(kind) || platform.devices.iter().any(|range| range.kind == kind)
}
