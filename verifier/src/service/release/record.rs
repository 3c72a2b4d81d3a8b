//! What a decision leaves behind. In: an inquiry and what was found; out: the record that the ledger's entry commits to,
//! with everything it names by digest, so that whoever has it all can make the decision again. docs/provenance.md.

use prooftrail_protocol::{ReleaseId, Signature, sha256, sha384, wire::ProblemReason};
use prooftrail_provenance::{DecisionRecord, EvidenceRecord, PolicyRecord, RecordedChallenge, RecordedRelease};
use prooftrail_release::{Asked, Pending, SealedKey};
use prooftrail_result::{AppraisalResult, EvidenceId, Reason, Timestamp, Verdict};

use super::{VERIFIER, governed::Governed, inquiry::Inquiry};
use crate::archive::{Blob, Filing, FilingError, Kind, Record, Retention};

/// What is kept of an appraisal once it has been used up.
pub(super) struct Appraisal {
    /// The result, as it is archived.
    json: Vec<u8>,
    evidence: Vec<EvidenceId>,
}

impl Appraisal {
    /// Of a result.
    pub(super) fn of(result: &AppraisalResult) -> Result<Self, RecordError> {
        let json = serde_json::to_vec(result).map_err(|_| RecordError::Result)?;
        Ok(Self { json, evidence: result.evidence_ids.clone() })
    }

    /// The result, as it is archived.
    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }
}

/// A decision, in every part that is not the inquiry's or the policy's.
pub(super) struct Decision<'a> {
    pub(super) id: ReleaseId,
    pub(super) asked: &'a Asked,
    pub(super) appraisal: Appraisal,
    /// Empty if it is affirming.
    pub(super) reasons: &'a [Reason],
    pub(super) sealed: Option<&'a SealedKey<Pending>>,
    /// SHA-256 of each root that the service trusts, sorted.
    pub(super) trusted_roots: &'a [[u8; 32]],
    pub(super) at: Timestamp,
}

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// A result that is no JSON.
    #[error("the result of the appraisal cannot be written")]
    Result,
    /// A sealed key that is not stored as one.
    #[error("the sealed key cannot be recorded")]
    Sealed,
    /// The record contradicts itself.
    #[error(transparent)]
    Record(#[from] prooftrail_protocol::Malformed),
    /// It is beyond what the archive takes.
    #[error(transparent)]
    Filing(#[from] FilingError),
}

impl Decision<'_> {
    /// The filing of the decision.
    pub(super) fn filing(self, inquiry: &Inquiry, governed: &Governed) -> Result<Filing, RecordError> {
        let mut blobs = vec![
            Blob::new(Kind::Checkpoint, inquiry.challenge.checkpoint().as_bytes())?,
            Blob::new(Kind::Statement, inquiry.statement.clone())?,
            Blob::new(Kind::Result, self.appraisal.json.as_slice())?,
            governed.text.clone(),
        ];
        for (_, bytes) in &inquiry.evidence {
            blobs.push(Blob::new(Kind::Evidence, bytes.clone())?);
        }
        for file in &inquiry.endorsements {
            blobs.push(Blob::new(Kind::Endorsement, file.shared())?);
        }
        let record = Record::new(self.record(inquiry, governed)?.checked()?.encode())?;
        Ok(Filing::new(&inquiry.project, Retention::Standard, record)?.with_blobs(blobs)?)
    }

    fn record(self, inquiry: &Inquiry, governed: &Governed) -> Result<DecisionRecord, RecordError> {
        let Self { id, asked, appraisal: Appraisal { json, evidence }, reasons, sealed, trusted_roots, at } = self;
        let challenge = &inquiry.challenge;
        let release = sealed.map(recorded).transpose()?;
        let piece = |(id, (_, bytes)): (EvidenceId, &(_, std::sync::Arc<[u8]>))| EvidenceRecord {
            id,
            sha256: sha256(&[bytes]),
        };
        Ok(DecisionRecord {
            project: inquiry.project.clone(),
            release_id: id,
            verdict: if reasons.is_empty() { Verdict::Affirming } else { Verdict::Refused },
            reasons: reasons.iter().map(ProblemReason::from).collect(),
            challenge: RecordedChallenge {
                random: *challenge.random(),
                checkpoint_sha256: sha256(&[challenge.checkpoint().as_bytes()]),
                recovery_epoch: challenge.recovery_epoch(),
                issued: challenge.issued(),
                expires: challenge.expires(),
            },
            context: asked.context.clone(),
            statement_sha384: sha384(&[&inquiry.statement]),
            witness_header_sha384: asked.header_sha384,
            evidence: evidence.into_iter().zip(&inquiry.evidence).map(piece).collect(),
            endorsements: inquiry.endorsements.iter().map(|bytes| sha256(&[bytes])).collect(),
            policy: PolicyRecord {
                name: governed.policy_name.clone(),
                version: u64::try_from(governed.policy_version).unwrap_or(0),
                digest: governed.policy.digest(),
                text_sha256: *governed.text.id().as_bytes(),
            },
            result_sha256: sha256(&[&json]),
            trusted_roots: trusted_roots.to_vec(),
            verifier: VERIFIER.to_owned(),
            release,
            governance_epoch: u64::try_from(governed.epoch).unwrap_or(0),
            at,
        })
    }
}

/// What a record says of a sealed key: everything but the key. It is stored as key, signature and terms.
fn recorded(sealed: &SealedKey<Pending>) -> Result<RecordedRelease, RecordError> {
    let stored = sealed.to_store();
    let (_, rest) = stored.split_first_chunk::<64>().ok_or(RecordError::Sealed)?;
    let (signature, terms) = rest.split_first_chunk::<64>().ok_or(RecordError::Sealed)?;
    Ok(RecordedRelease {
        terms: terms.to_vec(),
        sealed_sha256: sealed.sealed_sha256(),
        signature: Signature(*signature),
    })
}
