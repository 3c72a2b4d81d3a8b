//! The appraisal, made again: the very verifier, at the recorded time, under the relying party's roots and the policy of the
//! bundle; and compared with the result that was archived.

use prooftrail_evidence::{EndorsementFile, Expected, NoIssuers};
use prooftrail_policy::{Demand, Policy, PolicyDocument, Request};
use prooftrail_protocol::{OtherPiece, Place, attached_value, place, primary, primary_of, sha256};
use prooftrail_result::{
    AppraisalResult, Kind, ReasonCode, Verdict,
    claims::{Claims, Value, cross_vendor, job},
};
use prooftrail_trust_roots::RootSet;
use serde_json::Value as Json;

use super::{DEPENDS, WITHHELD, Walk};
use crate::{
    record::{DecisionRecord, EvidenceRecord},
    verification::{BundleCode, BundleReason, Check},
};

/// The evidence and endorsements of a decision.
type Inputs<'a> = (Vec<(Kind, &'a [u8])>, Vec<EndorsementFile>);

impl<'a> Walk<'a> {
    pub(super) fn judge_appraisal(&mut self, record: &DecisionRecord, challenge: bool) {
        let inputs = match self.inputs(record) {
            Ok(None) => {
                self.not_shown(Check::Evidence, WITHHELD);
                None
            }
            Ok(Some(inputs)) => self.value(Check::Evidence, Ok(inputs)),
            Err(reason) => self.value(Check::Evidence, Err(reason)),
        };
        let policy = match &self.bundle.policy {
            None => {
                self.not_shown(Check::Policy, WITHHELD);
                None
            }
            Some(text) => {
                let policy = self.policy(text, record);
                self.value(Check::Policy, policy)
            }
        };
        // What it says of proofs is asked when the proof is judged.
        self.policy.clone_from(&policy);
        let (Some((evidence, endorsements)), Some(policy), Some(statement), true) =
            (inputs, policy, self.found.trail.statement.as_ref(), challenge)
        else {
            return self.no_appraisal(None);
        };
        let claims = statement.claims(policy.asks_for(job::ARGV));
        let result = self.appraise(record, &evidence, &endorsements, &policy, &claims);
        self.found.simulated = result.simulated();
        self.found.trail.roots = match result.claims.get(cross_vendor::ROOT_SHA256) {
            Some(Value::List(roots)) => roots.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        if !self.note(Check::Appraisal, self.satisfies(&result, record)) {
            self.not_shown(Check::Result, DEPENDS);
            return self.not_shown(Check::Endorsements, DEPENDS);
        }
        match &self.bundle.result {
            Some(archived) => {
                self.note(Check::Result, same_result(archived, &result, record));
            }
            None => self.not_shown(Check::Result, WITHHELD),
        }
        self.note(Check::Endorsements, self.young(&result, record));
    }

    /// The evidence and endorsements, if they are those of the record.
    fn inputs(&self, record: &DecisionRecord) -> Result<Option<Inputs<'a>>, BundleReason> {
        let (Some(evidence), Some(endorsements)) = (&self.bundle.evidence, &self.bundle.endorsements) else {
            return Ok(None);
        };
        let is_named = |(piece, named): (&prooftrail_protocol::wire::PieceOfEvidence, &EvidenceRecord)| {
            piece.kind == named.id.kind && sha256(&[&piece.evidence.0]) == named.sha256
        };
        if evidence.len() != record.evidence.len() || !evidence.iter().zip(&record.evidence).all(is_named) {
            return Err(BundleReason::of(BundleCode::Evidence));
        }
        if !endorsements.iter().map(|bytes| sha256(&[&bytes.0])).eq(record.endorsements.iter().copied()) {
            return Err(BundleReason::of(BundleCode::Endorsements));
        }
        let evidence = evidence.iter().map(|piece| (piece.kind, piece.evidence.0.as_slice())).collect();
        Ok(Some((evidence, endorsements.iter().map(|bytes| bytes.0.as_slice().into()).collect())))
    }

    /// The policy, compiled again from its text with the roots that the service trusted.
    fn policy(&self, text: &str, record: &DecisionRecord) -> Result<Policy, BundleReason> {
        if sha256(&[text.as_bytes()]) != record.policy.text_sha256 {
            return Err(BundleReason::of(BundleCode::PolicyText));
        }
        let compiled = PolicyDocument::parse(text).and_then(|document| document.compile(&record.trusted_roots));
        let policy = compiled.map_err(|error| BundleReason::of(BundleCode::PolicyDigest).because(error))?;
        let (have, need) = (policy.digest(), record.policy.digest);
        if have != need {
            return Err(BundleReason::of(BundleCode::PolicyDigest).values(hex::encode(have), hex::encode(need)));
        }
        if !self.trust.policies.contains(&have) {
            let approved: Vec<_> = self.trust.policies.iter().take(8).map(hex::encode).collect();
            let reason = BundleReason::of(BundleCode::PolicyUntrusted);
            return Err(reason.values(hex::encode(have), approved.join(", ")));
        }
        Ok(policy)
    }

    /// The roots that the relying party trusts.
    fn roots(&self) -> RootSet {
        let mut roots = self.surroundings.roots.clone();
        if let Some(listed) = &self.trust.roots {
            roots.retain(|root| listed.contains(&root.sha256));
        }
        // Key sets come with the bundle, so that nobody vouches for their keys but the relying party's own list.
        roots.demand_listed_keys(self.trust.roots.iter().flatten().copied());
        roots
    }

    fn appraise(
        &self,
        record: &DecisionRecord,
        evidence: &[(Kind, &[u8])],
        endorsements: &[EndorsementFile],
        policy: &Policy,
        statement: &Claims,
    ) -> AppraisalResult {
        let context_sha384 = record.context.sha384();
        let primary_at = primary_of(evidence.iter().map(|(kind, _)| *kind));
        let primary_kind = primary_at.and_then(|at| evidence.get(at)).map(|(kind, _)| *kind);
        let others = evidence.iter().enumerate().filter(|(at, _)| Some(*at) != primary_at);
        let others = others.map(|(_, (kind, bytes))| OtherPiece::of(*kind, bytes));
        let binding = primary_kind.map(|kind| primary(kind, &context_sha384, &record.statement_sha384, others));
        let has_field = primary_kind.and_then(place) == Some(Place::NitroFields);
        let recipient = record.context.recipient.spki();
        let attached: Vec<_> = evidence
            .iter()
            .filter(|(kind, _)| Some(*kind) != primary_kind)
            .filter_map(|(kind, _)| Some((*kind, attached_value(*kind, &record.context)?)))
            .collect();
        let roots = self.roots();
        let request = Request {
            evidence,
            endorsements,
            roots: &roots,
            at: record.at,
            expected: Expected {
                nonce: Some(&record.context.nonce.0),
                // Evidence without a piece that can be primary carries no binding that could be right.
                binding: Some(binding.as_ref().unwrap_or(&[0; 48])),
                recipient: has_field.then_some(recipient.as_slice()),
                attached: &attached,
                audience: Some(record.context.log_origin.as_str()),
            },
            demand: Demand::Policy(policy),
            crypto: self.surroundings.crypto,
            issuers: &NoIssuers,
        };
        request.answer_stating(statement).result().clone()
    }

    /// That the appraisal made again is affirming, of this evidence, and of hardware.
    fn satisfies(&self, result: &AppraisalResult, record: &DecisionRecord) -> Result<(), BundleReason> {
        if result.verdict != Verdict::Affirming {
            let is_root = result.reasons.iter().any(|reason| reason.code == ReasonCode::ChainRootNotPinned);
            let code = if is_root { BundleCode::RootUntrusted } else { BundleCode::Appraisal };
            let codes: Vec<_> = result.reasons.iter().map(|reason| reason.code.as_str()).collect();
            return Err(BundleReason::of(code).values(codes.join(", "), "affirming"));
        }
        if !result.evidence_ids.iter().eq(record.evidence.iter().map(|piece| &piece.id)) {
            return Err(BundleReason::of(BundleCode::EvidenceId));
        }
        if result.simulated() && !self.trust.accept_simulated {
            return Err(BundleReason::of(BundleCode::Simulated));
        }
        Ok(())
    }

    /// That revocation data, where there was any, was young enough.
    fn young(&self, result: &AppraisalResult, record: &DecisionRecord) -> Result<(), BundleReason> {
        let Some(seconds) = self.trust.max_endorsement_age_seconds else { return Ok(()) };
        let need = record.at.saturating_add_seconds(seconds.saturating_neg());
        match result.claims.get(cross_vendor::REVOCATION_AS_OF) {
            Some(Value::Time(as_of) | Value::TimeMillis(as_of)) if *as_of >= need => Ok(()),
            Some(as_of) => Err(BundleReason::of(BundleCode::EndorsementAge).values(as_of, need)),
            None => Err(BundleReason::of(BundleCode::EndorsementAge).values("no revocation data", need)),
        }
    }
}

/// That the archived result is the one that was recorded, and says what the appraisal made again says. Who named the root,
/// and whether it counts as a simulator's, is each verifier's own word and is left out.
fn same_result(archived: &str, again: &AppraisalResult, record: &DecisionRecord) -> Result<(), BundleReason> {
    if sha256(&[archived.as_bytes()]) != record.result_sha256 {
        return Err(BundleReason::of(BundleCode::Result));
    }
    let reason = |error: serde_json::Error| BundleReason::of(BundleCode::ResultDiffers).because(error);
    let mut archived: Json = serde_json::from_str(archived).map_err(reason)?;
    let mut again = serde_json::to_value(again).map_err(reason)?;
    for json in [&mut archived, &mut again] {
        if let Some(object) = json.as_object_mut() {
            object.remove("trust_anchor");
            object.remove("simulated");
            if let Some(claims) = object.get_mut("claims").and_then(Json::as_object_mut) {
                claims.remove("simulated");
                claims.remove("trust_anchor");
            }
        }
    }
    if archived == again { Ok(()) } else { Err(BundleReason::of(BundleCode::ResultDiffers)) }
}
