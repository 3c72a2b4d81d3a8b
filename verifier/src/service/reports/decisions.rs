//! Releases, denials and proofs of a range, out of their archived records, and what is worth a look among them.

use std::collections::BTreeMap;

use prooftrail_protocol::{ReleaseId, wire::ProblemReason};
use prooftrail_provenance::{DecisionRecord, ProofEntry, ProofFinding};
use prooftrail_reports::{
    Builder, Denial, Evidence, Finding, Proof, ProofOutcome, ReasonLine, Release, ReportError, Severity, VerifiedProof,
};
use prooftrail_result::{Kind, Timestamp};
use serde::Deserialize;

use super::{governance::Governance, range::Range, refused, unreadable};
use crate::{
    archive::{Archive, BlobId, Found, OpenedRecord},
    service::{call::Call, problem::Problem},
    store::{StoreError, on},
};

/// So many rows are read at once.
const PAGE: i64 = 1000;

/// A decision's row: entry, session, when it was revoked, and how many proofs it has.
type DecisionRow = (i64, Option<Vec<u8>>, Option<i64>, i64);

/// A proof's row: entry, release, exit status, and when the release was revoked.
type ProofRow = (i64, Vec<u8>, i64, Option<i64>);

/// What of an appraisal's result a report tells.
#[derive(Deserialize)]
struct Appraisal {
    simulated: bool,
}

/// What is read, decision by decision.
pub(super) struct Decisions<'a> {
    call: &'a Call,
    archive: Archive,
    range: &'a Range,
    builder: &'a mut Builder,
    /// Which decision, of which session, first rested on a piece of evidence.
    evidence: BTreeMap<String, (u64, Option<Vec<u8>>)>,
}

fn corrupt() -> StoreError {
    StoreError::Corrupt { what: "decision" }
}

fn instant(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_unix_millis(millis).ok_or_else(corrupt)
}

impl<'a> Decisions<'a> {
    /// Adds everything of `range` to `builder`.
    ///
    /// # Errors
    /// 400 for a range with more in it than a report holds; 503.
    pub(super) async fn read(
        call: &'a Call,
        range: &'a Range,
        governance: &mut Governance,
        builder: &'a mut Builder,
    ) -> Result<(), Problem> {
        let archive = Archive::of(&call.state.log);
        let (first, end) = range.border();
        let erased = archive.erased(&call.project, first, end).await?;
        builder.erased(erased);
        let mut decisions = Self { call, archive, range, builder, evidence: BTreeMap::new() };
        decisions.decisions(governance).await?;
        decisions.proofs().await
    }

    async fn decisions(&mut self, governance: &mut Governance) -> Result<(), Problem> {
        const DECISIONS: &str = "-- report_decisions\nSELECT d.entry_index, d.session, d.revoked, \
             (SELECT COUNT(*) FROM proof p WHERE p.release_id = d.release_id) FROM decision d \
             WHERE d.project = $1 AND d.log_id = $2 AND d.entry_index >= $3 AND d.entry_index < $4 \
             ORDER BY d.entry_index LIMIT $5";
        let (mut next, end) = self.range.rows();
        loop {
            let rows: Vec<DecisionRow> = on!(self.call.state.store.db(), pool => {
                let select = sqlx::query_as(DECISIONS).bind(&self.call.project).bind(self.call.state.log.id());
                select.bind(next).bind(end).bind(PAGE).fetch_all(pool).await
            })?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            next = last.saturating_add(1);
            for row in rows {
                self.decision(row, governance).await?;
            }
        }
    }

    async fn decision(&mut self, row: DecisionRow, governance: &mut Governance) -> Result<(), Problem> {
        let (index, session, revoked, proofs) = row;
        let index = u64::try_from(index).map_err(|_| corrupt())?;
        let Some((time, bytes)) = self.record(index).await? else { return Ok(()) };
        let record = DecisionRecord::decode(&bytes).map_err(|_| corrupt())?;
        let kinds: Vec<Kind> = record.evidence.iter().map(|piece| piece.id.kind).collect();
        let platform = governance.platform(self.call, &record.policy, &kinds, time).await?;
        let simulated = self.is_simulated(record.result_sha256).await?;
        let evidence: Vec<Evidence> = record.evidence.iter().map(piece).collect();
        for piece in &evidence {
            self.reused(piece, index, time, session.as_ref())?;
        }
        let release_id = record.release_id.to_string();
        let (key, key_version) = record.context.key.map(|key| (key.name.as_str().to_owned(), key.version)).unzip();
        let policy_digest = hex::encode(record.policy.digest);
        if !record.reasons.is_empty() {
            let reasons = record.reasons.into_iter().map(line).collect();
            let denial = Denial {
                index,
                time,
                release_id,
                key,
                key_version,
                policy_digest,
                platform,
                evidence,
                reasons,
                simulated,
            };
            return self.builder.denial(denial).map_err(|error| refused(&error));
        }
        // An affirming appraisal without a witness opens nothing.
        let (Some(key), Some(key_version), Some(header)) = (key, key_version, record.witness_header_sha384) else {
            return Ok(());
        };
        if proofs == 0 {
            self.finding(Finding {
                code: "release.no_proof".to_owned(),
                severity: Severity::Note,
                time,
                index: Some(index),
                subject: release_id.clone(),
                detail: "A witness was opened, and its session has registered neither a proof nor a failure."
                    .to_owned(),
            })?;
        }
        let release = Release {
            index,
            time,
            release_id,
            key,
            key_version,
            policy_digest,
            platform,
            evidence,
            witness_header: hex::encode(header),
            statement: hex::encode(record.statement_sha384),
            simulated,
            revoked_at: revoked.map(instant).transpose()?,
        };
        self.builder.release(release).map_err(|error| refused(&error))
    }

    async fn proofs(&mut self) -> Result<(), Problem> {
        const PROOFS: &str = "-- report_proofs\nSELECT p.entry_index, p.release_id, p.exit_status, d.revoked \
             FROM proof p JOIN decision d ON d.release_id = p.release_id \
             WHERE p.project = $1 AND p.log_id = $2 AND p.entry_index >= $3 AND p.entry_index < $4 \
             ORDER BY p.entry_index LIMIT $5";
        let (mut next, end) = self.range.rows();
        loop {
            let rows: Vec<ProofRow> = on!(self.call.state.store.db(), pool => {
                let select = sqlx::query_as(PROOFS).bind(&self.call.project).bind(self.call.state.log.id());
                select.bind(next).bind(end).bind(PAGE).fetch_all(pool).await
            })?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            next = last.saturating_add(1);
            for row in rows {
                self.proof(row).await?;
            }
        }
    }

    async fn proof(&mut self, (index, release_id, exit_status, revoked): ProofRow) -> Result<(), Problem> {
        let index = u64::try_from(index).map_err(|_| corrupt())?;
        let Some((time, bytes)) = self.record(index).await? else { return Ok(()) };
        let entry = ProofEntry::decode(&bytes).map_err(|_| corrupt())?;
        // The service verified the signature before it entered the record.
        let signed = prooftrail_protocol::ProofRecord::decode(&entry.signed.record).map_err(|_| corrupt())?;
        let release_id = ReleaseId(<[u8; 16]>::try_from(release_id).map_err(|_| corrupt())?).to_string();
        let mut verified = None;
        let outcome = match entry.finding {
            ProofFinding::Verified { statement_id, verifying_key, weakness } => {
                let (statement_id, verifying_key) = (hex::encode(statement_id), hex::encode(verifying_key));
                verified = Some(VerifiedProof { statement_id, verifying_key, weakness });
                ProofOutcome::Verified
            }
            ProofFinding::Refused { code } => {
                self.refused_proof(code, index, time, &release_id)?;
                ProofOutcome::Refused
            }
            ProofFinding::NoProof => ProofOutcome::Failed,
            _ => ProofOutcome::Unsupported,
        };
        let proof = Proof {
            index,
            time,
            provenance_id: signed.proof_sha256.map(hex::encode),
            release_id,
            sequence: signed.sequence,
            system: signed.system,
            outcome,
            verified,
            exit_status: i32::try_from(exit_status).unwrap_or(i32::MAX),
            release_revoked: revoked.is_some(),
        };
        self.builder.proof(proof).map_err(|error| refused(&error))
    }

    fn refused_proof(&mut self, code: String, index: u64, time: Timestamp, release: &str) -> Result<(), Problem> {
        let is_forgeable = code == "proof.key_forgeable";
        let detail = if is_forgeable {
            "A session registered a proof under a verifying key for which anyone can forge proofs."
        } else {
            "A session registered a proof that was refused; the witness was opened all the same."
        };
        self.finding(Finding {
            code,
            severity: if is_forgeable { Severity::Critical } else { Severity::Warning },
            time,
            index: Some(index),
            subject: release.to_owned(),
            detail: detail.to_owned(),
        })
    }

    /// A finding, if another session's decision rests on the same evidence: each is made for one challenge.
    fn reused(
        &mut self,
        piece: &Evidence,
        index: u64,
        time: Timestamp,
        session: Option<&Vec<u8>>,
    ) -> Result<(), Problem> {
        let Some((first, of)) = self.evidence.get(&piece.id) else {
            self.evidence.insert(piece.id.clone(), (index, session.cloned()));
            return Ok(());
        };
        if of.is_some() && of.as_ref() == session {
            return Ok(());
        }
        let detail = format!("The decision of entry {first} rests on the same evidence.");
        self.finding(Finding {
            code: "evidence.reused".to_owned(),
            severity: Severity::Critical,
            time,
            index: Some(index),
            subject: piece.id.clone(),
            detail,
        })
    }

    fn finding(&mut self, finding: Finding) -> Result<(), Problem> {
        self.builder.finding(finding).map_err(|error: ReportError| refused(&error))
    }

    /// The record of an entry and the entry's time, unless the record was erased.
    async fn record(&self, index: u64) -> Result<Option<(Timestamp, Vec<u8>)>, Problem> {
        match self.archive.open(&self.call.project, index).await.map_err(unreadable)? {
            Some(OpenedRecord::Present { entry, record, .. }) => {
                let time = i64::try_from(entry.time).map_err(|_| corrupt())?;
                Ok(Some((instant(time)?, record.bytes)))
            }
            Some(OpenedRecord::Erased { .. }) => Ok(None),
            None => Err(corrupt().into()),
        }
    }

    /// Whether an appraisal rested on a simulator's root.
    async fn is_simulated(&self, result: [u8; 32]) -> Result<bool, Problem> {
        let found = self.archive.blob(&self.call.project, BlobId::new(result)).await.map_err(unreadable)?;
        let Some(Found::Present { content, .. }) = found else { return Err(corrupt().into()) };
        let Appraisal { simulated } = serde_json::from_slice(&content).map_err(|_| corrupt())?;
        Ok(simulated)
    }
}

fn piece(piece: &prooftrail_provenance::EvidenceRecord) -> Evidence {
    Evidence { kind: piece.id.kind.as_str().to_owned(), id: piece.id.to_string() }
}

fn line(reason: ProblemReason) -> ReasonLine {
    let ProblemReason { code, stage, detail, have, need, rule } = reason;
    ReasonLine { code, stage, detail, have, need, rule }
}
