//! What every evidence of a platform must satisfy, where a policy's rules are partly about groups.

use std::collections::BTreeSet;

use prooftrail_result::{
    Kind, Timestamp,
    claims::{Claims, cross_vendor},
};

use super::{rules::may_be_satisfied, rules_of};
use crate::{Platform, Rule, RuleOutcome, claim_pattern::DeviceCounts, group::Group, policy::Terms};

/// Whether every evidence of a platform must satisfy some rule that `is`: one of the policy's or of the platform's, or one in
/// each group of a set that evidence of the platform may belong to. (Evidence that belongs to none is refused.)
pub(super) fn demands(terms: &Terms, platform: &Platform, at: Timestamp, is: impl Fn(&Rule) -> bool) -> bool {
    if rules_of(terms, platform).any(&is) {
        return true;
    }
    let has_one = |group: &Group| terms.rules.iter().any(|rule| rule.group() == Some(group.name()) && is(rule));
    let sets: BTreeSet<&str> = terms.groups.iter().map(|group| &*group.set).collect();
    sets.into_iter().any(|set| {
        let may_hold = |group: &&Group| &*group.set == set && may_concern(group, platform, at);
        let mut groups = terms.groups.iter().filter(may_hold).peekable();
        groups.peek().is_some() && groups.all(has_one)
    })
}

/// Whether evidence of a platform may belong to a group, as far as its kind says.
fn may_concern(group: &Group, platform: &Platform, at: Timestamp) -> bool {
    let mut claims = Claims::default();
    claims.insert_if(cross_vendor::PLATFORM, platform.primary.and_then(tee));
    group.when.iter().all(|condition| {
        let is_of_the_tee = condition.claim().name() == cross_vendor::PLATFORM.into() && !claims.is_empty();
        let holds =
            || matches!(condition.evaluate(&claims, DeviceCounts::default(), at), RuleOutcome::Satisfied { .. });
        may_be_satisfied(condition, platform) && (!is_of_the_tee || holds())
    })
}

/// The claim `platform` of a kind; that of a token is the token's to say.
const fn tee(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::AwsNitro => "nitro-enclave",
        Kind::AwsNitroTpm => "nitro-tpm",
        Kind::AmdSevSnp | Kind::AzureSnpVtpm => "sev-snp",
        Kind::IntelTdx | Kind::AzureTdxVtpm => "tdx",
        Kind::IntelSgx => "sgx",
        _ => return None,
    })
}
