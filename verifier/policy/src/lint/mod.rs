//! What a policy leaves open: findings with stable codes, for `prooftrail policy lint`, for consoles and for approvers.
//!
//! In: a compiled policy and an instant, because reference values come and go. Out: [`Finding`]s, errors first. A finding
//! does not change what a policy says; a policy with errors compiles and is appraised against like any other.

mod codes;
mod demands;
mod hardware;
mod pins;
mod references;
mod rules;
mod terms;
#[cfg(test)]
mod tests;
mod tokens;

use prooftrail_result::Timestamp;
use serde::Serialize;

pub use codes::{LintCode, Severity};

use crate::{Platform, Policy, Rule};

/// Something that a policy leaves open.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// What it is.
    pub code: LintCode,
    /// How much it matters; the code fixes it.
    pub severity: Severity,
    /// What was found here, in a sentence.
    pub message: String,
    /// What to do about it; the code fixes it.
    pub remedy: &'static str,
    /// What it concerns; absent for the policy as a whole.
    pub concerns: Option<Concern>,
}

/// A part of a policy, by its name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Concern {
    /// A rule, by its id.
    Rule(String),
    /// A set of reference values.
    Reference(String),
    /// A platform.
    Platform(String),
}

impl Finding {
    /// A finding about the policy as a whole, in the code's own words.
    fn of(code: LintCode) -> Self {
        Self::with(code, code.meaning().to_owned())
    }

    /// A finding in words of its own.
    fn with(code: LintCode, message: String) -> Self {
        Self { code, severity: code.severity(), message, remedy: code.remedy(), concerns: None }
    }

    /// The same finding about a rule.
    fn about_rule(self, rule: &Rule) -> Self {
        Self { concerns: Some(Concern::Rule(rule.id().to_owned())), ..self }
    }

    /// The same finding about a platform.
    fn about_platform(self, platform: &Platform) -> Self {
        Self { concerns: Some(Concern::Platform(platform.name().to_owned())), ..self }
    }

    /// The same finding about a reference.
    fn about_reference(self, name: &str) -> Self {
        Self { concerns: Some(Concern::Reference(name.to_owned())), ..self }
    }
}

impl Policy {
    /// What the policy leaves open at an instant, errors first.
    #[must_use]
    pub fn lint(&self, at: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        terms::lint(&self.terms, &mut findings);
        pins::lint(&self.terms, at, &mut findings);
        tokens::lint(&self.terms, at, &mut findings);
        hardware::lint(&self.terms, &mut findings);
        references::lint(&self.terms, at, &mut findings);
        rules::lint(&self.terms, &mut findings);
        findings.sort_by_key(|finding| finding.severity);
        findings
    }
}

/// The rules that every evidence of a platform must satisfy: the policy's but for those of groups, and its own.
fn rules_of<'a>(terms: &'a crate::policy::Terms, platform: &'a Platform) -> impl Iterator<Item = &'a Rule> + Clone {
    terms.rules.iter().filter(|rule| rule.group().is_none()).chain(&platform.rules)
}
