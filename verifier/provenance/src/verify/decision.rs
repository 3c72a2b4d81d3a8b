//! The decision: what it names by digest must be what the bundle carries, and must say what the decision says.

use prooftrail_protocol::{Context, KeyRef, Nonce, ReleaseTerms, Statement, sha256, sha384};
use prooftrail_result::Verdict;

use super::{DEPENDS, Decided, WITHHELD, Walk};
use crate::{
    record::{DecisionRecord, RecordedRelease},
    verification::{BundleCode, BundleReason, Check},
};

/// The checks that need the decision's record.
pub(super) const CHECKS: &[Check] = &[
    Check::Released,
    Check::Statement,
    Check::Challenge,
    Check::Evidence,
    Check::Policy,
    Check::Appraisal,
    Check::Result,
    Check::Release,
    Check::Verifier,
    Check::Endorsements,
    Check::Time,
];

impl Walk<'_> {
    pub(super) fn judge_decision(&mut self, decided: &Decided) {
        let record = &decided.record;
        self.note(Check::Released, self.is_release(decided));
        self.judge_statement(record);
        let challenge = self.judge_challenge(decided);
        self.judge_appraisal(record, challenge);
        self.judge_release(record);
        let accepted = match &self.trust.verifiers {
            Some(accepted) if !accepted.contains(&record.verifier) => {
                Err(BundleReason::of(BundleCode::Verifier).values(&record.verifier, accepted.join(", ")))
            }
            _ => Ok(()),
        };
        self.note(Check::Verifier, accepted);
        self.judge_time(decided);
    }

    fn is_release(&self, decided: &Decided) -> Result<(), BundleReason> {
        let DecisionRecord { verdict, reasons, context, at, .. } = &decided.record;
        if *verdict != Verdict::Affirming {
            let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
            return Err(BundleReason::of(BundleCode::Denied).values(codes.join(", "), "affirming"));
        }
        let (have, need) = (context.log_origin.as_str(), decided.placed.checkpoint.checkpoint.origin());
        if have != need {
            return Err(BundleReason::of(BundleCode::Origin).values(have, need));
        }
        if *at > self.surroundings.at {
            return Err(BundleReason::of(BundleCode::Future).values(at, self.surroundings.at));
        }
        Ok(())
    }

    fn judge_statement(&mut self, record: &DecisionRecord) {
        let Some(bytes) = &self.bundle.statement else { return self.not_shown(Check::Statement, WITHHELD) };
        let read = || {
            if sha384(&[&bytes.0]) != record.statement_sha384 {
                return Err(BundleReason::of(BundleCode::Statement));
            }
            let statement = Statement::decode(&bytes.0)
                .map_err(|malformed| BundleReason::of(BundleCode::Statement).because(malformed))?;
            let named = statement.witness_header_sha384;
            if named.is_some() && named != record.witness_header_sha384 {
                return Err(BundleReason::of(BundleCode::Witness));
            }
            Ok(statement)
        };
        self.found.trail.statement = self.value(Check::Statement, read());
    }

    /// That the nonce is that of the challenge; true if it is.
    fn judge_challenge(&mut self, decided: &Decided) -> bool {
        let DecisionRecord { challenge, context, .. } = &decided.record;
        let Some(checkpoint) = &self.bundle.checkpoint else {
            self.not_shown(Check::Challenge, WITHHELD);
            return false;
        };
        let is_challenge = if sha256(&[checkpoint.as_bytes()]) != challenge.checkpoint_sha256 {
            Err(BundleReason::of(BundleCode::ChallengeCheckpoint))
        } else if Nonce::of(&challenge.random, checkpoint, challenge.recovery_epoch) != context.nonce {
            Err(BundleReason::of(BundleCode::Nonce))
        } else {
            Ok(())
        };
        self.note(Check::Challenge, is_challenge)
    }

    fn judge_release(&mut self, record: &DecisionRecord) {
        let Some(release) = &record.release else {
            return self.not_shown(Check::Release, "Nothing was released.");
        };
        let signed = || {
            let RecordedRelease { terms, sealed_sha256, signature } = release;
            let read = ReleaseTerms::decode(terms);
            let read = read.map_err(|malformed| BundleReason::of(BundleCode::Terms).because(malformed))?;
            same_terms(&read, record)?;
            let keys = &self.trust.release_keys;
            let is_signed = keys.iter().any(|key| key.verify_digest(terms, sealed_sha256, signature).is_ok());
            if is_signed { Ok(()) } else { Err(BundleReason::of(BundleCode::ReleaseSignature)) }
        };
        let signed = signed();
        self.note(Check::Release, signed);
    }

    /// Notes that the appraisal and what follows from it cannot be shown.
    pub(super) fn no_appraisal(&mut self, why: Option<&str>) {
        for check in [Check::Appraisal, Check::Result, Check::Endorsements] {
            self.not_shown(check, why.unwrap_or(DEPENDS));
        }
    }
}

/// Compares every field of the terms with the decision's, named one by one so that a new one cannot be forgotten here.
fn same_terms(terms: &ReleaseTerms, record: &DecisionRecord) -> Result<(), BundleReason> {
    let ReleaseTerms {
        origin,
        release_id,
        context_sha384,
        key,
        purpose,
        policy_digest,
        evidence,
        header_sha384,
        expires,
    } = terms;
    let Context { log_origin, purpose: asked, key: asked_key, .. } = &record.context;
    let same = [
        ("origin", origin == log_origin),
        ("release id", *release_id == record.release_id),
        ("context", *context_sha384 == record.context.sha384()),
        ("key", Some(key) == asked_key.as_ref().map(|key: &KeyRef| key)),
        ("purpose", purpose == asked),
        ("policy", *policy_digest == record.policy.digest),
        ("evidence", evidence.iter().eq(record.evidence.iter().map(|piece| &piece.id))),
        ("witness header", Some(*header_sha384) == record.witness_header_sha384),
        ("expiry", *expires > record.at),
    ];
    match same.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(BundleReason::of(BundleCode::Terms).because(format_args!("Field: {field}."))),
        None => Ok(()),
    }
}
