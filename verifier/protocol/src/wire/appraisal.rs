//! `POST /v1/appraisals`: a verdict, without a witness.

use serde::{Deserialize, Serialize};

use super::{
    bytes::{Bytes, Digest48},
    release::{LedgerPlace, PieceOfEvidence},
};
use crate::{names::SealingSuite, proof_key::ProofPublic, sealing::RecipientPublic};

/// What is asked. The context's purpose is `appraisal` and its key null.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AppraisalRequest {
    /// The challenge's token.
    pub challenge: String,
    /// The name of the policy.
    pub policy: String,
    /// How the agent would have a key sealed.
    pub suite: SealingSuite,
    /// The recipient key in the context.
    pub recipient: RecipientPublic,
    /// The proof key in the context.
    pub proof_key: ProofPublic,
    /// The encoded statement.
    pub statement: Bytes,
    /// The set of evidence.
    pub evidence: Vec<PieceOfEvidence>,
    /// Endorsements that come with it, each one file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endorsements: Vec<Bytes>,
}

/// What comes back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AppraisalResponse {
    /// The result, as `prooftrail appraise --json` prints it.
    pub result: serde_json::Value,
    /// The digest of the policy.
    pub policy_digest: Digest48,
    /// The policy's platform that the set is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The entry of the decision.
    pub ledger: LedgerPlace,
}
