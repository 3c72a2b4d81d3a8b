//! Rules that say the same, that nothing can satisfy, or that do not say why they exist.

use std::collections::{BTreeMap, BTreeSet};

use prooftrail_result::{
    Kind,
    claims::{Family, nitro, nitrotpm},
};

use super::{Finding, LintCode, rules_of};
use crate::{Platform, Rule, digest, policy::Terms};

/// Adds the findings.
pub(super) fn lint(terms: &Terms, findings: &mut Vec<Finding>) {
    if terms.rationale.trim().is_empty() {
        findings.push(Finding::with(LintCode::RationaleEmpty, "The policy does not say why it exists.".to_owned()));
    }
    for rule in terms.rules.iter().chain(terms.platforms.iter().flat_map(|platform| &platform.rules)) {
        let id = rule.id();
        if rule.rationale().trim().is_empty() {
            let message = format!("The rule `{id}` does not say why it exists.");
            findings.push(Finding::with(LintCode::RationaleEmpty, message).about_rule(rule));
        }
        // Which controls a preset's rules serve is the organisation's matter, and the preset cannot know it.
        if rule.controls().len() == 0 && !id.contains('/') {
            let message = format!("The rule `{id}` names no control that it serves.");
            findings.push(Finding::with(LintCode::ControlsMissing, message).about_rule(rule));
        }
        if [nitro::UNKNOWN_FIELDS, nitrotpm::UNKNOWN_FIELDS].contains(&rule.claim().name().id()) {
            findings.push(Finding::of(LintCode::RuleOnUnknownFields).about_rule(rule));
        }
    }
    duplicates(terms, findings);
    for platform in &terms.platforms {
        for rule in rules_of(terms, platform).filter(|rule| !may_be_satisfied(rule, platform)) {
            let message = format!(
                "No piece of the platform `{}` establishes `{}`, so it never satisfies the rule `{}`.",
                platform.name(),
                rule.claim(),
                rule.id()
            );
            findings.push(Finding::with(LintCode::RuleUnreachable, message).about_rule(rule));
        }
    }
}

/// Rules that compare the same claim in the same way with the same values, where both apply.
fn duplicates(terms: &Terms, findings: &mut Vec<Finding>) {
    let mut reported = BTreeSet::new();
    for platform in &terms.platforms {
        let mut first_by_comparison: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
        for rule in rules_of(terms, platform) {
            let comparison = digest::of_comparison(rule);
            if let Some(first) = first_by_comparison.get(&comparison) {
                if reported.insert(rule.id()) {
                    let message = format!("The rules `{first}` and `{}` say the same.", rule.id());
                    findings.push(Finding::with(LintCode::RuleDuplicate, message).about_rule(rule));
                }
            } else {
                first_by_comparison.insert(comparison, rule.id());
            }
        }
    }
}

/// Whether some piece of a platform can establish a rule's claim.
pub(super) fn may_be_satisfied(rule: &Rule, platform: &Platform) -> bool {
    let family = rule.claim().name().family();
    let mut kinds = platform.primary.into_iter().chain(platform.devices.iter().map(|range| range.kind));
    kinds.any(|kind| establishes(kind, family))
}

/// Whether evidence of a kind can establish claims of a family.
const fn establishes(kind: Kind, family: Family) -> bool {
    match family {
        Family::CrossVendor => true,
        // The agent's statement stands under the CPU's binding.
        Family::Job => !kind.is_device(),
        Family::Nitro => matches!(kind, Kind::AwsNitro),
        Family::NitroTpm => matches!(kind, Kind::AwsNitroTpm),
        Family::Snp => matches!(kind, Kind::AmdSevSnp | Kind::AzureSnpVtpm),
        Family::Tdx => matches!(kind, Kind::IntelTdx | Kind::AzureTdxVtpm),
        Family::Sgx => matches!(kind, Kind::IntelSgx),
        Family::AzureVtpm => matches!(kind, Kind::AzureSnpVtpm | Kind::AzureTdxVtpm),
        Family::Gpu => {
            matches!(kind, Kind::NvidiaGpu | Kind::NvidiaNras | Kind::GcpConfidentialSpace | Kind::IntelTrustAuthority)
        }
        Family::Switch => matches!(kind, Kind::NvidiaSwitch | Kind::NvidiaNras),
        Family::Gcs => matches!(kind, Kind::GcpConfidentialSpace),
        Family::Maa => matches!(kind, Kind::AzureMaa),
        Family::Nras => matches!(kind, Kind::NvidiaNras),
        Family::Ita => matches!(kind, Kind::IntelTrustAuthority),
    }
}
