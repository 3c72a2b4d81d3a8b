//! What a caller brings: one type for each kind of row. Digests are lower-case hexadecimal, times are the ledger's own.

use prooftrail_result::Timestamp;
use serde::{Serialize, Serializer};

/// RFC 3339 with milliseconds, as the ledger has them.
pub(crate) fn millis<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_millis())
}

pub(crate) fn millis_option<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_some(&time.to_rfc3339_millis()),
        None => serializer.serialize_none(),
    }
}

/// What a report covers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Scope {
    /// The tenant.
    pub project: String,
    /// The ledger's origin.
    pub origin: String,
    /// The first instant covered.
    #[serde(serialize_with = "millis")]
    pub from: Timestamp,
    /// The first instant after the range.
    #[serde(serialize_with = "millis")]
    pub to: Timestamp,
    /// When the report was made; `None` where the same report must come out whenever it is made.
    #[serde(serialize_with = "millis_option")]
    pub made_at: Option<Timestamp>,
    /// The index of the ledger's first entry in the range, of any project; `None` where there is none.
    pub first_index: Option<u64>,
    /// The index of the last.
    pub last_index: Option<u64>,
}

/// A checkpoint of the ledger that covers the range.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Checkpoint {
    /// The number of entries.
    pub size: u64,
    /// The root's hash, 64 hexadecimal digits.
    pub root: String,
    /// The signed note, whole.
    pub note: String,
    /// Cosigners whose signatures were verified; none means that time is the operator's word.
    pub cosigners: Vec<String>,
}

/// A piece of evidence.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Evidence {
    /// Its kind, such as `aws-nitro`.
    pub kind: String,
    /// Its id, as docs/evidence-ids.md has it.
    pub id: String,
}

/// A decision that opened a witness.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Release {
    /// The entry's index.
    pub index: u64,
    /// The entry's time.
    #[serde(serialize_with = "millis")]
    pub time: Timestamp,
    /// The release's id.
    pub release_id: String,
    /// The witness key's name.
    pub key: String,
    /// The key's version.
    pub key_version: u64,
    /// The digest of the policy that decided; one of the report's policies.
    pub policy_digest: String,
    /// The policy's platform whose shape the evidence has.
    pub platform: Option<String>,
    /// The evidence appraised.
    pub evidence: Vec<Evidence>,
    /// The digest of the witness file's header: which witness was opened.
    pub witness_header: String,
    /// The digest of the agent's statement: what ran.
    pub statement: String,
    /// Whether the evidence rests on a simulator's root.
    pub simulated: bool,
    /// When the release was revoked, if it was, whether or not within the range.
    #[serde(serialize_with = "millis_option")]
    pub revoked_at: Option<Timestamp>,
}

/// One reason of a denial.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ReasonLine {
    /// The stable code.
    pub code: String,
    /// The stage that failed.
    pub stage: String,
    /// The sentence.
    pub detail: String,
    /// What the evidence has.
    pub have: Option<String>,
    /// What would have been accepted.
    pub need: Option<String>,
    /// The policy's rule.
    pub rule: Option<String>,
}

/// A decision that refused authentic evidence.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Denial {
    /// The entry's index.
    pub index: u64,
    /// The entry's time.
    #[serde(serialize_with = "millis")]
    pub time: Timestamp,
    /// The decision's id.
    pub release_id: String,
    /// The witness key asked for; `None` for an appraisal without one.
    pub key: Option<String>,
    /// The key's version.
    pub key_version: Option<u64>,
    /// The digest of the policy that decided; one of the report's policies.
    pub policy_digest: String,
    /// The policy's platform whose rules were reported; `None` where the evidence has no platform's shape.
    pub platform: Option<String>,
    /// The evidence appraised.
    pub evidence: Vec<Evidence>,
    /// Every reason; at least one.
    pub reasons: Vec<ReasonLine>,
    /// Whether the evidence rests on a simulator's root.
    pub simulated: bool,
}

/// What became of a job.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofOutcome {
    /// The service verified the proof.
    Verified,
    /// The service has no verifier for the system; nothing is claimed about the proof.
    Unsupported,
    /// The proof does not verify. Registered all the same: it is what the session made.
    Refused,
    /// The command failed; there is no proof.
    Failed,
}

impl ProofOutcome {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A proof record.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Proof {
    /// The entry's index.
    pub index: u64,
    /// The entry's time.
    #[serde(serialize_with = "millis")]
    pub time: Timestamp,
    /// The id of its provenance page: SHA-256 of the proof's bytes. `None` where there is no proof.
    pub provenance_id: Option<String>,
    /// The release whose session made it.
    pub release_id: String,
    /// Its number within the session.
    pub sequence: u64,
    /// The proof system, as submitted; `None` where there is no proof.
    pub system: Option<String>,
    /// What became of it.
    pub outcome: ProofOutcome,
    /// What was proved, if the proof verified.
    pub verified: Option<super::VerifiedProof>,
    /// The exit status of the command.
    pub exit_status: i32,
    /// Whether the release it came from has been revoked.
    pub release_revoked: bool,
}

/// A rule of a policy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct PolicyRule {
    /// The rule's id; `preset/id` for a rule that a preset brought.
    pub id: String,
    /// The only platform it applies to, if it is one's own.
    pub platform: Option<String>,
    /// The claim it speaks of.
    pub claim: String,
    /// Why it exists.
    pub rationale: String,
    /// The controls it serves, such as `SOC2 CC6.1`.
    pub controls: Vec<String>,
}

/// A version of a policy.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PolicyVersion {
    /// The policy's name.
    pub name: String,
    /// The version's digest.
    pub digest: String,
    /// The index of the entry that brought it into force.
    pub index: u64,
    /// Since when it is in force.
    #[serde(serialize_with = "millis")]
    pub in_force_from: Timestamp,
    /// Until when it was; `None` if it still is.
    #[serde(serialize_with = "millis_option")]
    pub in_force_until: Option<Timestamp>,
    /// Who approved it.
    pub approved_by: Vec<String>,
    /// Whether it accepts debug TEEs.
    pub allows_debug: bool,
    /// Whether it accepts simulated evidence.
    pub allows_simulated: bool,
    /// Its rules.
    pub rules: Vec<PolicyRule>,
}

/// A reference value that a policy pins.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Pin {
    /// The policy's name.
    pub policy: String,
    /// The name of the set of values.
    pub reference: String,
    /// The value: a measurement, as a rule.
    pub value: String,
    /// What its author says it is.
    pub note: Option<String>,
    /// Since when it counts; `None` if there is no such limit.
    #[serde(serialize_with = "millis_option")]
    pub active_from: Option<Timestamp>,
    /// Until when it counts; `None` if there is no such limit.
    #[serde(serialize_with = "millis_option")]
    pub active_until: Option<Timestamp>,
}

/// A version of a witness key.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct KeyVersion {
    /// The key's name.
    pub name: String,
    /// The version.
    pub version: u64,
    /// The name of the policy that guards it.
    pub policy: String,
    /// Its public half (`age1…`).
    pub recipient: String,
    /// Its state, as the service spells it: `active`, `retired`, `revoked`, `destroyed`.
    pub state: String,
    /// When it was made.
    #[serde(serialize_with = "millis")]
    pub created_at: Timestamp,
    /// When it ceased to open new witnesses.
    #[serde(serialize_with = "millis_option")]
    pub ended_at: Option<Timestamp>,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody must act.
    Critical,
    /// Somebody should look.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something that needs attention: a proof without a session, evidence used twice, an alert.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The stable code.
    pub code: String,
    /// How grave it is.
    pub severity: Severity,
    /// When it arose.
    #[serde(serialize_with = "millis")]
    pub time: Timestamp,
    /// Its entry's index, if it has one.
    pub index: Option<u64>,
    /// What it is about.
    pub subject: String,
    /// The sentence.
    pub detail: String,
}
