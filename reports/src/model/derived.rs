//! What is derived from the rows: numbers, denials by reason, controls, rotations, and what the report does not show. In:
//! sorted rows; out: sorted tables.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use prooftrail_result::Timestamp;
use serde::Serialize;

use super::{
    Checkpoint, ComplianceReport, Denial, Finding, KeyVersion, Pin, PolicyRule, PolicyVersion, Proof, ProofOutcome,
    ReasonLine, Release, Scope, rows::millis,
};

/// What a verified proof proves.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct VerifiedProof {
    /// The statement's id.
    pub statement_id: String,
    /// The verifying key's digest.
    pub verifying_key: String,
    /// The code of a weakness of the key, because of which this proves nothing all the same.
    pub weakness: Option<String>,
}

/// The numbers of a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Summary {
    /// Decisions that opened a witness.
    pub releases: usize,
    /// Of these, revoked since.
    pub releases_revoked: usize,
    /// Of these, without a proof record within the range. Their sessions may still be at work.
    pub releases_without_proof: usize,
    /// Decisions that refused.
    pub denials: usize,
    /// Proof records.
    pub proofs: usize,
    /// Of these, verified under a key without a known weakness.
    pub proofs_verified: usize,
    /// Of these, in systems that the service does not verify.
    pub proofs_unsupported: usize,
    /// Of these, neither: refused, failed, or under a weak key.
    pub proofs_other: usize,
    /// Different witnesses that were opened.
    pub witnesses_opened: usize,
    /// Findings.
    pub findings: usize,
    /// Whether any decision rests on simulated hardware.
    pub simulated: bool,
    /// Records in the range that have been erased; they appear nowhere else in the report.
    pub erased_records: u64,
}

/// Denials with one code.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct DenialReason {
    /// The stable code.
    pub code: String,
    /// The stage.
    pub stage: String,
    /// What the code means; `None` for a code that this build does not know.
    pub meaning: Option<&'static str>,
    /// How many decisions have it.
    pub decisions: usize,
    /// The policy's rule.
    pub rule: Option<String>,
    /// What the evidence had.
    pub have: Option<String>,
    /// What would have been accepted.
    pub need: Option<String>,
    /// The first of these decisions.
    #[serde(serialize_with = "millis")]
    pub first: Timestamp,
    /// The last.
    #[serde(serialize_with = "millis")]
    pub last: Timestamp,
}

/// A control with the rules that serve it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Control {
    /// The control, as the policies spell it.
    pub control: String,
    /// Its rules, over all policy versions of the range.
    pub rules: Vec<ControlRule>,
}

/// What a rule decided.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ControlRule {
    /// The policy's name.
    pub policy: String,
    /// The version's digest.
    pub policy_digest: String,
    /// The rule's id.
    pub rule: String,
    /// The only platform it applies to.
    pub platform: Option<String>,
    /// The claim.
    pub claim: String,
    /// Why the rule exists.
    pub rationale: String,
    /// Releases that it let pass: those under this version, on its platform.
    pub passed: usize,
    /// Denials that name it.
    pub refused: usize,
}

/// A reference value that began or ceased to count.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Rotation {
    /// When.
    #[serde(serialize_with = "millis")]
    pub time: Timestamp,
    /// The policy's name.
    pub policy: String,
    /// The set of values.
    pub reference: String,
    /// `activated` or `retired`.
    pub change: &'static str,
    /// The value.
    pub value: String,
    /// What its author says it is.
    pub note: Option<String>,
    /// How many values of the set count after the change: 0 refuses everything, 2 is an overlap.
    pub active_after: usize,
}

/// How a value stands at the end of the range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PinState {
    /// It will count later.
    Scheduled,
    /// It counts.
    Active,
    /// It counts no more.
    Retired,
}

impl PinState {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

impl Pin {
    /// How it stands just before `instant`; for a report, the end of its range.
    #[must_use]
    pub fn state_before(&self, instant: Timestamp) -> PinState {
        if self.active_from.is_some_and(|from| from >= instant) {
            PinState::Scheduled
        } else if self.active_until.is_some_and(|until| until < instant) {
            PinState::Retired
        } else {
            PinState::Active
        }
    }
}

/// Something that the report does not show.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Limitation {
    /// A stable name.
    pub id: &'static str,
    /// The sentence.
    pub text: &'static str,
}

/// Sorted rows.
pub(crate) struct Rows {
    pub(crate) releases: Vec<Release>,
    pub(crate) denials: Vec<Denial>,
    pub(crate) proofs: Vec<Proof>,
    pub(crate) policies: Vec<PolicyVersion>,
    pub(crate) pins: Vec<Pin>,
    pub(crate) keys: Vec<KeyVersion>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) erased_records: u64,
}

pub(crate) fn derive(scope: Scope, checkpoint: Checkpoint, rows: Rows) -> ComplianceReport {
    let summary = summary(&rows);
    let limitations = limitations(&checkpoint, &summary, &rows);
    ComplianceReport {
        format: crate::FORMAT,
        summary,
        controls: controls(&rows),
        denials_by_reason: denials_by_reason(&rows.denials),
        rotations: rotations(&scope, &rows.pins),
        limitations,
        scope,
        checkpoint,
        findings: rows.findings,
        releases: rows.releases,
        denials: rows.denials,
        proofs: rows.proofs,
        policies: rows.policies,
        pins: rows.pins,
        keys: rows.keys,
    }
}

fn summary(rows: &Rows) -> Summary {
    let with_proof: BTreeSet<&str> = rows.proofs.iter().map(|proof| proof.release_id.as_str()).collect();
    let sound = |proof: &&Proof| {
        proof.outcome == ProofOutcome::Verified
            && proof.verified.as_ref().is_some_and(|verified| verified.weakness.is_none())
    };
    let proofs_verified = rows.proofs.iter().filter(sound).count();
    let proofs_unsupported = rows.proofs.iter().filter(|proof| proof.outcome == ProofOutcome::Unsupported).count();
    let witnesses: BTreeSet<&str> = rows.releases.iter().map(|release| release.witness_header.as_str()).collect();
    Summary {
        releases: rows.releases.len(),
        releases_revoked: rows.releases.iter().filter(|release| release.revoked_at.is_some()).count(),
        releases_without_proof: rows
            .releases
            .iter()
            .filter(|release| !with_proof.contains(release.release_id.as_str()))
            .count(),
        denials: rows.denials.len(),
        proofs: rows.proofs.len(),
        proofs_verified,
        proofs_unsupported,
        proofs_other: rows.proofs.len() - proofs_verified - proofs_unsupported,
        witnesses_opened: witnesses.len(),
        findings: rows.findings.len(),
        simulated: rows.releases.iter().any(|release| release.simulated)
            || rows.denials.iter().any(|denial| denial.simulated),
        erased_records: rows.erased_records,
    }
}

fn denials_by_reason(denials: &[Denial]) -> Vec<DenialReason> {
    // The detail is a sentence about one decision; code, rule and values are what decisions share.
    let mut groups: BTreeMap<Group<'_>, (usize, Timestamp, Timestamp)> = BTreeMap::new();
    for denial in denials {
        let distinct: BTreeSet<Group<'_>> = denial.reasons.iter().map(Group::of).collect();
        for group in distinct {
            let (count, first, last) = groups.entry(group).or_insert((0, denial.time, denial.time));
            *count += 1;
            *first = (*first).min(denial.time);
            *last = (*last).max(denial.time);
        }
    }
    let mut reasons: Vec<DenialReason> = groups
        .into_iter()
        .map(|(Group { code, stage, rule, have, need }, (decisions, first, last))| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let known = prooftrail_result::ReasonCode::ALL.iter().find(|known| known.as_str() == code);
            DenialReason {
                code: code.to_owned(),
                stage: stage.to_owned(),
                meaning: known.map(|known| known.meaning()),
                decisions,
                rule: owned(rule),
                have: owned(have),
                need: owned(need),
                first,
                last,
            }
        })
        .collect();
    // Stable, so equal counts stay in the order of the codes.
    reasons.sort_by_key(|reason| Reverse(reason.decisions));
    reasons
}

#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
struct Group<'a> {
    code: &'a str,
    stage: &'a str,
    rule: Option<&'a str>,
    have: Option<&'a str>,
    need: Option<&'a str>,
}

impl<'a> Group<'a> {
    fn of(reason: &'a ReasonLine) -> Self {
        let ReasonLine { code, stage, detail: _, have, need, rule } = reason;
        Self { code, stage, rule: rule.as_deref(), have: have.as_deref(), need: need.as_deref() }
    }
}

fn controls(rows: &Rows) -> Vec<Control> {
    let mut controls: BTreeMap<&str, Vec<ControlRule>> = BTreeMap::new();
    let decided = Decided::count(rows);
    // A version that was in force twice is one version.
    let mut seen = BTreeSet::new();
    for policy in rows.policies.iter().filter(|policy| seen.insert(policy.digest.as_str())) {
        for rule in &policy.rules {
            let controls_of_rule: BTreeSet<&str> = rule.controls.iter().map(String::as_str).collect();
            for control in controls_of_rule {
                controls.entry(control).or_default().push(ControlRule {
                    policy: policy.name.clone(),
                    policy_digest: policy.digest.clone(),
                    rule: rule.id.clone(),
                    platform: rule.platform.clone(),
                    claim: rule.claim.clone(),
                    rationale: rule.rationale.clone(),
                    passed: decided.passed(&policy.digest, rule),
                    refused: decided.refused(&policy.digest, rule),
                });
            }
        }
    }
    controls.into_iter().map(|(control, rules)| Control { control: control.to_owned(), rules }).collect()
}

/// How often each rule passed and refused, counted once over all rows.
struct Decided<'a> {
    releases: BTreeMap<(&'a str, Option<&'a str>), usize>,
    releases_of_policy: BTreeMap<&'a str, usize>,
    denials: BTreeMap<(&'a str, &'a str), usize>,
}

impl<'a> Decided<'a> {
    fn count(rows: &'a Rows) -> Self {
        let mut decided =
            Self { releases: BTreeMap::new(), releases_of_policy: BTreeMap::new(), denials: BTreeMap::new() };
        for release in &rows.releases {
            let policy = release.policy_digest.as_str();
            *decided.releases.entry((policy, release.platform.as_deref())).or_default() += 1;
            *decided.releases_of_policy.entry(policy).or_default() += 1;
        }
        for denial in &rows.denials {
            let rules: BTreeSet<&str> = denial.reasons.iter().filter_map(|reason| reason.rule.as_deref()).collect();
            for rule in rules {
                *decided.denials.entry((&denial.policy_digest, rule)).or_default() += 1;
            }
        }
        decided
    }

    fn passed(&self, policy: &str, rule: &PolicyRule) -> usize {
        let count = match &rule.platform {
            None => self.releases_of_policy.get(policy),
            Some(platform) => self.releases.get(&(policy, Some(platform.as_str()))),
        };
        count.copied().unwrap_or(0)
    }

    /// Rules' ids are unique over the whole policy, platforms included.
    fn refused(&self, policy: &str, rule: &PolicyRule) -> usize {
        self.denials.get(&(policy, rule.id.as_str())).copied().unwrap_or(0)
    }
}

fn rotations(scope: &Scope, pins: &[Pin]) -> Vec<Rotation> {
    let within = |time: Timestamp| scope.from <= time && time < scope.to;
    let mut rotations = Vec::new();
    // Pins are sorted, so the values of a set stand together.
    for set in pins.chunk_by(|a, b| (&a.policy, &a.reference) == (&b.policy, &b.reference)) {
        let active_at = ActiveAt::of(set);
        for pin in set {
            for (time, change) in [(pin.active_from, "activated"), (pin.active_until, "retired")] {
                let Some(time) = time.filter(|time| within(*time)) else { continue };
                rotations.push(Rotation {
                    time,
                    policy: pin.policy.clone(),
                    reference: pin.reference.clone(),
                    change,
                    value: pin.value.clone(),
                    note: pin.note.clone(),
                    active_after: active_at.count(time),
                });
            }
        }
    }
    rotations.sort_by(|a, b| {
        (a.time, &a.policy, &a.reference, a.change, &a.value).cmp(&(
            b.time,
            &b.policy,
            &b.reference,
            b.change,
            &b.value,
        ))
    });
    rotations
}

/// How many values of a set count at an instant, in logarithmic time: sets have up to 100,000 values.
struct ActiveAt {
    always: usize,
    begins: Vec<Timestamp>,
    ends: Vec<Timestamp>,
}

impl ActiveAt {
    fn of(set: &[Pin]) -> Self {
        // A value that ends before it begins never counts.
        let counts = |pin: &&Pin| match (pin.active_from, pin.active_until) {
            (Some(from), Some(until)) => from < until,
            _ => true,
        };
        let sorted = |times: &mut dyn Iterator<Item = Timestamp>| {
            let mut times: Vec<Timestamp> = times.collect();
            times.sort_unstable();
            times
        };
        let set: Vec<&Pin> = set.iter().filter(counts).collect();
        Self {
            always: set.iter().filter(|pin| pin.active_from.is_none()).count(),
            begins: sorted(&mut set.iter().filter_map(|pin| pin.active_from)),
            ends: sorted(&mut set.iter().filter_map(|pin| pin.active_until)),
        }
    }

    fn count(&self, at: Timestamp) -> usize {
        let until = |times: &[Timestamp]| times.partition_point(|time| *time <= at);
        (self.always + until(&self.begins)).saturating_sub(until(&self.ends))
    }
}

/// Every limitation with the condition under which it is one.
fn limitations(checkpoint: &Checkpoint, summary: &Summary, rows: &Rows) -> Vec<Limitation> {
    let weak = rows.proofs.iter().filter_map(|proof| proof.verified.as_ref()).any(|proof| proof.weakness.is_some());
    let table = [
        (
            summary.simulated,
            "simulated",
            "Some decisions rest on simulated hardware. They show that the procedure works and say nothing about any machine.",
        ),
        (
            true,
            "operators-copy",
            "The rows come from the operator's records. What stands behind a proof can be checked without trusting the \
             operator: prooftrail verify-bundle takes the proof's bundle back to the ledger and the silicon vendors' roots.",
        ),
        (
            checkpoint.cosigners.is_empty(),
            "operators-time",
            "No independent cosigner has signed the checkpoint, so times, and that nothing was left out, are the \
             operator's word.",
        ),
        (
            true,
            "unauthentic-requests",
            "Only decisions on authentic evidence have an entry. Requests whose evidence was malformed, forged or replayed \
             are counted in the service's metrics and appear nowhere here.",
        ),
        (
            true,
            "copies-of-witnesses",
            "Copies of a witness may exist outside the attested session; the ledger records what this service opened.",
        ),
        (
            true,
            "commands",
            "A record says which attested code ran which command on which witness, and which bytes came out. It does not \
             show that the command computed this very proof, or that the circuit is sound.",
        ),
        (
            summary.proofs_unsupported > 0,
            "unsupported-proofs",
            "Some proofs are in systems that the service does not verify; nothing is claimed about them.",
        ),
        (
            weak,
            "weak-keys",
            "Some proofs verify under a key for which anyone can forge proofs. They are not counted as verified.",
        ),
        (
            summary.erased_records > 0,
            "erased-records",
            "Some records were erased. Their entries remain in the ledger and are counted; what they said is gone.",
        ),
        (
            true,
            "control-mapping",
            "Which control a rule serves is the policy author's statement. Whether the controls satisfy a framework is the \
             auditor's judgement.",
        ),
    ];
    table.into_iter().filter(|(applies, ..)| *applies).map(|(_, id, text)| Limitation { id, text }).collect()
}
