//! `POST /v1/challenges`.

use prooftrail_result::Timestamp;
use serde::{Deserialize, Serialize};

use super::text;
use crate::{
    challenge::Nonce,
    names::{KeyName, KeyRef, Origin, Purpose},
    release_key::ReleasePublic,
};

/// What is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// What the challenge is for.
    pub purpose: Purpose,
    /// The witness key that will be asked for, where the agent wants to be told its current version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyName>,
}

/// What comes back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeResponse {
    /// The token to bring back, opaque to the agent.
    pub challenge: String,
    /// What the hardware is to sign.
    pub nonce: Nonce,
    /// The cosigned checkpoint that the nonce commits to.
    pub checkpoint: String,
    /// The recovery epoch that the nonce commits to.
    pub recovery_epoch: u64,
    /// When the challenge ends.
    #[serde(with = "text::instant")]
    pub expires: Timestamp,
    /// The origin of the log: part of the context.
    pub log_origin: Origin,
    /// The service's release key, for information: the agent trusts the one that it brings.
    pub release_key: ReleasePublic,
    /// The key that was named, with its current version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyRef>,
}
