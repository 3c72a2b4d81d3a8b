//! `POST /v1/proofs`.

use serde::{Deserialize, Serialize};

use super::{
    bytes::{Bytes, Digest32},
    release::LedgerPlace,
};
use crate::{names::ReleaseId, proof_record::SignedProofRecord, signature::Signature};

/// What is registered. Which system, and which session, the record says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProofRequest {
    /// The session, so that the proof key can be found before the record is believed.
    pub session: ReleaseId,
    /// The encoded record.
    pub record: Bytes,
    /// The proof key's signature.
    pub signature: Signature,
    /// The verifying key's document, where it is to be verified here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk: Option<Bytes>,
    /// The document of public inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<Bytes>,
    /// The proof, where it is to be verified here, or shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Bytes>,
}

impl ProofRequest {
    /// The record with its signature.
    #[must_use]
    pub fn signed_record(&self) -> SignedProofRecord {
        SignedProofRecord { record: self.record.0.clone(), signature: self.signature }
    }
}

/// What was found about a proof. A proof that does not verify is refused, and has none of these.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProofOutcome {
    /// It verifies.
    Verified,
    /// This build has no verifier for the system, or was not given the documents: nothing is claimed.
    Unsupported,
    /// The command failed, and there is no proof.
    NoProof,
}

/// What comes back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProofResponse {
    /// SHA-256 of the proof's bytes; absent where there is no proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_id: Option<Digest32>,
    /// What was proved, whichever proof proves it; present where it was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement_id: Option<Digest32>,
    /// What was found.
    pub verified: ProofOutcome,
    /// The page of the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The entry of the record.
    pub ledger: LedgerPlace,
}
