//! From an inquiry to an answer. The order of effects is the design (docs/release.md):
//!
//! ```text
//! appraise ─ seal in memory ─ one transaction ─ answer
//!    ↑          (nothing left memory)   │  entry with SHA-256(sealed), record, decision, spent challenge, answer
//!    └── the governance epoch is another one now
//! ```

use std::sync::Arc;

use actix_web::web::{self, Data};
use prooftrail_evidence::AwsLc;
use prooftrail_protocol::{ReleaseId, wire::Digest48};
use prooftrail_release::{Asked, Denial, Question, Sealing, Surroundings};
use prooftrail_result::{Kind, ReasonCode, Timestamp};

use super::{
    OPENS_SECONDS, PROOFS_MILLIS, Releases,
    answers::{self, Answer, Appraised, Denied, Reply},
    chance::SystemChance,
    governed::Governed,
    inquiry::{Inquiry, Subject},
    now,
    record::{Appraisal, Decision, RecordError},
    refuse, refuse_for,
    rows::{DecisionRow, DecisionRows, SpentRow, VOID},
    session_rows::TurnRows,
    supply::{self, Supplied},
};
use crate::{
    archive::Archive,
    log::{
        batch::{Request, RequestId, SideRows},
        entry::{Draft, EntryType},
        sequencer::AppendError,
    },
    service::{
        governance::{self, Refused},
        keyring::random,
        problem::Problem,
        state::State,
    },
};

/// How often a decision is made again when policies or keys change meanwhile.
const DECISIONS: usize = 8;

/// What was made of an inquiry in memory.
enum Made {
    /// A decision that is to be entered, and what is then answered.
    Decision {
        rows: Box<DecisionRows>,
        answer: Answer,
        /// Whether nothing but absent claims stands against the evidence.
        lacks_claims_only: bool,
    },
    /// A denial that makes no entry: the evidence is not authentic.
    NotAuthentic(Denial),
}

/// Answers an inquiry.
///
/// # Errors
/// What is answered instead.
pub(super) async fn decide(state: &Data<State>, inquiry: Inquiry) -> Result<Reply, Problem> {
    let Releases { answered, governed: cache, .. } = &state.releases;
    let (id, sha256) = (inquiry.request_id, inquiry.request_sha256);
    if let Some(reply) = answered.find(state, &id, &sha256)? {
        return Ok(reply);
    }
    let inquiry = Arc::new(inquiry);
    for _ in 0..DECISIONS {
        let governed = cache.get(state, &inquiry.project, &inquiry.subject).await?;
        let (rows, answer) = match make_supplied(state, &inquiry, &governed).await? {
            Made::Decision { rows, answer, .. } => (rows, answer),
            Made::NotAuthentic(denial) => {
                // What was refused under an old policy may not be under the new one.
                if governance::epoch(&state.store, &inquiry.project).await? == Some(governed.epoch) {
                    return Err(refuse(state, &denial));
                }
                cache.forget(&inquiry.project, &inquiry.subject);
                continue;
            }
        };
        let draft = Draft { entry_type: EntryType::Decision, commitment: rows.filing.commitment() };
        let side_rows: Arc<dyn SideRows> = match inquiry.turn {
            None => Arc::new(*rows),
            Some(turn) => Arc::new(TurnRows { session: turn.session.0, turn: turn.turn, decision: *rows }),
        };
        // Unique for ever in the log, whatever the project.
        let request_id = RequestId { project: String::new(), id };
        // A crash before the commit: the sealed key was only in memory. A crash after it: the entry stands, and the answer
        // with it, for the retry.
        let appended = state.sequencer.append(Request { id: request_id, draft, side_rows: Some(side_rows) }).await;
        return match appended {
            Ok(appended) => {
                let verdict = if matches!(answer, Answer::Denied(_)) { "denied" } else { "affirming" };
                metrics::counter!("prooftrail_decisions_total", "verdict" => verdict).increment(1);
                let reply = answer.reply(answers::place(&appended))?;
                answered.keep(id, sha256, reply.clone());
                Ok(reply)
            }
            // The challenge was redeemed before, or just now by another replica.
            Err(AppendError::RequestReused) => answers::stored(state, id, sha256).await,
            Err(AppendError::Refused(refusal)) => match refusal.0.downcast_ref::<Refused>().map(|refused| refused.code)
            {
                Some("governance.overtaken") => {
                    cache.forget(&inquiry.project, &inquiry.subject);
                    continue;
                }
                Some(VOID) => Err(refuse_for(state, ReasonCode::ChallengeVoid.into())),
                Some("release.session_ended") => Err(refuse_for(state, ReasonCode::ReleaseSessionEnded.into())),
                _ => Err(governance::problem(AppendError::Refused(refusal))),
            },
            Err(error) => Err(governance::problem(error)),
        };
    }
    Err(Problem::unavailable("governance.busy", "policies and keys are being changed; ask again"))
}

/// Makes the decision with everything that is at hand, and again with what vendors have where that is not all.
async fn make_supplied(state: &Data<State>, inquiry: &Arc<Inquiry>, governed: &Arc<Governed>) -> Result<Made, Problem> {
    let Supplied { inquiry, mut missing, renewable } = supply::at_hand(state, inquiry, governed)?;
    let made = make(state, &inquiry, governed).await?;
    let is_worth_asking = match &made {
        Made::Decision { .. } => true,
        Made::NotAuthentic(denial) => {
            missing.extend(renewable.into_iter().filter(|_| supply::is_key_unknown(denial)));
            supply::is_curable(denial)
        }
    };
    if missing.is_empty() || !is_worth_asking {
        return Ok(made);
    }
    // What was made so far was in memory only.
    let (supplied, failures) = supply::ask(state, &inquiry, governed, &missing).await?;
    let made = if Arc::ptr_eq(&supplied, &inquiry) { made } else { make(state, &supplied, governed).await? };
    let is_for_want_of_an_answer = match &made {
        Made::NotAuthentic(denial) => !failures.is_empty() && supply::is_curable(denial),
        // A denial is about the evidence, and stays in the log.
        Made::Decision { lacks_claims_only, .. } => *lacks_claims_only && supply::lack_reference_values(&failures),
    };
    if is_for_want_of_an_answer { Err(supply::unavailable(&failures)) } else { Ok(made) }
}

/// Makes the decision, beside the other requests where that takes long.
async fn make(state: &Data<State>, inquiry: &Arc<Inquiry>, governed: &Arc<Governed>) -> Result<Made, Problem> {
    let at = now(state);
    let made = if inquiry.is_heavy() {
        let permit = state.releases.heavy.clone().acquire_owned().await.map_err(|_| Problem::internal())?;
        let (state, inquiry, governed) = (state.clone(), inquiry.clone(), governed.clone());
        let work = web::block(move || {
            let made = make_now(&state, &inquiry, &governed, at);
            drop(permit);
            made
        });
        work.await.map_err(|_| Problem::internal())?
    } else {
        make_now(state, inquiry, governed, at)
    };
    made.map_err(|error| {
        tracing::error!(%error, "a decision cannot be recorded");
        Problem::internal()
    })
}

fn make_now(state: &State, inquiry: &Inquiry, governed: &Governed, at: Timestamp) -> Result<Made, RecordError> {
    let evidence: Vec<(Kind, &[u8])> = inquiry.evidence.iter().map(|(kind, bytes)| (*kind, &**bytes)).collect();
    let question = Question {
        challenge: &inquiry.challenge,
        log_origin: &state.releases.origin,
        purpose: inquiry.purpose,
        key: match &inquiry.subject {
            Subject::Key(key) => Some(key),
            Subject::Policy(_) => None,
        },
        suite: inquiry.suite,
        recipient: inquiry.recipient,
        proof_key: inquiry.proof_key,
        statement: &inquiry.statement,
        witness_header: inquiry.witness_header.as_deref(),
        evidence: &evidence,
        endorsements: &inquiry.endorsements,
    };
    let surroundings =
        Surroundings { policy: &governed.policy, roots: &state.roots, crypto: &AwsLc, issuers: &state.verified, at };
    let making = Making { state, inquiry, governed, id: ReleaseId(chance_id()?), at };
    let attested = match question.answer(&surroundings) {
        Ok(attested) => attested,
        Err(denial) => return making.denial(denial),
    };
    let asked = attested.asked().clone();
    let appraisal = Appraisal::of(attested.affirming().result())?;
    let (Some(witness_key), Some(header)) = (&governed.witness_key, &inquiry.witness_header) else {
        let answer = Answer::Appraised(Appraised {
            result: serde_json::from_slice(appraisal.json()).map_err(|_| RecordError::Result)?,
            policy_digest: Digest48(attested.affirming().policy_digest()),
            platform: attested.affirming().platform().map(str::to_owned),
        });
        return making.decision(&asked, appraisal, answer);
    };
    let sealing = Sealing {
        witness_key,
        release_key: &state.releases.release_key,
        release_id: making.id,
        header,
        at,
        expires: making.opens_until(),
    };
    match attested.seal(sealing, &mut SystemChance) {
        Ok(sealed) => making.decision(&asked, appraisal, Answer::Released(Box::new(sealed))),
        Err(denial) => making.denial(denial),
    }
}

fn chance_id() -> Result<[u8; 16], RecordError> {
    Ok(*random::<16>().map_err(|_| RecordError::Filing(crate::archive::FilingError::Random))?)
}

/// A decision in the making.
struct Making<'a> {
    state: &'a State,
    inquiry: &'a Inquiry,
    governed: &'a Governed,
    id: ReleaseId,
    at: Timestamp,
}

impl Making<'_> {
    /// When what is released ends at the latest: a session's further witnesses end with it.
    fn opens_until(&self) -> Timestamp {
        let lasts = self.at.saturating_add_seconds(OPENS_SECONDS);
        self.inquiry.turn.map_or(lasts, |turn| turn.opens_until.min(lasts))
    }

    fn denial(&self, denial: Denial) -> Result<Made, RecordError> {
        match (denial.is_authentic(), &denial.result, &denial.asked) {
            (true, Some(result), Some(asked)) => {
                let appraisal = Appraisal::of(result)?;
                let answer = Answer::Denied(Denied::from(&denial));
                self.made(asked, appraisal, &denial.reasons, answer)
            }
            _ => Ok(Made::NotAuthentic(denial)),
        }
    }

    fn decision(&self, asked: &Asked, appraisal: Appraisal, answer: Answer) -> Result<Made, RecordError> {
        self.made(asked, appraisal, &[], answer)
    }

    fn made(
        &self,
        asked: &Asked,
        appraisal: Appraisal,
        reasons: &[prooftrail_result::Reason],
        answer: Answer,
    ) -> Result<Made, RecordError> {
        let Self { state, inquiry, governed, id, at } = *self;
        let sealed = match &answer {
            Answer::Released(sealed) => Some(&**sealed),
            Answer::Denied(_) | Answer::Appraised(_) => None,
        };
        let opens_until = sealed.map_or(at, |sealed| sealed.terms().expires).unix_millis();
        let session = sealed.map(|_| inquiry.turn.map_or(id, |turn| turn.session).0);
        let (form, stored) = answer.to_store().map_err(|_| RecordError::Result)?;
        let trusted_roots = &state.releases.trusted_roots;
        let decision = Decision { id, asked, appraisal, reasons, sealed, trusted_roots, at };
        let (key_name, key_version) = match &inquiry.subject {
            Subject::Key(key) => (Some(key.name.as_str().to_owned()), i64::try_from(key.version).ok()),
            Subject::Policy(_) => (None, None),
        };
        let first = reasons.iter().min_by_key(|reason| reason.stage());
        let rows = DecisionRows {
            log_id: state.log.id(),
            archive: Archive::of(&state.log),
            filing: decision.filing(inquiry, governed)?,
            epoch: governed.epoch,
            recovery_epoch: i64::try_from(inquiry.challenge.recovery_epoch()).unwrap_or(i64::MAX),
            decision: DecisionRow {
                release_id: id.0,
                project: inquiry.project.clone(),
                purpose: inquiry.purpose.as_str(),
                reason: first.map(|reason| reason.code.as_str()),
                key_name,
                key_version,
                policy_name: governed.policy_name.clone(),
                policy_version: governed.policy_version,
                statement_sha384: prooftrail_protocol::sha384(&[&inquiry.statement]),
                header_sha384: asked.header_sha384,
                session,
                turn: inquiry.turn.map_or(0, |turn| i64::try_from(turn.turn).unwrap_or(i64::MAX)),
                proof_key: *inquiry.proof_key.as_bytes(),
                opens_until,
                proofs_until: at.unix_millis().saturating_add(PROOFS_MILLIS),
            },
            spent: SpentRow {
                request_id: inquiry.request_id,
                request_sha256: inquiry.request_sha256,
                form,
                answer: stored,
                expires: inquiry.expires.unix_millis(),
            },
        };
        let lacks_claims_only =
            first.is_some() && reasons.iter().all(|reason| reason.code == ReasonCode::PolicyClaimAbsent);
        Ok(Made::Decision { rows: Box::new(rows), answer, lacks_claims_only })
    }
}
