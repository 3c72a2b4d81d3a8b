//! Verifying a bundle, offline. In: the bundle, the relying party's trust, silicon roots, cryptography and the instant; out:
//! a [`Verification`]. Everything is done again: nothing that the bundle says about itself counts. docs/provenance.md,
//! section "Order of checks".
//!
//! A check whose input is missing or failed before is *not shown*; only a contradiction is a reason. Either way the verdict
//! is not affirming.

mod appraisal;
mod decision;
mod proof;
mod time;

use prooftrail_evidence::Crypto;
use prooftrail_ledger::{
    Hash, TlogProof,
    tlog_proof::TlogProofRefusal,
    trust_policy::{PolicyRefusal, VerifiedCheckpoint},
};
use prooftrail_policy::Policy;
use prooftrail_result::Timestamp;
use prooftrail_trust_roots::RootSet;

use crate::{
    bundle::{Bundle, LedgerPart},
    entry::{Commitment, Entry, EntryType},
    record::{DecisionRecord, ProofEntry, RevocationRecord},
    trust::TrustFile,
    verification::{BundleCode, BundleReason, Check, Finding, RevokedSince, Verification},
};

/// What a relying party has, beside its trust file.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The roots it knows: the pinned ones, and those it was given. A trust file that lists roots narrows them.
    pub roots: &'a RootSet,
    /// The cryptography provider.
    pub crypto: &'a dyn Crypto,
    /// Now.
    pub at: Timestamp,
}

/// Verifies a bundle.
#[must_use]
pub fn verify_bundle(bundle: &Bundle, trust: &TrustFile, surroundings: Surroundings<'_>) -> Verification {
    let mut walk = Walk { bundle, trust, surroundings, policy: None, found: Verification::default() };
    let decision = walk.decision();
    walk.proof(decision.as_ref());
    walk.revocations();
    walk.found
}

/// An entry that stands in the log.
struct Placed {
    entry: Entry,
    index: u64,
    leaf_hash: Hash,
    checkpoint: VerifiedCheckpoint,
}

/// A decision whose record is the one that the log committed to.
struct Decided {
    placed: Placed,
    record: DecisionRecord,
}

/// The walk through a bundle.
struct Walk<'a> {
    bundle: &'a Bundle,
    trust: &'a TrustFile,
    surroundings: Surroundings<'a>,
    /// The decision's policy, once it is known to be that.
    policy: Option<Policy>,
    found: Verification,
}

/// Why a part cannot be judged.
const WITHHELD: &str = "It was withheld, or erased at its source.";
/// The same where what comes before it failed.
const DEPENDS: &str = "It depends on what is not shown before it.";

impl Walk<'_> {
    /// Notes a check's outcome; true if it holds.
    fn note(&mut self, check: Check, outcome: Result<(), BundleReason>) -> bool {
        let holds = outcome.is_ok();
        match outcome {
            Ok(()) => self.found.shown.push(Finding { check, words: check.words().to_owned() }),
            Err(reason) => self.found.reasons.push(reason),
        }
        holds
    }

    /// Notes that a check cannot be made.
    fn not_shown(&mut self, check: Check, why: &str) {
        self.found.not_shown.push(Finding { check, words: format!("Not shown: {} {why}", check.words()) });
    }

    /// Notes the outcome of what gives a value.
    fn value<T>(&mut self, check: Check, outcome: Result<T, BundleReason>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.note(check, Ok(()));
                Some(value)
            }
            Err(reason) => {
                self.note(check, Err(reason));
                None
            }
        }
    }

    /// That an entry of that type stands in the log.
    fn placed(&self, part: &LedgerPart, entry_type: EntryType) -> Result<Placed, BundleReason> {
        let reason = BundleReason::of;
        let entry = Entry::decode(&part.leaf.0).map_err(|error| reason(BundleCode::Leaf).because(error))?;
        if entry.draft.entry_type != entry_type {
            let (have, need) = (entry.draft.entry_type.as_str(), entry_type.as_str());
            return Err(reason(BundleCode::EntryType).values(have, need));
        }
        let proof = TlogProof::parse(part.tlog_proof.as_bytes())
            .map_err(|error| reason(BundleCode::TlogProof).because(error))?;
        let leaf_hash = entry.leaf_hash();
        let checkpoint = proof.verify(&leaf_hash, &self.trust.log).map_err(|refusal| {
            let code = match refusal {
                TlogProofRefusal::Checkpoint(PolicyRefusal::QuorumNotMet { .. }) => BundleCode::Quorum,
                TlogProofRefusal::Checkpoint(_) => BundleCode::Checkpoint,
                _ => BundleCode::Inclusion,
            };
            reason(code).because(refusal)
        })?;
        Ok(Placed { entry, index: proof.index(), leaf_hash, checkpoint })
    }

    /// The record that an entry commits to; `None` where it is not there.
    fn opened<'p>(placed: &Placed, part: &'p LedgerPart) -> Result<Option<&'p [u8]>, BundleReason> {
        let Some(opening) = &part.opening else { return Ok(None) };
        let record = opening.record.0.as_slice();
        if Commitment::of(&opening.salt.0, record) == placed.entry.draft.commitment {
            Ok(Some(record))
        } else {
            Err(BundleReason::of(BundleCode::Commitment))
        }
    }

    /// An entry and its record, with both checks noted.
    fn entry<T, E: std::fmt::Display>(
        &mut self,
        part: &LedgerPart,
        entry_type: EntryType,
        checks: (Check, Check),
        decode: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Option<(Placed, Option<T>)> {
        let (in_log, is_record) = checks;
        let placed = self.placed(part, entry_type);
        let Some(placed) = self.value(in_log, placed) else {
            self.not_shown(is_record, DEPENDS);
            return None;
        };
        let record = match Self::opened(&placed, part) {
            Ok(None) => {
                self.not_shown(is_record, WITHHELD);
                None
            }
            Ok(Some(bytes)) => {
                let decoded = decode(bytes).map_err(|error| BundleReason::of(BundleCode::Record).because(error));
                self.value(is_record, decoded)
            }
            Err(reason) => {
                self.note(is_record, Err(reason));
                None
            }
        };
        Some((placed, record))
    }

    fn decision(&mut self) -> Option<Decided> {
        let checks = (Check::DecisionEntry, Check::DecisionRecord);
        let part = &self.bundle.decision;
        let decided =
            self.entry(part, EntryType::Decision, checks, DecisionRecord::decode).and_then(|(placed, record)| {
                self.found.trail.decision_entry = Some((placed.entry, placed.index));
                record.map(|record| Decided { placed, record })
            });
        match &decided {
            Some(decided) => {
                self.found.trail.decision = Some(decided.record.clone());
                self.judge_decision(decided);
            }
            None => {
                for check in decision::CHECKS {
                    self.not_shown(*check, DEPENDS);
                }
            }
        }
        decided
    }

    fn proof(&mut self, decision: Option<&Decided>) {
        let Some(part) = &self.bundle.proof else {
            for check in [Check::ProofEntry, Check::ProofRecord].iter().chain(proof::CHECKS) {
                self.not_shown(*check, WITHHELD);
            }
            return;
        };
        let checks = (Check::ProofEntry, Check::ProofRecord);
        let found = self.entry(part, EntryType::Proof, checks, ProofEntry::decode);
        if let Some((placed, _)) = &found {
            self.found.trail.proof_entry = Some((placed.entry, placed.index));
        }
        match (found, decision) {
            (Some((_, Some(entry))), Some(decision)) => {
                self.found.trail.proof = Some(entry.clone());
                self.judge_proof(&entry, decision);
            }
            _ => {
                for check in proof::CHECKS {
                    self.not_shown(*check, DEPENDS);
                }
            }
        }
    }

    /// What was revoked since. A revocation that is none is a contradiction: somebody made it up.
    fn revocations(&mut self) {
        for part in &self.bundle.revocations {
            match self.revocation(part) {
                Ok(Some(revoked)) => self.found.revoked_since.push(revoked),
                Ok(None) => {}
                Err(reason) => self.found.reasons.push(reason),
            }
        }
    }

    fn revocation(&self, part: &LedgerPart) -> Result<Option<RevokedSince>, BundleReason> {
        let placed = self.placed(part, EntryType::Revocation)?;
        let Some(record) = Self::opened(&placed, part)? else { return Ok(None) };
        let RevocationRecord { what, leaf_hash, why, at, .. } =
            RevocationRecord::decode(record).map_err(|error| BundleReason::of(BundleCode::Record).because(error))?;
        let of =
            |entry: Option<(Entry, u64)>| entry.is_some_and(|(entry, _)| *entry.leaf_hash().as_bytes() == leaf_hash);
        let is_about_this = of(self.found.trail.decision_entry) || of(self.found.trail.proof_entry);
        Ok(is_about_this.then_some(RevokedSince { what, at, why }))
    }
}
