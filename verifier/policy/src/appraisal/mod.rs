//! Appraisals: authentic evidence and a policy → a verdict, and the types that keep a verdict from being mistaken for
//! another.
//!
//! [`Policy::appraise`] is the only maker of [`Appraised`], and [`Appraised::affirming`] the only maker of [`Affirming`].
//! The verdict without a policy ([`appraise_authenticity`]) and the answer to typed claims ([`Policy::evaluate`]) are
//! plain data and lead to neither.

mod evaluation;
mod judge;

#[cfg(test)]
mod tests;

use prooftrail_evidence::Authentic;
use prooftrail_result::{AppraisalResult, Kind, Scope, Timestamp, Verdict, claims::Claims};

pub use evaluation::{Evaluation, Hypothesis, RuleResult};

use crate::{
    Policy,
    evidence_set::{self, Piece},
};
use judge::{Judgement, Subject, judge, judge_authenticity};

/// Names of the policy stage's checks, each in one place. They appear in results and in `explain`.
pub mod check {
    /// Every name, in the order in which checks are made.
    pub const ALL: &[&str] =
        &[SHAPE, VALIDITY, ROOTS, DEBUG, SIMULATED, REVOCATION, FRESHNESS, NONCE, BINDING, UNKNOWN_FIELDS, RULES];
    /// The pieces are one set, and one that a platform of the policy lists.
    pub const SHAPE: &str = "policy.shape";
    /// Everything the evidence rests on is still valid at the instant of the appraisal.
    pub const VALIDITY: &str = "policy.validity";
    /// Every root is one that the policy lists.
    pub const ROOTS: &str = "policy.roots";
    /// No debug evidence.
    pub const DEBUG: &str = "policy.debug";
    /// No evidence on a simulator's root.
    pub const SIMULATED: &str = "policy.simulated";
    /// Revocation data was checked where the policy requires it.
    pub const REVOCATION: &str = "policy.revocation";
    /// The evidence is young enough.
    pub const FRESHNESS: &str = "policy.freshness";
    /// A nonce was checked.
    pub const NONCE: &str = "policy.nonce";
    /// A binding was checked.
    pub const BINDING: &str = "policy.binding";
    /// No signed field that this build does not know.
    pub const UNKNOWN_FIELDS: &str = "policy.unknown_fields";
    /// Every rule is satisfied.
    pub const RULES: &str = "policy.rules";
}

/// A set of authentic evidence that was compared with a policy; affirming or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Appraised {
    result: AppraisalResult,
    policy_digest: [u8; 48],
    platform: Option<Box<str>>,
}

impl Appraised {
    /// The result, for printing and archiving.
    #[must_use]
    pub const fn result(&self) -> &AppraisalResult {
        &self.result
    }

    /// The digest of the policy.
    #[must_use]
    pub const fn policy_digest(&self) -> [u8; 48] {
        self.policy_digest
    }

    /// The platform of the policy that the set is, or that its failures are about; `None` where none has its shape.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.platform.as_deref()
    }

    /// Turns an affirming appraisal into what keys are released for.
    ///
    /// # Errors
    /// The result with its reasons, where the set was refused.
    pub fn affirming(self) -> Result<Affirming, Box<AppraisalResult>> {
        match self.result.verdict {
            Verdict::Affirming => Ok(Affirming(self)),
            Verdict::Refused => Err(Box::new(self.result)),
        }
    }
}

/// Authentic evidence that satisfied a policy. Whoever holds one knows which evidence, which policy, and until when. It is
/// not copied: one appraisal, one release.
#[derive(Debug, PartialEq)]
pub struct Affirming(Appraised);

impl Affirming {
    /// The result, whose verdict is affirming and whose scope is the policy.
    #[must_use]
    pub const fn result(&self) -> &AppraisalResult {
        &self.0.result
    }

    /// The digest of the policy that was satisfied.
    #[must_use]
    pub const fn policy_digest(&self) -> [u8; 48] {
        self.0.policy_digest
    }

    /// The platform of the policy that the set is.
    #[must_use]
    pub fn platform(&self) -> Option<&str> {
        self.0.platform()
    }

    /// The last instant at which this may be relied upon, for the same evidence and policy.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        self.0.result.valid_until.unwrap_or(self.0.result.at)
    }
}

impl Policy {
    /// Appraises a set of authentic evidence as one, at an instant. The pieces stand in the order in which they were
    /// given; that numbers their devices.
    #[must_use]
    pub fn appraise(&self, set: &[Authentic], at: Timestamp) -> Appraised {
        self.appraise_stating(set, &Claims::default(), at)
    }

    /// As [`Self::appraise`], for a set whose binding covers a statement: `statement` are the claims that it makes. They
    /// join the set's only where the CPU's evidence carries the expected binding.
    #[must_use]
    pub fn appraise_stating(&self, set: &[Authentic], statement: &Claims, at: Timestamp) -> Appraised {
        self.appraise_pieces(&pieces(set), statement, at)
    }

    /// As [`Self::appraise_stating`], for pieces that only authentic evidence and tests make.
    fn appraise_pieces(&self, pieces: &[Piece<'_>], statement: &Claims, at: Timestamp) -> Appraised {
        let discord = evidence_set::discord(pieces);
        let mut claims = evidence_set::claims(pieces, discord.as_ref());
        if discord.is_none() {
            evidence_set::join_statement(&mut claims, pieces, statement);
        }
        let judgement = judge(self, Subject { pieces, claims: &claims, discord: discord.as_ref() }, at);
        let platform = judgement.platform.map(|platform| platform.name().into());
        let result = result(Scope::Policy, pieces, claims, judgement, at);
        Appraised { result, policy_digest: self.digest(), platform }
    }
}

/// The verdict on authentic evidence where no policy is given: nothing is said about what runs. Refused are sets that
/// are none, and debug evidence unless `allow_debug`.
#[must_use]
pub fn appraise_authenticity(set: &[Authentic], allow_debug: bool, at: Timestamp) -> AppraisalResult {
    authenticity_of_pieces(&pieces(set), allow_debug, at)
}

/// As [`appraise_authenticity`], for pieces that only authentic evidence and tests make.
fn authenticity_of_pieces(pieces: &[Piece<'_>], allow_debug: bool, at: Timestamp) -> AppraisalResult {
    let discord = evidence_set::discord(pieces);
    let claims = evidence_set::claims(pieces, discord.as_ref());
    let subject = Subject { pieces, claims: &claims, discord: discord.as_ref() };
    let judgement = judge_authenticity(subject, allow_debug, at);
    result(Scope::AuthenticityOnly, pieces, claims, judgement, at)
}

/// What an appraisal sees of authentic evidence.
fn pieces(set: &[Authentic]) -> Vec<Piece<'_>> {
    set.iter().map(Piece::from).collect()
}

/// The result of a judgement. Evidence that has ended at the instant is not authentic there, and claims nothing.
fn result(
    scope: Scope,
    pieces: &[Piece<'_>],
    claims: Claims,
    judgement: Judgement<'_>,
    at: Timestamp,
) -> AppraisalResult {
    let Judgement { checks: policy_checks, reasons, platform: _, valid_until } = judgement;
    let authentic = !pieces.is_empty() && pieces.iter().all(|piece| at <= piece.valid_until);
    let mut checks: Vec<_> = pieces.iter().flat_map(|piece| piece.checks.iter().copied()).collect();
    checks.extend(policy_checks);
    AppraisalResult {
        kinds: pieces.iter().map(|piece| piece.kind).collect::<Vec<Kind>>(),
        evidence_ids: pieces.iter().filter_map(|piece| piece.evidence_id).collect(),
        verdict: if reasons.is_empty() { Verdict::Affirming } else { Verdict::Refused },
        scope,
        authentic,
        trust_anchor: evidence_set::trust_anchor(pieces),
        at,
        valid_until: (!pieces.is_empty()).then_some(valid_until),
        claims: if authentic { claims } else { Claims::default() },
        checks,
        reasons,
    }
}
