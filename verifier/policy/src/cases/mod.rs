//! Cases: what a policy must accept and what it must refuse, kept beside it and run on every change of it.
//!
//! In: a TOML file of cases. A case holds either claims that somebody typed, which [`Case::run`] compares with a policy
//! here, or names of evidence files, which the caller appraises and hands to [`Case::compare`]. Out: [`CaseResult`].

mod form;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use prooftrail_result::{Kind, Reason, Timestamp, Verdict};
use serde::Serialize;

use crate::{Hypothesis, Policy};

/// A file of cases.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseFile {
    /// The cases, in the order of the file.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name, unique in the file.
    pub name: String,
    /// The instant of the appraisal.
    pub at: Timestamp,
    /// The verdict that the policy must give.
    pub expect: Verdict,
    /// What must fail, and nothing else: rules by their ids, other checks by their reasons' codes. `None` where any
    /// failure will do.
    pub failing: Option<Vec<String>>,
    /// What is appraised.
    pub input: CaseInput,
}

/// What a case appraises.
#[derive(Clone, Debug, PartialEq)]
pub enum CaseInput {
    /// Claims that somebody typed.
    Claims(Hypothesis),
    /// Evidence that the caller must read, authenticate and appraise as one set, in this order.
    Evidence(Vec<EvidenceFile>),
}

/// A piece of evidence on the caller's disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EvidenceFile {
    /// Its format.
    pub kind: Kind,
    /// Its path, relative to the file of cases.
    pub file: String,
    /// Paths of endorsements, relative to the file of cases.
    pub endorsements: Vec<String>,
    /// The nonce to expect.
    pub nonce: Option<Vec<u8>>,
    /// The binding to expect.
    pub binding: Option<[u8; 48]>,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub name: String,
    /// Whether the policy did what the case demands.
    pub passed: bool,
    /// The verdict that the case demands.
    pub expected: Verdict,
    /// The verdict that the policy gave.
    pub verdict: Verdict,
    /// What the case says must fail, and did not.
    pub not_failing: Vec<String>,
    /// What failed, and the case does not say so.
    pub failing_too: Vec<String>,
    /// Why the policy refused.
    pub reasons: Vec<Reason>,
}

impl Case {
    /// Compares a case of claims with a policy. `None` for a case of evidence, which the caller appraises.
    #[must_use]
    pub fn run(&self, policy: &Policy) -> Option<CaseResult> {
        match &self.input {
            CaseInput::Claims(hypothesis) => {
                let evaluation = policy.evaluate(hypothesis, self.at);
                Some(self.compare(evaluation.verdict, evaluation.reasons))
            }
            CaseInput::Evidence(_) => None,
        }
    }

    /// Compares what the case demands with what an appraisal gave. A refusal by the authentication counts like one by
    /// the policy, under its reason's code.
    #[must_use]
    pub fn compare(&self, verdict: Verdict, reasons: Vec<Reason>) -> CaseResult {
        let found = reasons.iter().map(|reason| reason.rule.as_deref().unwrap_or(reason.code.as_str()));
        let found: BTreeSet<&str> = found.collect();
        let demanded: Option<BTreeSet<&str>> =
            self.failing.as_ref().map(|failing| failing.iter().map(String::as_str).collect());
        let owned = |names: &mut dyn Iterator<Item = &&str>| names.map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (not_failing, failing_too) = match &demanded {
            Some(demanded) => (owned(&mut demanded.difference(&found)), owned(&mut found.difference(demanded))),
            None => (Vec::new(), Vec::new()),
        };
        CaseResult {
            name: self.name.clone(),
            passed: verdict == self.expect && not_failing.is_empty() && failing_too.is_empty(),
            expected: self.expect,
            verdict,
            not_failing,
            failing_too,
            reasons,
        }
    }
}
