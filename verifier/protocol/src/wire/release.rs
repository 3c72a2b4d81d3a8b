//! `POST /v1/releases`.

use prooftrail_result::{Kind, Timestamp};
use serde::{Deserialize, Serialize};

use super::{bytes::Bytes, text};
use crate::{
    digest::sha256,
    names::{KeyRef, Purpose, ReleaseId, SealingSuite},
    proof_key::ProofPublic,
    sealing::{RecipientPublic, Sealed},
    signature::Signature,
};

/// One piece of evidence.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PieceOfEvidence {
    /// Its kind.
    #[serde(with = "text::kind")]
    pub kind: Kind,
    /// Its bytes.
    pub evidence: Bytes,
}

/// What is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The challenge's token.
    pub challenge: String,
    /// What for: `release`, or `session`.
    pub purpose: Purpose,
    /// The witness key.
    pub key: KeyRef,
    /// How to seal.
    pub suite: SealingSuite,
    /// To whom: an X25519 SubjectPublicKeyInfo.
    pub recipient: RecipientPublic,
    /// The key that will sign the proof record.
    pub proof_key: ProofPublic,
    /// The encoded statement.
    pub statement: Bytes,
    /// The witness's age header: from the version line through the line of its MAC, line feed included.
    pub witness_header: Bytes,
    /// The set of evidence.
    pub evidence: Vec<PieceOfEvidence>,
    /// Endorsements that come with it, each one file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endorsements: Vec<Bytes>,
}

/// A further witness in a session: `POST /v1/releases/{session}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SessionReleaseRequest {
    /// The session.
    pub session: ReleaseId,
    /// The turn.
    pub sequence: u64,
    /// The further witness's age header.
    pub witness_header: Bytes,
    /// The proof key's signature over session, turn and the header's digest.
    pub signature: Signature,
}

/// Where something stands in the ledger.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerPlace {
    /// The index of the entry.
    pub leaf_index: u64,
    /// The entry's bytes.
    pub leaf: Bytes,
    /// A checkpoint that covers it: a signed note.
    pub checkpoint: String,
    /// Its proof of inclusion (C2SP tlog-proof), where it was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

impl LedgerPlace {
    /// The entry's Merkle leaf hash (RFC 6962, section 2.1): what a proof record names.
    #[must_use]
    pub fn leaf_hash(&self) -> [u8; 32] {
        sha256(&[&[0], &self.leaf.0])
    }
}

/// What comes back, once the release stands in the ledger.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseResponse {
    /// The release; also in the terms.
    pub release_id: ReleaseId,
    /// The encoded terms.
    pub terms: Bytes,
    /// The sealed key.
    pub sealed: Sealed,
    /// The release key's signature over both.
    pub signature: Signature,
    /// When the release ends; also in the terms.
    #[serde(with = "text::instant")]
    pub expires: Timestamp,
    /// The entry of the decision.
    pub ledger: LedgerPlace,
}
