//! What came of a verification: what is shown, what is not, and why something failed. Two tables hold every check and every
//! stable code, with words for people who know nothing of either; docs/provenance.md is the same, rendered.

use std::fmt;

use prooftrail_protocol::{ProofRecord, Statement, primary_of};
use prooftrail_result::{Timestamp, Verdict};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    entry::Entry,
    record::{DecisionRecord, ProofEntry, Revoked},
};

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal, $words:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name { $(#[doc = $words] $variant,)* }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What it means, in words.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

table! {
    /// A check, in the order in which checks are made.
    Check {
        DecisionEntry = "decision.entry", "The decision stands in the log that you trust, under a checkpoint with the cosignatures that you demand.";
        DecisionRecord = "decision.record", "The decision's record is the one that the log committed to.";
        Released = "decision.affirming", "The decision was to release, and names the log that you trust.";
        ProofEntry = "proof.entry", "The proof's record stands in the log that you trust, under a checkpoint with the cosignatures that you demand.";
        ProofRecord = "proof.record", "The proof's record is the one that the log committed to.";
        ProofSigned = "proof.signed", "The key that the evidence vouches for has signed the proof's record.";
        ProofOfRelease = "proof.release", "The proof came of this very release: its session, statement and witness.";
        Statement = "statement", "The statement of what was run is the one that the decision names.";
        Challenge = "challenge", "The evidence answers a challenge that commits to a checkpoint of the log.";
        Evidence = "evidence", "The evidence and its endorsements are those that the decision names.";
        Policy = "policy", "The policy is the one that the decision names, and one that you approve.";
        Appraisal = "appraisal", "The evidence was appraised again, at its own time, on the silicon roots that you trust, and satisfies the policy.";
        Result = "appraisal.result", "That appraisal gives the result that was archived.";
        Release = "release.signed", "The release key that you trust has signed what was released, to whom, and on which evidence.";
        Verifier = "verifier", "The decision was made by a build that you accept.";
        Endorsements = "endorsements.age", "The revocation data was young enough for you.";
        Time = "time", "The decision was made between two instants that others than the operator vouch for.";
        Proof = "proof.verified", "The proof verifies, under a verifying key that you trust.";
    }
}

table! {
    /// A stable code for one way in which a bundle fails. Codes are never renamed or reused.
    BundleCode {
        Malformed = "bundle.malformed", "The file is not a bundle.";
        Leaf = "bundle.leaf", "A leaf is not an entry of the ledger.";
        EntryType = "bundle.entry_type", "An entry is of another type than its place in the bundle demands.";
        TlogProof = "bundle.tlog_proof", "A proof of inclusion cannot be read.";
        Checkpoint = "bundle.checkpoint", "A checkpoint is not signed by the log that you trust.";
        Quorum = "bundle.quorum", "Too few of your cosigners have seen a checkpoint.";
        Inclusion = "bundle.inclusion", "An entry does not stand in the log where its proof says.";
        Commitment = "bundle.commitment", "A record is not the one that the log committed to.";
        Record = "bundle.record", "A record cannot be read.";
        Denied = "bundle.denied", "The decision was not to release.";
        Origin = "bundle.origin", "The evidence was made for another log.";
        ReleaseLink = "bundle.release_link", "The proof's record names another release.";
        ProofSession = "bundle.proof_session", "The proof's record names another session, statement, witness or project than the release.";
        ProofSignature = "bundle.proof_signature", "The key that the evidence vouches for has not signed the proof's record.";
        Order = "bundle.order", "The proof is recorded before its release, or the decision before its challenge.";
        Future = "bundle.future", "Something is recorded after the instant of this verification.";
        Statement = "bundle.statement", "The statement is not the one that the decision names.";
        Witness = "bundle.witness", "The statement names another witness than the decision.";
        ChallengeCheckpoint = "bundle.challenge_checkpoint", "The challenge's checkpoint is not the one that the decision names.";
        Nonce = "bundle.nonce", "The evidence answers another challenge.";
        ChallengeUntrusted = "bundle.challenge_untrusted", "The challenge's checkpoint is not one that you trust.";
        Evidence = "bundle.evidence", "The evidence is not that which the decision names.";
        EvidenceId = "bundle.evidence_id", "The evidence has another identity than the decision says.";
        Endorsements = "bundle.endorsements", "The endorsements are not those that the decision names.";
        PolicyText = "bundle.policy_text", "The policy's text is not the one that the decision names.";
        PolicyDigest = "bundle.policy_digest", "The policy's text does not have the digest that the decision names.";
        PolicyUntrusted = "bundle.policy_untrusted", "The policy is not one that you approve.";
        RootUntrusted = "bundle.root_untrusted", "The evidence rests on a silicon root that you do not trust.";
        Appraisal = "bundle.appraisal", "The evidence does not satisfy the policy when it is appraised again.";
        Simulated = "bundle.simulated", "A simulator made the evidence; no hardware stands behind it.";
        Result = "bundle.result", "The archived result is not the one that the decision names.";
        ResultDiffers = "bundle.result_differs", "Appraised again, the evidence gives another result than the archived one.";
        Terms = "bundle.terms", "The terms of the release contradict the decision.";
        ReleaseSignature = "bundle.release_signature", "No release key that you trust has signed the release.";
        Verifier = "bundle.verifier", "The decision was made by a build that you do not accept.";
        EndorsementAge = "bundle.endorsement_age", "The revocation data was older than you accept.";
        TimeOperator = "bundle.time_operator", "Only the operator vouches for the time.";
        TimeWindow = "bundle.time_window", "The recorded time lies outside what the cosigners vouch for.";
        NoProof = "bundle.no_proof", "The command failed, and there is no proof.";
        ProofDocuments = "bundle.proof_documents", "A document of the proof is not the one that its record names.";
        ProofRefused = "bundle.proof_refused", "The proof does not verify.";
        VerifyingKey = "bundle.verifying_key", "The verifying key is not one that you trust.";
        VerifyingKeyWeak = "bundle.verifying_key_weak", "Under this verifying key anything can be proved.";
        ProofNotAllowed = "bundle.proof_not_allowed", "The policy does not allow that proof system with that verifying key.";
        Finding = "bundle.finding", "The record says something else about the proof than it verifies to.";
    }
}

/// What no bundle shows, whatever it verifies to. It stands beside every verdict.
pub const NEVER_SHOWN: &[&str] = &[
    "That no copy of the witness exists elsewhere, or who made it.",
    "That this very command computed this very proof: attested code ran it, and these bytes came out.",
    "That the circuit means what its name says, or that its setup was sound.",
    "That nothing was revoked after this bundle was made.",
];

/// What is not shown besides where a token speaks for the machine.
pub const NEVER_SHOWN_BY_TOKENS: &str = "What hardware ran this: a token is the word of the service that issued it.";

/// A check that was made and holds, or could not be made.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// What is shown; or why it is not.
    pub words: String,
}

/// A check that failed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct BundleReason {
    /// The stable code.
    pub code: BundleCode,
    /// What happened.
    pub detail: String,
    /// What the bundle has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have: Option<String>,
    /// What would have been accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<String>,
}

impl BundleReason {
    /// A reason whose sentence is the code's own.
    #[must_use]
    pub fn of(code: BundleCode) -> Self {
        Self { code, detail: code.words().to_owned(), have: None, need: None }
    }

    /// The same with the cause.
    #[must_use]
    pub fn because(self, cause: impl fmt::Display) -> Self {
        Self { detail: format!("{} {cause}", self.detail), ..self }
    }

    /// The same with what the bundle has, and what would have been accepted.
    #[must_use]
    pub fn values(self, have: impl fmt::Display, need: impl fmt::Display) -> Self {
        Self { have: Some(have.to_string()), need: Some(need.to_string()), ..self }
    }
}

/// Something revoked since.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedSince {
    /// What.
    pub what: Revoked,
    /// When.
    pub at: Timestamp,
    /// Why, in the words of whoever revoked it.
    pub why: String,
}

impl Serialize for RevokedSince {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { what, at, why } = self;
        let mut object = serializer.serialize_struct("RevokedSince", 3)?;
        object.serialize_field("what", what.as_str())?;
        object.serialize_field("at", at)?;
        object.serialize_field("why", why)?;
        object.end()
    }
}

/// Between which instants others vouch that the decision was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct TimeWindow {
    /// Not before: the last cosignature of the challenge's checkpoint.
    pub after: Timestamp,
    /// Not after: the first cosignature of the decision's checkpoint.
    pub before: Timestamp,
}

/// What the bundle's records say, where they are what the log committed to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trail {
    /// The decision's entry and its place in the log.
    pub decision_entry: Option<(Entry, u64)>,
    /// The proof's entry and its place in the log.
    pub proof_entry: Option<(Entry, u64)>,
    /// The decision.
    pub decision: Option<DecisionRecord>,
    /// The registered proof.
    pub proof: Option<ProofEntry>,
    /// What the agent signed, once its signature verified.
    pub signed: Option<ProofRecord>,
    /// The statement.
    pub statement: Option<Statement>,
    /// The roots that the evidence rests on, by SHA-256 in hexadecimal: silicon roots, and roots or keys of token issuers.
    pub roots: Vec<String>,
}

impl Trail {
    /// Whether a token speaks for the machine, and not its hardware.
    #[must_use]
    pub fn rests_on_token(&self) -> bool {
        let kinds = self.decision.iter().flat_map(|decision| decision.evidence.iter().map(|piece| piece.id.kind));
        let kinds: Vec<_> = kinds.collect();
        primary_of(kinds.iter().copied()).and_then(|at| kinds.get(at)).is_some_and(|kind| kind.is_token())
    }
}

/// What came of a verification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    /// What is shown, in the order of the checks.
    pub shown: Vec<Finding>,
    /// What is not shown, because something is missing or failed before.
    pub not_shown: Vec<Finding>,
    /// What failed.
    pub reasons: Vec<BundleReason>,
    /// What was revoked since; it does not change what was true then.
    pub revoked_since: Vec<RevokedSince>,
    /// When the decision was made, as others vouch.
    pub time: Option<TimeWindow>,
    /// Whether a simulator made the evidence.
    pub simulated: bool,
    /// What the records say.
    pub trail: Trail,
}

impl Verification {
    /// The outcome for a file that is not a bundle.
    #[must_use]
    pub fn malformed(error: &prooftrail_protocol::Malformed) -> Self {
        let reason = BundleReason::of(BundleCode::Malformed).because(error);
        Self { reasons: vec![reason], ..Self::default() }
    }

    /// What nothing here can show.
    #[must_use]
    pub fn never_shown(&self) -> Vec<&'static str> {
        let of_token = self.trail.rests_on_token().then_some(NEVER_SHOWN_BY_TOKENS);
        NEVER_SHOWN.iter().copied().chain(of_token).collect()
    }

    /// Affirming if every check was made and holds, and nothing was revoked since.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let has_nothing = self.shown.is_empty();
        let objections = !self.not_shown.is_empty() || !self.reasons.is_empty() || !self.revoked_since.is_empty();
        if has_nothing || objections { Verdict::Refused } else { Verdict::Affirming }
    }

    /// Whether the check was made and holds.
    #[must_use]
    pub fn shows(&self, check: Check) -> bool {
        self.shown.iter().any(|finding| finding.check == check)
    }
}

impl Serialize for Verification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { shown, not_shown, reasons, revoked_since, time, simulated, trail: _ } = self;
        let mut object = serializer.serialize_struct("Verification", 8)?;
        object.serialize_field("verdict", &self.verdict())?;
        object.serialize_field("simulated", simulated)?;
        object.serialize_field("time", time)?;
        object.serialize_field("shown", shown)?;
        object.serialize_field("not_shown", not_shown)?;
        object.serialize_field("reasons", reasons)?;
        object.serialize_field("revoked_since", revoked_since)?;
        object.serialize_field("never_shown", &self.never_shown())?;
        object.end()
    }
}
