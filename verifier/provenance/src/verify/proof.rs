//! The proof: signed by the key that the evidence vouches for, come of this release, and verified again.

use prooftrail_proofs::{Documents, Verdict, judge};
use prooftrail_protocol::{ProofRecord, ProofRecordError, sha256, wire::Bytes};

use super::{DEPENDS, Decided, WITHHELD, Walk};
use crate::{
    record::{ProofEntry, ProofFinding},
    verification::{BundleCode, BundleReason, Check},
};

/// The checks that need both records.
pub(super) const CHECKS: &[Check] = &[Check::ProofSigned, Check::ProofOfRelease, Check::Proof];

impl Walk<'_> {
    pub(super) fn judge_proof(&mut self, entry: &ProofEntry, decision: &Decided) {
        let signed = entry.signed.verify(&decision.record.context.proof_key).map_err(|error| match error {
            ProofRecordError::Signature(_) => BundleReason::of(BundleCode::ProofSignature),
            _ => BundleReason::of(BundleCode::Record).because(error),
        });
        let Some(signed) = self.value(Check::ProofSigned, signed) else {
            self.not_shown(Check::ProofOfRelease, DEPENDS);
            return self.not_shown(Check::Proof, DEPENDS);
        };
        self.found.trail.signed = Some(signed.clone());
        self.note(Check::ProofOfRelease, self.of_release(entry, &signed, decision));
        self.judge_documents(entry, &signed);
    }

    fn of_release(&self, entry: &ProofEntry, signed: &ProofRecord, decision: &Decided) -> Result<(), BundleReason> {
        let Decided { placed, record } = decision;
        if signed.release_leaf_hash != *placed.leaf_hash.as_bytes() || entry.release_index != placed.index {
            return Err(BundleReason::of(BundleCode::ReleaseLink));
        }
        let same = [
            ("session", signed.session == record.release_id),
            ("statement", signed.statement_sha384 == record.statement_sha384),
            ("witness", Some(signed.witness_header_sha384) == record.witness_header_sha384),
            ("project", entry.project == record.project),
        ];
        if let Some((field, _)) = same.into_iter().find(|(_, same)| !same) {
            return Err(BundleReason::of(BundleCode::ProofSession).because(format_args!("Field: {field}.")));
        }
        if entry.at < record.at {
            return Err(BundleReason::of(BundleCode::Order).values(entry.at, record.at));
        }
        if entry.at > self.surroundings.at {
            return Err(BundleReason::of(BundleCode::Future).values(entry.at, self.surroundings.at));
        }
        Ok(())
    }

    fn judge_documents(&mut self, entry: &ProofEntry, signed: &ProofRecord) {
        let ProofRecord { system, vk_sha256, public_sha256, proof_sha256, .. } = signed;
        if proof_sha256.is_none() {
            self.note(Check::Proof, Err(BundleReason::of(BundleCode::NoProof).values(signed.exit_status, 0)));
            return;
        }
        let Some(documents) = &self.bundle.documents else { return self.not_shown(Check::Proof, WITHHELD) };
        let is_named = |document: &Option<Bytes>, named: &Option<[u8; 32]>| {
            document.as_ref().is_none_or(|bytes| Some(sha256(&[&bytes.0])) == *named)
        };
        let pairs = [
            ("proof", &documents.proof, proof_sha256),
            ("verifying key", &documents.vk, vk_sha256),
            ("public inputs", &documents.public, public_sha256),
        ];
        if let Some((name, ..)) = pairs.into_iter().find(|(_, document, named)| !is_named(document, named)) {
            let reason = BundleReason::of(BundleCode::ProofDocuments).because(format_args!("Document: {name}."));
            self.note(Check::Proof, Err(reason));
            return;
        }
        let (Some(system), Some(proof), Some(vk), Some(public)) =
            (system, &documents.proof, &documents.vk, &documents.public)
        else {
            return self.not_shown(Check::Proof, WITHHELD);
        };
        let documents = Documents { verifying_key: &vk.0, proof: &proof.0, public_inputs: &public.0 };
        let outcome = match judge(system, documents) {
            // Of a system that this build does not know, the policy names the SHA-256 of the key's bytes.
            Verdict::Unsupported(unknown) => match self.is_allowed(system, vk_sha256.as_ref()) {
                Ok(()) => return self.not_shown(Check::Proof, &unknown.to_string()),
                Err(reason) => Err(reason),
            },
            Verdict::Refused(error) => {
                Err(BundleReason::of(BundleCode::ProofRefused).because(format_args!("{}: {error}", error.code())))
            }
            Verdict::Verified(verified) => {
                let key = *verified.verifying_key.as_bytes();
                if let Some(weakness) = verified.weakness {
                    Err(BundleReason::of(BundleCode::VerifyingKeyWeak).values(weakness.code(), "a sound setup"))
                } else if !self.trust.verifying_keys.contains(&key) {
                    let trusted: Vec<_> = self.trust.verifying_keys.iter().take(8).map(hex::encode).collect();
                    Err(BundleReason::of(BundleCode::VerifyingKey).values(hex::encode(key), trusted.join(", ")))
                } else {
                    self.is_allowed(system, Some(&key))
                        .and_then(|()| found_alike(&entry.finding, *verified.statement.as_bytes(), key))
                }
            }
        };
        self.note(Check::Proof, outcome);
    }

    /// That the policy of the release allows proofs of that system under that key. Without the policy's text there is
    /// nothing to ask, and the check of the policy says so.
    fn is_allowed(&self, system: &str, key: Option<&[u8; 32]>) -> Result<(), BundleReason> {
        let Some(policy) = self.policy.as_ref().filter(|policy| !policy.allows_proof(Some(system), key)) else {
            return Ok(());
        };
        let named = |system: &str, key: &[u8; 32]| format!("{system} {}", hex::encode(key));
        let have = key.map_or_else(|| system.to_owned(), |key| named(system, key));
        let need: Vec<_> = policy.proofs().iter().take(8).map(|pin| named(&pin.system, &pin.vk_sha256)).collect();
        Err(BundleReason::of(BundleCode::ProofNotAllowed).values(have, need.join(", ")))
    }
}

/// That the record's finding is the one that is made again. A record that says nothing contradicts nothing.
fn found_alike(recorded: &ProofFinding, statement: [u8; 32], key: [u8; 32]) -> Result<(), BundleReason> {
    match recorded {
        ProofFinding::Unsupported => Ok(()),
        ProofFinding::Verified { statement_id, verifying_key, weakness: None }
            if *statement_id == statement && *verifying_key == key =>
        {
            Ok(())
        }
        other => Err(BundleReason::of(BundleCode::Finding).values(other.as_str(), "verified")),
    }
}
