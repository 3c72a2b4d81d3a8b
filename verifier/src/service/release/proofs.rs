//! `POST /v1/proofs`. In: a record, signed by the proof key of a session, and perhaps the documents of the proof; out: the
//! entry in the ledger, with what was found about the proof. A command that failed leaves a record too. What the session's
//! key signed in its turn is always entered: a proof that does not verify is a finding, and the answer says so.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use prooftrail_policy::Policy;
use prooftrail_proofs::{Documents, Verdict, Verified, judge};
use prooftrail_protocol::{
    ProofRecord, ProofRecordError, sha256,
    wire::{Bytes, Digest32, LedgerPlace, ProofOutcome, ProofRequest, ProofResponse},
};
use prooftrail_provenance::{ProofEntry, ProofFinding};
use prooftrail_result::{Reason, ReasonCode};

use super::{
    MAX_SEQUENCE, VERIFIER,
    answers::{place, place_of},
    now,
    proof_rows::ProofRows,
    read, refuse_for,
    sessions::Session,
};
use crate::{
    archive::{Archive, Blob, Filing, FilingError, Kind, Record, Retention},
    log::{
        batch::{Request, RequestId},
        entry::{Draft, EntryType},
        sequencer::AppendError,
    },
    service::{
        call::Call,
        governance::{self, Refused},
        policies,
        problem::Problem,
        state::State,
    },
    store::on,
};

/// How long a proof waits for a thread that verifies it.
const PATIENCE: Duration = Duration::from_secs(10);

/// `POST /v1/proofs`
///
/// # Errors
/// 400, 403, 422 by what is wrong (docs/reason-codes.md, docs/proofs.md); 404 for a session that is not there; 409 for a
/// turn that was taken or is not the next; 503.
pub async fn register(call: Call) -> Result<HttpResponse, Problem> {
    let request: ProofRequest = read(&call, "proof request")?;
    let state = &call.state;
    let session = Session::find(&call, request.session).await?;
    let signed = request.signed_record();
    let record = signed.verify(&session.proof_key).map_err(|error| {
        refuse_for(
            state,
            match error {
                ProofRecordError::Malformed(malformed) => malformed.reason(ReasonCode::ProofRecordMalformed),
                _ => ReasonCode::ProofRecordSignature.into(),
            },
        )
    })?;
    let sequence = i64::try_from(record.sequence).unwrap_or(i64::MAX);
    if sequence < session.next_sequence {
        return known(&call, &session, &record, &signed.record).await;
    }
    session.require_live(state, session.proofs_until)?;
    if sequence > session.next_sequence || record.sequence >= MAX_SEQUENCE {
        return Err(out_of_turn(state, session.next_sequence, sequence));
    }
    let release = Release::of(state, &session, &record).await?;
    let documents = Given::of(state, &record, &request)?;
    let policy = policy(state, &session).await?;
    let system = record.system.clone();
    let looked =
        look(state, &policy, system, record.vk_sha256, record.proof_sha256.is_some(), documents.clone()).await?;
    let finding = looked.finding;
    let entry = ProofEntry {
        project: session.project.clone(),
        signed: signed.clone(),
        release_index: u64::try_from(release.entry_index).unwrap_or(u64::MAX),
        finding: finding.clone(),
        verifier: VERIFIER.to_owned(),
        at: now(state),
    };
    let filing = filing(&session.project, &entry, &documents).map_err(|error| {
        tracing::error!(%error, "a proof cannot be filed");
        Problem::internal()
    })?;
    let draft = Draft { entry_type: EntryType::Proof, commitment: filing.commitment() };
    let statement_id = match &finding {
        ProofFinding::Verified { statement_id, .. } => Some(*statement_id),
        _ => None,
    };
    let row = Found {
        proof_id: record.proof_sha256,
        statement_id,
        finding: finding.as_str().to_owned(),
        code: match &finding {
            ProofFinding::Refused { code } => Some(code.clone()),
            _ => None,
        },
    };
    let rows = ProofRows {
        log_id: state.log.id(),
        archive: Archive::of(&state.log),
        filing,
        project: session.project.clone(),
        session: session.id.0,
        sequence,
        release_id: release.release_id,
        record_sha256: sha256(&[&signed.record]),
        proof_id: row.proof_id,
        statement_id: row.statement_id,
        system: record.system.clone(),
        finding: finding.as_str(),
        code: row.code.clone(),
        exit_status: record.exit_status.into(),
    };
    let id = sha256(&[b"prooftrail/proof-request/v1\0", &session.id.0, &record.sequence.to_be_bytes()]);
    let request_id = RequestId { project: String::new(), id };
    match state.sequencer.append(Request { id: request_id, draft, side_rows: Some(Arc::new(rows)) }).await {
        Ok(appended) => {
            metrics::counter!("prooftrail_proofs_total", "finding" => finding.as_str()).increment(1);
            row.answer(&call, place(&appended))
        }
        // Registered before, or just now by another replica: the same record has the same answer.
        Err(AppendError::RequestReused) => known(&call, &session, &record, &signed.record).await,
        Err(AppendError::Refused(refusal)) => {
            if refusal.0.downcast_ref::<Refused>().is_none() {
                return Err(governance::problem(AppendError::Refused(refusal)));
            }
            let session = Session::find(&call, request.session).await?;
            session.require_live(state, session.proofs_until)?;
            Err(out_of_turn(state, session.next_sequence, sequence))
        }
        Err(error) => Err(governance::problem(error)),
    }
}

fn out_of_turn(state: &State, next: i64, have: i64) -> Problem {
    let reason = Reason::from(ReasonCode::ProofSequence).have(have).need(next);
    let detail = reason.to_string();
    let _ = refuse_for(state, reason);
    Problem::conflict(ReasonCode::ProofSequence.as_str(), detail)
}

/// What was found about a proof, as it is answered.
struct Found {
    proof_id: Option<[u8; 32]>,
    statement_id: Option<[u8; 32]>,
    finding: String,
    code: Option<String>,
}

impl Found {
    fn answer(self, call: &Call, ledger: LedgerPlace) -> Result<HttpResponse, Problem> {
        let Self { proof_id, statement_id, finding, code } = self;
        if let Some(code) = code {
            let is_policy = ["proof.not_allowed", "proof.key_forgeable"].contains(&code.as_str());
            let status = if is_policy { StatusCode::FORBIDDEN } else { StatusCode::UNPROCESSABLE_ENTITY };
            let detail = format!("the proof is refused; entry {} of the ledger says so", ledger.leaf_index);
            return Err(Problem::new(status, code, detail));
        }
        let verified = match finding.as_str() {
            "verified" => ProofOutcome::Verified,
            "no_proof" => ProofOutcome::NoProof,
            _ => ProofOutcome::Unsupported,
        };
        let base = call.state.config.public_url.as_deref().unwrap_or_default();
        let url = proof_id.map(|id| format!("{}/p/{}", base.trim_end_matches('/'), hex::encode(id)));
        let response = ProofResponse {
            proof_id: proof_id.map(Digest32),
            statement_id: statement_id.map(Digest32),
            verified,
            url,
            ledger,
        };
        Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(response))
    }
}

/// The answer to a record whose turn was taken: the first one again, if it is the same record.
async fn known(call: &Call, session: &Session, record: &ProofRecord, bytes: &[u8]) -> Result<HttpResponse, Problem> {
    type Row = (i64, Option<Vec<u8>>, Option<Vec<u8>>, String, Option<String>, Vec<u8>);
    const KNOWN: &str = "-- proof_known\nSELECT entry_index, proof_id, statement_id, finding, code, record_sha256 FROM proof \
         WHERE session = $1 AND sequence = $2";
    let state = &call.state;
    let sequence = i64::try_from(record.sequence).unwrap_or(i64::MAX);
    let row: Option<Row> = on!(state.store.db(), pool => {
        sqlx::query_as(KNOWN).bind(session.id.0.as_slice()).bind(sequence).fetch_optional(pool).await
    })?;
    let row = row.filter(|(.., digest)| *digest == sha256(&[bytes]));
    let Some((index, proof_id, statement_id, finding, code, _)) = row else {
        return Err(out_of_turn(state, session.next_sequence, sequence));
    };
    let array = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| bytes.try_into().ok());
    let found = Found { proof_id: array(proof_id), statement_id: array(statement_id), finding, code };
    let place = place_of(state, u64::try_from(index).unwrap_or(u64::MAX)).await?;
    found.answer(call, place)
}

/// The release whose witness a record is about: the session's first, or a further one.
struct Release {
    release_id: Vec<u8>,
    entry_index: i64,
}

impl Release {
    async fn of(state: &State, session: &Session, record: &ProofRecord) -> Result<Self, Problem> {
        const RELEASE: &str = "-- proof_release\nSELECT release_id, entry_index FROM decision \
             WHERE session = $1 AND leaf_hash = $2 AND header_sha384 = $3";
        let row: Option<(Vec<u8>, i64)> = on!(state.store.db(), pool => {
            let find = sqlx::query_as(RELEASE).bind(session.id.0.as_slice()).bind(record.release_leaf_hash.as_slice());
            find.bind(record.witness_header_sha384.as_slice()).fetch_optional(pool).await
        })?;
        let same_statement = record.session == session.id && record.statement_sha384 == *session.statement_sha384;
        match row.filter(|_| same_statement) {
            Some((release_id, entry_index)) => Ok(Self { release_id, entry_index }),
            None => Err(refuse_for(state, ReasonCode::ProofStatementMismatch.into())),
        }
    }
}

/// The documents that came with a record.
#[derive(Clone, Default)]
struct Given {
    vk: Option<Arc<[u8]>>,
    public: Option<Arc<[u8]>>,
    proof: Option<Arc<[u8]>>,
}

impl Given {
    /// Those of `request`, each of which must be the one that the record names.
    fn of(state: &State, record: &ProofRecord, request: &ProofRequest) -> Result<Self, Problem> {
        let given = |name: &'static str, bytes: &Option<Bytes>, digest: Option<[u8; 32]>| match bytes {
            None => Ok(None),
            Some(bytes) if Some(sha256(&[&bytes.0])) == digest => Ok(Some(Arc::from(bytes.0.as_slice()))),
            Some(_) => Err(refuse_for(
                state,
                Reason::new(
                    ReasonCode::ProofStatementMismatch,
                    format!("the {name} is not the one that the record names"),
                ),
            )),
        };
        Ok(Self {
            vk: given("verifying key", &request.vk, record.vk_sha256)?,
            public: given("list of public inputs", &request.public, record.public_sha256)?,
            proof: given("proof", &request.proof, record.proof_sha256)?,
        })
    }
}

/// The policy under which the session's witness was released; what a later version demands of proofs is not asked of it.
async fn policy(state: &State, session: &Session) -> Result<Policy, Problem> {
    let text =
        policies::stored_text(&state.store, &session.project, &session.policy_name, session.policy_version).await?;
    policies::compile(state, &text)
}

/// What was found.
struct Looked {
    finding: ProofFinding,
}

/// Looks at a proof, on a thread for such work: a pairing takes milliseconds.
async fn look(
    state: &State,
    policy: &Policy,
    system: Option<String>,
    vk_sha256: Option<[u8; 32]>,
    has_proof: bool,
    given: Given,
) -> Result<Looked, Problem> {
    if !has_proof {
        return Ok(Looked { finding: ProofFinding::NoProof });
    }
    let not_allowed = || ProofFinding::Refused { code: ReasonCode::ProofNotAllowed.as_str().to_owned() };
    let unsupported = |system: Option<&str>, vk: Option<&[u8; 32]>| {
        if policy.allows_proof(system, vk) { ProofFinding::Unsupported } else { not_allowed() }
    };
    let (Some(name), Given { vk: Some(vk), public: Some(public), proof: Some(proof) }) = (&system, given) else {
        // Without the documents the key is not known, whatever the record says of one.
        return Ok(Looked { finding: unsupported(system.as_deref(), None) });
    };
    let busy = || Problem::unavailable("proofs.busy", "too many proofs are being verified; ask again");
    let permit = tokio::time::timeout(PATIENCE, state.releases.heavy.clone().acquire_owned()).await;
    let permit = permit.map_err(|_| busy())?.map_err(|_| Problem::internal())?;
    let judged = name.clone();
    let verdict = web::block(move || {
        let documents = Documents { verifying_key: &vk, proof: &proof, public_inputs: &public };
        let verdict = judge(&judged, documents);
        drop(permit);
        verdict
    });
    let finding = match verdict.await.map_err(|_| Problem::internal())? {
        Verdict::Unsupported(_) => unsupported(Some(name), vk_sha256.as_ref()),
        Verdict::Refused(error) => ProofFinding::Refused { code: error.code().to_owned() },
        Verdict::Verified(verified) if !policy.allows_proof(Some(name), Some(verified.verifying_key.as_bytes())) => {
            not_allowed()
        }
        // Under such a key a proof proves nothing, although the equation holds.
        Verdict::Verified(Verified { weakness: Some(weakness), .. }) => {
            ProofFinding::Refused { code: weakness.code().to_owned() }
        }
        Verdict::Verified(verified) => ProofFinding::Verified {
            statement_id: *verified.statement.as_bytes(),
            verifying_key: *verified.verifying_key.as_bytes(),
            weakness: None,
        },
    };
    Ok(Looked { finding })
}

fn filing(project: &str, entry: &ProofEntry, given: &Given) -> Result<Filing, FilingError> {
    let blobs = [(Kind::VerificationKey, &given.vk), (Kind::PublicInputs, &given.public), (Kind::Proof, &given.proof)];
    let blobs = blobs.into_iter().filter_map(|(kind, bytes)| Some(Blob::new(kind, bytes.clone()?)));
    let blobs = blobs.collect::<Result<Vec<_>, _>>()?;
    Filing::new(project, Retention::Standard, Record::new(entry.encode())?)?.with_blobs(blobs)
}
