//! Sessions: what follows a release. In: a session's id; out: what it may still do. And `POST /v1/releases/{session}`: a
//! further witness, asked for by the proof key that the first evidence carried, with the policy in force applied to that
//! evidence again.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::HttpResponse;
use prooftrail_evidence::EndorsementFile;
use prooftrail_protocol::{
    Challenge, ProofPublic, Purpose, ReleaseId, SessionRequest, sha256, sha384, wire::SessionReleaseRequest,
};
use prooftrail_provenance::DecisionRecord;
use prooftrail_result::{ReasonCode, Timestamp};

use super::{
    MAX_TURNS, answers,
    decide::decide,
    inquiry::{Inquiry, Subject, Turn},
    now, read, recovery_epoch, refuse_for,
};
use crate::{
    archive::{Archive, BlobId, Found, Kind, OpenedRecord, ReadError},
    service::{call::Call, problem::Problem, state::State},
    store::{StoreError, on},
};

/// A session, as the decision that opened it left it.
pub(super) struct Session {
    pub(super) id: ReleaseId,
    pub(super) entry_index: i64,
    pub(super) project: String,
    pub(super) purpose: String,
    pub(super) policy_name: String,
    pub(super) policy_version: i64,
    pub(super) statement_sha384: Vec<u8>,
    pub(super) proof_key: ProofPublic,
    pub(super) recovery_epoch: i64,
    pub(super) opens_until: Timestamp,
    pub(super) proofs_until: Timestamp,
    pub(super) next_turn: i64,
    pub(super) next_sequence: i64,
    pub(super) revoked: bool,
}

/// The columns of a session, in that order.
type Row = (i64, String, String, String, i64, Vec<u8>, Vec<u8>, i64, i64, i64, i64, i64, Option<i64>);

impl Session {
    /// The session `id`.
    ///
    /// # Errors
    /// 404, also for one of another project than the one that is named; 503.
    pub(super) async fn find(call: &Call, id: ReleaseId) -> Result<Self, Problem> {
        const FIND: &str = "-- session_find\nSELECT entry_index, project, purpose, policy_name, policy_version, \
             statement_sha384, proof_key, recovery_epoch, opens_until, proofs_until, next_turn, next_sequence, revoked \
             FROM decision WHERE release_id = $1 AND session = $1 AND log_id = $2";
        let state = &call.state;
        let row: Option<Row> = on!(state.store.db(), pool => {
            sqlx::query_as(FIND).bind(id.0.as_slice()).bind(state.log.id()).fetch_optional(pool).await
        })?;
        let row = row.filter(|(_, project, ..)| call.query.get("project").is_none_or(|named| named == project));
        let (
            entry_index,
            project,
            purpose,
            policy_name,
            policy_version,
            statement_sha384,
            proof_key,
            recovery_epoch,
            ..,
        ) = row.as_ref().ok_or_else(|| Problem::not_found("session"))?.clone();
        let Some((.., opens_until, proofs_until, next_turn, next_sequence, revoked)) = row else {
            return Err(Problem::not_found("session"));
        };
        let corrupt = |what| move || Problem::from(StoreError::Corrupt { what });
        let proof_key = <[u8; 32]>::try_from(proof_key).ok().and_then(|key| ProofPublic::from_bytes(&key).ok());
        let instant = |millis| Timestamp::from_unix_millis(millis).ok_or_else(corrupt("decision.time"));
        Ok(Self {
            id,
            entry_index,
            project,
            purpose,
            policy_name,
            policy_version,
            statement_sha384,
            proof_key: proof_key.ok_or_else(corrupt("decision.proof_key"))?,
            recovery_epoch,
            opens_until: instant(opens_until)?,
            proofs_until: instant(proofs_until)?,
            next_turn,
            next_sequence,
            revoked: revoked.is_some(),
        })
    }

    /// Refuses unless it is of this recovery epoch, was not revoked, and has not ended at `until`.
    pub(super) fn require_live(&self, state: &State, until: Timestamp) -> Result<(), Problem> {
        let same_epoch = u64::try_from(self.recovery_epoch) == Ok(recovery_epoch(state));
        if same_epoch && !self.revoked && now(state) < until {
            return Ok(());
        }
        Err(refuse_for(state, ReasonCode::ReleaseSessionEnded.into()))
    }
}

/// `POST /v1/releases/{session}`
///
/// # Errors
/// As `POST /v1/releases`; 404 for a session that is not there, 409 for a turn that is not the next.
pub async fn further(call: Call) -> Result<HttpResponse, Problem> {
    let request: SessionReleaseRequest = read(&call, "session release request")?;
    let SessionReleaseRequest { session: id, sequence, witness_header, signature } = request;
    if call.path("session") != id.to_string() {
        return Err(Problem::bad_request("request.session", "path and body name different sessions"));
    }
    let session = Session::find(&call, id).await?;
    let asked = SessionRequest { session: id, sequence, header_sha384: sha384(&[&witness_header.0]) };
    if session.proof_key.verify_request(&asked, &signature).is_err() {
        return Err(refuse_for(&call.state, ReasonCode::ReleaseSessionSignature.into()));
    }
    session.require_live(&call.state, session.opens_until)?;
    let request_id = sha256(&[b"prooftrail/session-release/v1\0", &id.0, &sequence.to_be_bytes()]);
    let request_sha256 = sha256(&[&call.body]);
    let turn = i64::try_from(sequence).unwrap_or(i64::MAX);
    if (1..session.next_turn).contains(&turn) {
        return answers::stored(&call.state, request_id, request_sha256).await?.respond();
    }
    if session.purpose != Purpose::Session.as_str() || turn != session.next_turn || sequence > MAX_TURNS {
        let detail = "the session opens no further witness, or this is not its next turn";
        return Err(Problem::conflict("release.session_turn", detail));
    }
    let kept = Kept::read(&call.state, &session).await?;
    let DecisionRecord { context, .. } = kept.record;
    let inquiry = Inquiry {
        project: session.project,
        request_id,
        request_sha256,
        challenge: kept.challenge,
        purpose: context.purpose,
        subject: Subject::Key(context.key.ok_or_else(Problem::internal)?),
        suite: context.suite,
        recipient: context.recipient,
        proof_key: context.proof_key,
        statement: kept.statement,
        witness_header: Some(witness_header.0),
        evidence: kept.evidence,
        endorsements: kept.endorsements,
        turn: Some(Turn { session: id, turn: sequence, opens_until: session.opens_until }),
        expires: session.opens_until,
    };
    decide(&call.state, inquiry).await?.respond()
}

/// What the archive kept of the request that opened a session.
struct Kept {
    record: DecisionRecord,
    challenge: Challenge,
    statement: Arc<[u8]>,
    evidence: Vec<(prooftrail_result::Kind, Arc<[u8]>)>,
    endorsements: Vec<EndorsementFile>,
}

impl Kept {
    async fn read(state: &State, session: &Session) -> Result<Self, Problem> {
        let archive = Archive::of(&state.log);
        let index = u64::try_from(session.entry_index).unwrap_or(u64::MAX);
        let opened = archive.open(&session.project, index).await.map_err(|error| read_problem(&error))?;
        // What was erased cannot be appraised again.
        let ended = || refuse_for(state, ReasonCode::ReleaseSessionEnded.into());
        let Some(OpenedRecord::Present { record, blobs, .. }) = opened else { return Err(ended()) };
        let record = DecisionRecord::decode(&record.bytes).map_err(|error| {
            tracing::error!(%error, index, "an archived record does not read");
            Problem::internal()
        })?;
        let mut contents: BTreeMap<BlobId, Arc<[u8]>> = BTreeMap::new();
        let mut statement = None;
        for id in blobs {
            let found = archive.blob(&session.project, id).await.map_err(|error| read_problem(&error))?;
            let Some(Found::Present { kind, content }) = found else { return Err(ended()) };
            let content: Arc<[u8]> = content.into();
            if kind == Kind::Statement && sha384(&[&content]) == record.statement_sha384 {
                statement = Some(content.clone());
            }
            contents.insert(id, content);
        }
        let content = |sha256: &[u8; 32]| contents.get(&BlobId::new(*sha256)).cloned().ok_or_else(ended);
        let evidence = record.evidence.iter().map(|piece| Ok((piece.id.kind, content(&piece.sha256)?)));
        let evidence = evidence.collect::<Result<_, Problem>>()?;
        let endorsements =
            record.endorsements.iter().map(|sha256| content(sha256).map(Into::into)).collect::<Result<_, _>>()?;
        let checkpoint = content(&record.challenge.checkpoint_sha256)?;
        let challenge = &record.challenge;
        let challenge = std::str::from_utf8(&checkpoint).ok().and_then(|checkpoint| {
            let (issued, expires) = (challenge.issued, challenge.expires);
            Challenge::new(challenge.random, checkpoint, challenge.recovery_epoch, issued, expires).ok()
        });
        Ok(Self {
            challenge: challenge.ok_or_else(Problem::internal)?,
            statement: statement.ok_or_else(ended)?,
            evidence,
            endorsements,
            record,
        })
    }
}

/// What is answered when the archive does not give what it should have.
pub(in crate::service) fn read_problem(error: &ReadError) -> Problem {
    tracing::error!(%error, "the archive cannot be read");
    match error {
        ReadError::Store(_) => Problem::unavailable("store.unavailable", "the database is not available"),
        _ => Problem::internal(),
    }
}
