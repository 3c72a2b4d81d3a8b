//! The result of an appraisal (RFC 9334's attestation result): what `prooftrail appraise --json` prints and what the
//! ledger archives. The JSON is a contract; docs/appraisal-result.md describes it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{EvidenceId, Kind, Reason, Timestamp, claims::Claims};

/// May the evidence be relied upon?
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was asked of it holds.
    Affirming,
    /// Something does not hold; the reasons say what.
    Refused,
}

/// What the verdict covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The evidence is authentic and satisfies a policy.
    Policy,
    /// The evidence is authentic; no policy was given, so nothing is said about what runs.
    AuthenticityOnly,
}

/// Who named the root that the evidence rests on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrustAnchor {
    /// The root stands in our trust-roots.
    Pinned,
    /// The operator, or `--root`, named it.
    Configured,
}

impl TrustAnchor {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Configured => "configured",
        }
    }
}

/// How one check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was made, and holds.
    Passed,
    /// It was made, and does not hold.
    Failed,
    /// It was not made, because nobody supplied what it needs or asked for it.
    NotPerformed,
}

/// One check, in the order in which checks are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Check {
    /// A stable name, such as `chain.pinned_root`.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

/// The verdict on one piece of evidence, or on a set appraised as one, with all that it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct AppraisalResult {
    /// The kinds of the set, in the order given.
    pub kinds: Vec<Kind>,
    /// The evidence ids of the set, in the order given; empty where a piece did not even parse.
    pub evidence_ids: Vec<EvidenceId>,
    /// May it be relied upon?
    pub verdict: Verdict,
    /// What the verdict covers.
    pub scope: Scope,
    /// Whether the silicon vouches for the evidence, whatever a policy says.
    pub authentic: bool,
    /// Who named the root; absent where no root was met.
    pub trust_anchor: Option<TrustAnchor>,
    /// The instant at which it was appraised.
    pub at: Timestamp,
    /// The last instant at which this verdict may be relied upon: the earliest end of anything it rests on.
    pub valid_until: Option<Timestamp>,
    /// What was established; empty unless the evidence is authentic.
    pub claims: Claims,
    /// The checks made, in order.
    pub checks: Vec<Check>,
    /// Why it was refused; empty if and only if it is affirming.
    pub reasons: Vec<Reason>,
}

impl AppraisalResult {
    /// `debug` of the whole set; `None` where it was not established.
    #[must_use]
    pub fn debug(&self) -> Option<bool> {
        self.claims.bool(crate::claims::cross_vendor::DEBUG)
    }

    /// Whether any part rests on a simulator's root.
    #[must_use]
    pub fn simulated(&self) -> bool {
        self.claims.bool(crate::claims::cross_vendor::SIMULATED) == Some(true)
    }
}

/// One value as itself, several as a list, none as null: a set of one reads like the piece.
struct OneOrMany<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for OneOrMany<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [] => serializer.serialize_none(),
            [one] => one.serialize(serializer),
            many => serializer.collect_seq(many),
        }
    }
}

impl Serialize for AppraisalResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The JSON object, in the order in which it is printed.
        #[derive(Serialize)]
        struct Json<'a> {
            kind: OneOrMany<'a, Kind>,
            evidence_id: OneOrMany<'a, EvidenceId>,
            verdict: Verdict,
            scope: Scope,
            authentic: bool,
            debug: Option<bool>,
            simulated: bool,
            trust_anchor: Option<TrustAnchor>,
            at: Timestamp,
            valid_until: Option<Timestamp>,
            claims: &'a Claims,
            checks: &'a [Check],
            reasons: &'a [Reason],
        }
        // Destructured, so that a new field cannot be forgotten here.
        let Self {
            kinds,
            evidence_ids,
            verdict,
            scope,
            authentic,
            trust_anchor,
            at,
            valid_until,
            claims,
            checks,
            reasons,
        } = self;
        Json {
            kind: OneOrMany(kinds),
            evidence_id: OneOrMany(evidence_ids),
            verdict: *verdict,
            scope: *scope,
            authentic: *authentic,
            debug: self.debug(),
            simulated: self.simulated(),
            trust_anchor: *trust_anchor,
            at: *at,
            valid_until: *valid_until,
            claims,
            checks,
            reasons,
        }
        .serialize(serializer)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Affirming => "affirming",
            Self::Refused => "refused",
        })
    }
}
