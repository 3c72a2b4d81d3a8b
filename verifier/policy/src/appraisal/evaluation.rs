//! What a policy would say to claims that somebody typed: for `prooftrail policy test`, for consoles and simulations.
//! The answer is data; nothing can be released for it.

use prooftrail_result::{
    Check, Kind, Reason, Timestamp, TrustAnchor, Verdict,
    claims::{Claims, Value, cross_vendor},
};

use super::judge::{Subject, judge};
use crate::{
    Policy, Rule, RuleOutcome,
    claim_pattern::DeviceCounts,
    evidence_set::{Links, Piece},
    group::Membership,
};

/// A set of evidence that nobody has shown: the claims of the set as one, and what was checked of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hypothesis {
    /// What the set claims. Where `root_sha256` is absent, the policy's roots are supposed.
    pub claims: Claims,
    /// The kind of the CPU evidence; `None` for devices alone.
    pub primary: Option<Kind>,
    /// The other pieces, by kind.
    pub devices: Vec<(Kind, u16)>,
    /// Whether the nonce was checked, in every piece.
    pub nonce: bool,
    /// Whether the binding was checked.
    pub binding: bool,
}

/// What a policy says to a hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Whether evidence like that would satisfy the policy.
    pub verdict: Verdict,
    /// The platform that the set would be, or that its failures are about.
    pub platform: Option<String>,
    /// The checks of the policy stage, in order.
    pub checks: Vec<Check>,
    /// Every rule that was compared: the policy's own and those of the groups that the set belongs to, then the platform's.
    pub rules: Vec<RuleResult>,
    /// Why it would be refused.
    pub reasons: Vec<Reason>,
    /// Until when the verdict would hold, as far as the policy and the claims say.
    pub valid_until: Timestamp,
}

/// How one rule ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleResult {
    /// The rule's id.
    pub id: String,
    /// How it ended.
    pub outcome: RuleOutcome,
}

impl Policy {
    /// Compares claims that somebody typed with the policy, rule by rule. Nothing is shown to be authentic, so the
    /// answer can never become an appraisal.
    #[must_use]
    pub fn evaluate(&self, hypothesis: &Hypothesis, at: Timestamp) -> Evaluation {
        let mut claims = hypothesis.claims.clone();
        if claims.get(cross_vendor::ROOT_SHA256).is_none() {
            let roots = self.roots().iter().map(|root| Value::from(root.as_slice()));
            claims.insert(cross_vendor::ROOT_SHA256, roots.collect::<Vec<_>>());
        }
        let piece = |kind: Kind| Piece {
            kind,
            evidence_id: None,
            claims: &claims,
            checks: &[],
            objections: &[],
            valid_until: Timestamp::MAX,
            trust_anchor: TrustAnchor::Pinned,
            // A NitroTPM has no debug mode; what devices have is not the set's.
            debug_applies: !kind.is_device() && kind != Kind::AwsNitroTpm,
            nonce_matched: hypothesis.nonce,
            binding_matched: hypothesis.binding,
            issuer_keys: &[],
            links: Links::Supposed,
        };
        let devices = hypothesis.devices.iter().flat_map(|(kind, count)| (0..*count).map(|_| *kind));
        let pieces: Vec<_> = hypothesis.primary.into_iter().chain(devices).map(piece).collect();
        let judgement = judge(self, Subject { pieces: &pieces, claims: &claims, discord: None }, at);

        let counts = DeviceCounts::of(&claims);
        let membership = Membership::of(self.groups(), &claims, counts, at);
        let result = |rule: &Rule| RuleResult { id: rule.id().to_owned(), outcome: rule.evaluate(&claims, counts, at) };
        let platform_rules = judgement.platform.into_iter().flat_map(super::super::platform::Platform::rules);
        Evaluation {
            verdict: if judgement.reasons.is_empty() { Verdict::Affirming } else { Verdict::Refused },
            platform: judgement.platform.map(|platform| platform.name().to_owned()),
            rules: self
                .rules()
                .iter()
                .filter(|rule| membership.concerns(rule))
                .chain(platform_rules)
                .map(result)
                .collect(),
            checks: judgement.checks,
            reasons: judgement.reasons,
            valid_until: judgement.valid_until,
        }
    }
}
