//! Applying a policy to a checkpoint. In: a note; out: the checkpoint with the log that signed it and the cosigners who
//! saw it when, or the reason. C2SP tlog-policy, section "What is a "policy"?".

use crate::{
    Checkpoint, Note,
    checkpoint::CheckpointError,
    note::{KeyId, KeyName, VerifyError},
    trust_policy::{PolicyName, TrustPolicy},
};

impl TrustPolicy {
    /// Verifies that `note` is a checkpoint signed by a trusted log and cosigned by the quorum.
    ///
    /// # Errors
    /// [`PolicyRefusal`].
    pub fn verify_checkpoint(&self, note: &Note) -> Result<VerifiedCheckpoint, PolicyRefusal> {
        let keys: Vec<_> =
            self.logs.iter().map(|log| &log.key).chain(self.cosigners.iter().map(|cosigner| &cosigner.key)).collect();
        let verified = note.verify(&keys)?;
        let checkpoint = Checkpoint::parse(verified.text())?;

        let signed = |key| verified.signatures().iter().any(|signature| signature.key == key);
        let mut signers = self.logs.iter().filter(|log| signed(&log.key)).peekable();
        let Some(any_signer) = signers.peek().copied() else {
            return Err(PolicyRefusal::NotSignedByLog { origin: checkpoint.origin().to_owned() });
        };
        let Some(log) = signers.find(|log| log.origin == checkpoint.origin()) else {
            return Err(PolicyRefusal::OriginMismatch {
                have: checkpoint.origin().to_owned(),
                need: any_signer.origin.clone(),
            });
        };

        let cosignatures: Vec<Cosignature> = verified
            .signatures()
            .iter()
            .flat_map(|signature| {
                let by = self.cosigners.iter().filter(|cosigner| cosigner.key == *signature.key);
                by.map(|cosigner| Cosignature {
                    cosigner: cosigner.name.clone(),
                    key_name: signature.key.name().clone(),
                    key_id: signature.key.id(),
                    time: signature.time,
                })
            })
            .collect();
        let has_cosigned = |name: &PolicyName| cosignatures.iter().any(|by| by.cosigner == *name);
        if !self.quorum.is_met(&has_cosigned) {
            return Err(PolicyRefusal::QuorumNotMet {
                quorum: self.quorum.name(),
                cosigned: cosignatures.into_iter().map(|by| by.cosigner).collect(),
            });
        }
        let log_key = (log.key.name().clone(), log.key.id());
        Ok(VerifiedCheckpoint { checkpoint, log_key, cosignatures })
    }
}

/// A checkpoint that a policy trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedCheckpoint {
    /// The head of the log.
    pub checkpoint: Checkpoint,
    /// The log's key, by name and id.
    pub log_key: (KeyName, KeyId),
    /// What the policy's cosigners have signed, in the order of the note; one cosigner may have signed more than once.
    pub cosignatures: Vec<Cosignature>,
}

/// A cosigner's statement that verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosignature {
    /// The cosigner, as the policy calls it.
    pub cosigner: PolicyName,
    /// The name of its key.
    pub key_name: KeyName,
    /// The id of its key.
    pub key_id: KeyId,
    /// When it saw this as the largest tree, in seconds since the Unix epoch; `None` if it does not say so.
    pub time: Option<u64>,
}

/// Why a policy does not trust a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// No trusted key has signed the note, or a signature by one does not verify.
    #[error(transparent)]
    Note(#[from] VerifyError),
    /// The signed text is not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Only cosigners have signed.
    #[error("no trusted log has signed the checkpoint of {origin}")]
    NotSignedByLog {
        /// The checkpoint's origin.
        origin: String,
    },
    /// A trusted log has signed another log's checkpoint.
    #[error("the log {need} has signed a checkpoint of {have}")]
    OriginMismatch {
        /// The checkpoint's origin.
        have: String,
        /// The origin of the log that signed.
        need: String,
    },
    /// Too few of the cosigners that the quorum counts have cosigned.
    #[error("the quorum {quorum} is not met by the cosignatures of {cosigned:?}")]
    QuorumNotMet {
        /// The cosigner or group that the policy demands.
        quorum: PolicyName,
        /// The cosigners whose signatures verified.
        cosigned: Vec<PolicyName>,
    },
}
