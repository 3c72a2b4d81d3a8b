//! Claims and a policy → an appraisal. Pure: no I/O, no clock, no environment.
//!
//! A policy is a TOML document ([`PolicyDocument`]), compiled once ([`PolicyDocument::compile`]) into a [`Policy`] whose
//! digest covers everything it says. [`Policy::appraise`] compares a set of authentic evidence with it; the
//! [`Appraised`] that comes out is the only way to [`Affirming`], and `Affirming` the only thing that keys are released
//! for. [`appraise_authenticity`] is the verdict without a policy, and leads to neither.
//!
//! For the people who write policies: [`Policy::lint`] finds what a policy leaves open, [`CaseFile`] holds the cases that
//! it must accept or refuse, and [`Policy::evaluate`] answers what it would say to claims that somebody typed.
//! docs/policy.md describes the format.

mod appraisal;
mod cases;
mod claim_pattern;
mod compile;
mod digest;
mod document;
mod error;
mod evidence_set;
mod group;
mod lint;
mod operator;
mod platform;
mod policy;
pub mod presets;
mod request;
mod revocation;
mod rule;
#[cfg(test)]
mod testing;
mod value_set;

pub use appraisal::{Affirming, Appraised, Evaluation, Hypothesis, RuleResult, appraise_authenticity, check};
pub use cases::{Case, CaseFile, CaseInput, CaseResult, EvidenceFile};
pub use claim_pattern::ClaimPattern;
pub use document::{MAX_RULES, MAX_TEXT_BYTES, MAX_VALUES, PolicyDocument};
pub use error::{NameOf, PolicyError, Position, Problem};
pub use group::Group;
pub use lint::{Concern, Finding, LintCode, Severity};
pub use operator::Operator;
pub use platform::{DeviceRange, Platform};
pub use policy::{Pin, Policy, ProofPin};
pub use request::{Answer, Demand, MAX_PIECES, Request};
pub use rule::{Missing, Rule, RuleOutcome};
