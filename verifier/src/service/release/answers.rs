//! What a request is answered, once and again. In: a decision that stands in the ledger; out: the answer; and, for a
//! retry with the same bytes before the challenge has ended, that answer again, from whichever replica. Any other use of
//! the challenge is refused with 409.
//!
//! A retry gets the same sealed key, terms, signature and entry. The checkpoint beside them may be a later one.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{Bytes, Data},
};
use prooftrail_protocol::{
    sha256,
    wire::{AppraisalResponse, Digest48, LedgerPlace, Problem as WireProblem},
};
use prooftrail_release::{Committed, Denial, Pending, Receipt, SealedKey};
use prooftrail_result::{Reason, ReasonCode};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refuse_for;
use crate::log::sequencer::AppendError;
use crate::{
    log::sequencer::Appended,
    service::{governance, problem::Problem, state::State},
    store::{StoreError, on},
};

/// Answers that are kept in memory: about 8 MiB.
const ANSWERS: usize = 2048;

/// How long a retry waits until a checkpoint covers what another replica has appended.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be answered, once it is committed.
pub(super) enum Answer {
    /// A released key.
    Released(Box<SealedKey<Pending>>),
    /// A denial.
    Denied(Denied),
    /// A verdict.
    Appraised(Appraised),
}

/// A denial, as it is stored.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Denied {
    status: u16,
    code: String,
    detail: String,
    reasons: Vec<Value>,
}

/// A verdict, as it is stored.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Appraised {
    pub(super) result: Value,
    pub(super) policy_digest: Digest48,
    pub(super) platform: Option<String>,
}

/// An answer.
#[derive(Clone)]
pub(super) enum Reply {
    /// Of what was done: JSON.
    Done(Bytes),
    /// Of a denial.
    Denied(Box<Problem>),
}

impl Reply {
    /// As it is sent.
    ///
    /// # Errors
    /// The denial.
    pub(super) fn respond(self) -> Result<HttpResponse, Problem> {
        match self {
            Self::Done(body) => Ok(HttpResponse::Ok()
                .content_type("application/json")
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body(body)),
            Self::Denied(problem) => Err(*problem),
        }
    }
}

impl From<&Denial> for Denied {
    fn from(denial: &Denial) -> Self {
        let WireProblem { status, code, detail, reasons, .. } = denial.problem();
        Self { status, code, detail, reasons: reasons.iter().map(|reason| json!(reason)).collect() }
    }
}

impl From<Denied> for Problem {
    fn from(Denied { status, code, detail, reasons }: Denied) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), code, detail).with_reasons(reasons)
    }
}

/// The forms of stored answers.
const RELEASED: i64 = 0;
const DENIED: i64 = 1;
const APPRAISED: i64 = 2;

impl Answer {
    /// Form and bytes, as they are stored.
    ///
    /// # Errors
    /// [`serde_json::Error`].
    pub(super) fn to_store(&self) -> serde_json::Result<(i64, Vec<u8>)> {
        Ok(match self {
            Self::Released(sealed) => (RELEASED, sealed.to_store()),
            Self::Denied(denied) => (DENIED, serde_json::to_vec(denied)?),
            Self::Appraised(appraised) => (APPRAISED, serde_json::to_vec(appraised)?),
        })
    }

    /// The reply, once the entry stands at `place`.
    ///
    /// # Errors
    /// A defect of ours.
    pub(super) fn reply(self, place: LedgerPlace) -> Result<Reply, Problem> {
        match self {
            Self::Released(sealed) => {
                let sealed_sha256 = sealed.sealed_sha256();
                released(&sealed.commit(Receipt { place, sealed_sha256 }).map_err(|error| defect(&error))?)
            }
            Self::Denied(denied) => Ok(Reply::Denied(Box::new(denied.into()))),
            Self::Appraised(appraised) => appraised.reply(place),
        }
    }
}

fn released(sealed: &SealedKey<Committed>) -> Result<Reply, Problem> {
    done(&sealed.response())
}

impl Appraised {
    fn reply(self, ledger: LedgerPlace) -> Result<Reply, Problem> {
        let Self { result, policy_digest, platform } = self;
        done(&AppraisalResponse { result, policy_digest, platform, ledger })
    }
}

fn done(body: &impl Serialize) -> Result<Reply, Problem> {
    Ok(Reply::Done(serde_json::to_vec(body).map_err(|error| defect(&error))?.into()))
}

fn defect(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "an answer cannot be made");
    Problem::internal()
}

/// Where what was appended stands.
pub(super) fn place(appended: &Appended) -> LedgerPlace {
    LedgerPlace {
        leaf_index: appended.receipt.index,
        leaf: appended.receipt.entry.encode().into(),
        checkpoint: appended.head.note.to_string(),
        proof: None,
    }
}

/// Where an entry stands that was appended before, perhaps by another replica.
///
/// # Errors
/// 503 while no checkpoint covers it.
pub(super) async fn place_of(state: &State, index: u64) -> Result<LedgerPlace, Problem> {
    let mut status = state.sequencer.status();
    let covered = status.wait_for(|status| status.frozen.is_some() || status.head.head.size() > index);
    let checkpoint = match tokio::time::timeout(PATIENCE, covered).await {
        Ok(Ok(status)) => match &status.frozen {
            Some(freeze) => return Err(governance::problem(AppendError::Frozen(freeze.clone()))),
            None => status.head.note.to_string(),
        },
        Ok(Err(_)) => return Err(governance::problem(AppendError::Stopped)),
        Err(_) => return Err(Problem::unavailable("ledger.behind", "no checkpoint covers the entry yet; ask again")),
    };
    let leaf = state.log.entries(index, index.saturating_add(1)).await?.into_iter().next();
    let leaf = leaf.ok_or(StoreError::Corrupt { what: "log_batch" })?;
    Ok(LedgerPlace { leaf_index: index, leaf: leaf.into(), checkpoint, proof: None })
}

/// Answers that were given by this process, for retries.
pub(super) struct Answered(Cache<[u8; 32], Arc<([u8; 32], Reply)>>);

impl Default for Answered {
    fn default() -> Self {
        Self(Cache::new(ANSWERS))
    }
}

impl Answered {
    /// Keeps an answer to the request `id` whose bytes have the digest `sha256`.
    pub(super) fn keep(&self, id: [u8; 32], sha256: [u8; 32], reply: Reply) {
        self.0.insert(id, Arc::new((sha256, reply)));
    }

    /// The answer that was given to the request `id`, if it was given by this process and not too long ago.
    ///
    /// # Errors
    /// 409 if the request had other bytes.
    pub(super) fn find(&self, state: &State, id: &[u8; 32], sha256: &[u8; 32]) -> Result<Option<Reply>, Problem> {
        match self.0.get(id).as_deref() {
            Some((known, reply)) if known == sha256 => Ok(Some(reply.clone())),
            Some(_) => Err(spent(state)),
            None => Ok(None),
        }
    }
}

/// A row of `spent_challenge`: digest of the request, entry, form, answer.
type Row = (Vec<u8>, i64, i64, Vec<u8>);

/// The answer that the store has for the request `id`, which stands in the log.
///
/// # Errors
/// 409 if the request had other bytes, or was answered too long ago; 503.
pub(super) async fn stored(state: &Data<State>, id: [u8; 32], request_sha256: [u8; 32]) -> Result<Reply, Problem> {
    const STORED: &str = "-- answer_stored\nSELECT request_sha256, entry_index, form, answer FROM spent_challenge \
         WHERE request_id = $1";
    let row: Option<Row> = on!(state.store.db(), pool => {
        sqlx::query_as(STORED).bind(id.as_slice()).fetch_optional(pool).await
    })?;
    let Some((known, index, form, answer)) = row.filter(|(known, ..)| *known == request_sha256) else {
        return Err(spent(state));
    };
    let corrupt = || Problem::from(StoreError::Corrupt { what: "spent_challenge.answer" });
    let place = place_of(state, u64::try_from(index).unwrap_or(u64::MAX)).await?;
    let reply = match form {
        RELEASED => {
            let sealed = answer.first_chunk::<64>().ok_or_else(corrupt)?;
            let receipt = Receipt { place, sealed_sha256: sha256(&[sealed]) };
            let sealed = SealedKey::from_store(&answer, &state.releases.release_public, receipt);
            released(&sealed.map_err(|_| corrupt())?)?
        }
        DENIED => {
            let denied: Denied = serde_json::from_slice(&answer).map_err(|_| corrupt())?;
            Reply::Denied(Box::new(denied.into()))
        }
        APPRAISED => serde_json::from_slice::<Appraised>(&answer).map_err(|_| corrupt())?.reply(place)?,
        _ => return Err(corrupt()),
    };
    drop(known);
    state.releases.answered.keep(id, request_sha256, reply.clone());
    Ok(reply)
}

fn spent(state: &State) -> Problem {
    refuse_for(state, Reason::from(ReasonCode::ChallengeSpent))
}

/// Removes answers whose challenges have ended; gives how many. The log itself never takes a request twice, so nothing
/// rests on these rows but the answers to retries.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_ended(state: &crate::store::Store, now: i64) -> Result<u64, StoreError> {
    const FORGET: &str = "-- answers_forget\nDELETE FROM spent_challenge WHERE expires < $1";
    Ok(on!(state.db(), pool => sqlx::query(FORGET).bind(now).execute(pool).await?.rows_affected()))
}
