//! What an agent asks, whichever route it came by. In: a request's body; out: an [`Inquiry`], whose challenge is one of
//! ours, has not ended, and is of this recovery epoch.

use std::sync::Arc;

use prooftrail_evidence::{EndorsementFile, holds_key_set};
use prooftrail_protocol::{
    Challenge, KeyRef, ProofPublic, Purpose, RecipientPublic, ReleaseId, SealingSuite, limits, sha256,
    wire::{AppraisalRequest, Bytes, PieceOfEvidence, ReleaseRequest},
};
use prooftrail_release::redeem;
use prooftrail_result::{Kind, Reason, ReasonCode, Timestamp};

use super::{now, recovery_epoch, refuse, refuse_for};
use crate::service::{call::Call, problem::Problem, state::State};

/// From so many pieces, or stanzas of a header, the work is not done among the requests.
const LIGHT_PIECES: usize = 4;
const LIGHT_HEADER_BYTES: usize = 4 << 10;

/// The most files of one request: the archive takes 256 with a decision, a few of which are ours.
const MAX_FILES: usize = 248;

/// Whose word decides.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Subject {
    /// That of the policy to which a witness key is named.
    Key(KeyRef),
    /// That of a policy.
    Policy(String),
}

/// A turn of a session.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub(super) session: ReleaseId,
    pub(super) turn: u64,
    /// When the session's releases end.
    pub(super) opens_until: Timestamp,
}

/// What is asked.
#[derive(Clone)]
pub(super) struct Inquiry {
    pub(super) project: String,
    /// The id of the request in the log: nobody else has it, in any project.
    pub(super) request_id: [u8; 32],
    /// SHA-256 of the request's body.
    pub(super) request_sha256: [u8; 32],
    pub(super) challenge: Challenge,
    pub(super) purpose: Purpose,
    pub(super) subject: Subject,
    pub(super) suite: SealingSuite,
    pub(super) recipient: RecipientPublic,
    pub(super) proof_key: ProofPublic,
    pub(super) statement: Arc<[u8]>,
    pub(super) witness_header: Option<Vec<u8>>,
    pub(super) evidence: Vec<(Kind, Arc<[u8]>)>,
    pub(super) endorsements: Vec<EndorsementFile>,
    /// The session of a further witness.
    pub(super) turn: Option<Turn>,
    /// When a retry is not answered any more.
    pub(super) expires: Timestamp,
}

impl Inquiry {
    /// Of `POST /v1/releases`.
    pub(super) fn release(call: &Call, request: ReleaseRequest) -> Result<Self, Problem> {
        let ReleaseRequest {
            challenge,
            purpose,
            key,
            suite,
            recipient,
            proof_key,
            statement,
            witness_header,
            evidence,
            endorsements,
        } = request;
        if purpose == Purpose::Appraisal {
            return Err(refuse_for(
                &call.state,
                Reason::new(ReasonCode::ReleasePurpose, "an appraisal has its own route"),
            ));
        }
        let challenge = redeemed(&call.state, &challenge)?;
        Self {
            project: call.project.clone(),
            request_id: request_id(&challenge),
            request_sha256: sha256(&[&call.body]),
            purpose,
            subject: Subject::Key(key),
            suite,
            recipient,
            proof_key,
            statement: statement.0.into(),
            witness_header: Some(witness_header.0),
            evidence: pieces(evidence),
            endorsements: sent(&call.state, endorsements)?,
            turn: None,
            expires: challenge.expires(),
            challenge,
        }
        .capped()
    }

    /// Of `POST /v1/appraisals`.
    pub(super) fn appraisal(call: &Call, request: AppraisalRequest) -> Result<Self, Problem> {
        let AppraisalRequest { challenge, policy, suite, recipient, proof_key, statement, evidence, endorsements } =
            request;
        let challenge = redeemed(&call.state, &challenge)?;
        Self {
            project: call.project.clone(),
            request_id: request_id(&challenge),
            request_sha256: sha256(&[&call.body]),
            purpose: Purpose::Appraisal,
            subject: Subject::Policy(policy),
            suite,
            recipient,
            proof_key,
            statement: statement.0.into(),
            witness_header: None,
            evidence: pieces(evidence),
            endorsements: sent(&call.state, endorsements)?,
            turn: None,
            expires: challenge.expires(),
            challenge,
        }
        .capped()
    }

    /// Refuses more than the archive takes.
    pub(super) fn capped(self) -> Result<Self, Problem> {
        let have = self.evidence.len().saturating_add(self.endorsements.len());
        if self.evidence.len() <= limits::EVIDENCE_PIECES && have <= MAX_FILES {
            return Ok(self);
        }
        let detail = format!(
            "at most {} pieces of evidence, and {MAX_FILES} files with those that the service adds",
            limits::EVIDENCE_PIECES
        );
        Err(Problem::bad_request("request.pieces", detail))
    }

    /// Whether the work takes so long that other requests would notice.
    pub(super) fn is_heavy(&self) -> bool {
        self.evidence.len() > LIGHT_PIECES
            || self.endorsements.len() > LIGHT_PIECES
            || self.witness_header.as_ref().is_some_and(|header| header.len() > LIGHT_HEADER_BYTES)
    }
}

/// The challenge of a token.
fn redeemed(state: &State, token: &str) -> Result<Challenge, Problem> {
    redeem(&state.releases.fleet, token, recovery_epoch(state), now(state)).map_err(|denial| refuse(state, &denial))
}

/// One challenge, one entry: the log takes each id once and for ever, so that neither a clock that is set back nor a row
/// that was removed lets a challenge be used again.
fn request_id(challenge: &Challenge) -> [u8; 32] {
    sha256(&[b"prooftrail/release-request/v1\0", &challenge.nonce().0])
}

/// The endorsements that an attester sends. For a key set vouches whoever supplies it, and that is not the one whose tokens it
/// is to verify.
fn sent(state: &State, endorsements: Vec<Bytes>) -> Result<Vec<EndorsementFile>, Problem> {
    if endorsements.iter().any(|file| holds_key_set(&file.0)) {
        return Err(refuse_for(state, ReasonCode::KeySetFromAttester.into()));
    }
    Ok(endorsements.into_iter().map(|bytes| bytes.0.into()).collect())
}

fn pieces(evidence: Vec<PieceOfEvidence>) -> Vec<(Kind, Arc<[u8]>)> {
    evidence.into_iter().map(|PieceOfEvidence { kind, evidence }| (kind, evidence.0.into())).collect()
}
