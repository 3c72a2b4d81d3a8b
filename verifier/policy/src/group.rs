//! Groups of evidence: machines that a set of rules is about, such as CPUs whose patch levels can be compared.
//!
//! In: the claims of a set and an instant. Out: [`Membership`]: which groups the set belongs to. Groups come in sets, one of
//! each preset that has any and one of the policy's own, and evidence that belongs to no group of a set is refused: rules
//! that are about nobody would let everybody in.

use std::{collections::BTreeSet, sync::Arc};

use prooftrail_result::{
    Reason, ReasonCode, Timestamp,
    claims::{ClaimName, Claims},
};

use crate::{Rule, RuleOutcome, claim_pattern::DeviceCounts};

/// A group of evidence.
#[derive(Clone, Debug)]
pub struct Group {
    pub(crate) name: Arc<str>,
    /// The preset that brought it; empty for the policy's own.
    pub(crate) set: Box<str>,
    /// Every one must hold. Their ids are the group's name.
    pub(crate) when: Box<[Rule]>,
}

impl Group {
    /// Its name; `preset/name` for one that a preset brought.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The groups that a set of evidence belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Membership<'p> {
    groups: &'p [Group],
    /// By place in `groups`.
    is_member: Vec<bool>,
}

impl<'p> Membership<'p> {
    /// Compares claims with every group. A condition that cannot be told does not hold.
    pub(crate) fn of(groups: &'p [Group], claims: &Claims, devices: DeviceCounts, at: Timestamp) -> Self {
        let holds = |rule: &Rule| matches!(rule.evaluate(claims, devices, at), RuleOutcome::Satisfied { .. });
        Self { groups, is_member: groups.iter().map(|group| group.when.iter().all(holds)).collect() }
    }

    /// Whether a rule is about the evidence.
    pub(crate) fn concerns(&self, rule: &Rule) -> bool {
        rule.group.as_ref().is_none_or(|name| self.members().any(|group| group.name == *name))
    }

    fn members(&self) -> impl Iterator<Item = &'p Group> {
        self.groups.iter().zip(&self.is_member).filter(|(_, is_member)| **is_member).map(|(group, _)| group)
    }

    /// A reason for each set to none of whose groups the evidence belongs.
    pub(crate) fn reasons(&self, claims: &Claims) -> Vec<Reason> {
        let sets: BTreeSet<&str> = self.groups.iter().map(|group| &*group.set).collect();
        let unmatched = sets.into_iter().filter(|set| !self.members().any(|group| &*group.set == *set));
        unmatched.map(|set| self.reason(set, claims)).collect()
    }

    fn reason(&self, set: &str, claims: &Claims) -> Reason {
        let groups = || self.groups.iter().filter(|group| &*group.set == set);
        let asked: BTreeSet<ClaimName> =
            groups().flat_map(|group| &group.when).map(|condition| condition.claim.name()).collect();
        let have = asked.into_iter().map(|name| match claims.get(name) {
            Some(value) => format!("{name} = {value}"),
            None => format!("{name} absent"),
        });
        let of = if set.is_empty() { "the policy".to_owned() } else { format!("the preset `{set}`") };
        Reason::new(ReasonCode::PolicyNoGroup, format!("the evidence belongs to no group that {of} has rules for"))
            .have(have.collect::<Vec<_>>().join(", "))
            .need(groups().map(Group::name).collect::<Vec<_>>().join(" or "))
    }
}
