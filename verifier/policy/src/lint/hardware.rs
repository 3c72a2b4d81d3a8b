//! Whether the rules say how well patched the hardware must be, and whether they let in hardware whose keys may have leaked.

use prooftrail_result::{
    Kind,
    claims::{ClaimName, cross_vendor, snp},
};

use super::{Finding, LintCode};
use crate::{Platform, Rule, policy::Terms};

/// Claims that speak of patch levels, by how their names begin.
const PATCH_LEVELS: &[&str] =
    &["snp.tcb.", "snp.bulletins.", "snp.firmware.", "tdx.tcb.", "sgx.tcb.", "tcb.", "advisories"];

/// Adds the findings.
pub(super) fn lint(terms: &Terms, findings: &mut Vec<Finding>) {
    for platform in &terms.platforms {
        let is_snp = matches!(platform.primary, Some(Kind::AmdSevSnp | Kind::AzureSnpVtpm));
        let is_intel = matches!(platform.primary, Some(Kind::IntelTdx | Kind::AzureTdxVtpm | Kind::IntelSgx));
        let speaks_of_levels =
            |name: ClaimName| PATCH_LEVELS.iter().any(|start| name.spec().pattern.starts_with(start));
        if (is_snp || is_intel) && !claims(terms, platform).any(speaks_of_levels) {
            let message = format!("Any patch level of the platform `{}` is accepted, however old.", platform.name());
            findings.push(Finding::with(LintCode::PatchLevelOpen, message).about_platform(platform));
        }
        // A policy that looks at the product line, the CPU or the chip at all has decided about Milan.
        let decides = [
            snp::PRODUCT,
            snp::CHIP_ID,
            snp::ROOT_SEED_EXPOSED,
            snp::CPUID_FAMILY,
            snp::CPUID_MODEL,
            cross_vendor::HARDWARE_ID,
        ];
        if is_snp && !claims(terms, platform).any(|name| decides.contains(&name.id())) {
            findings.push(Finding::of(LintCode::ExposedSeedAccepted).about_platform(platform));
        }
    }
}

/// Every claim that decides about a platform: of its rules, of the policy's, and of the conditions of groups.
fn claims<'a>(terms: &'a Terms, platform: &'a Platform) -> impl Iterator<Item = ClaimName> + use<'a> {
    let conditions = terms.groups.iter().flat_map(|group| &group.when);
    terms.rules.iter().chain(&platform.rules).chain(conditions).map(|rule: &Rule| rule.claim().name())
}
