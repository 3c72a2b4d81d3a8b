//! Evidence: which devices this machine has, and what they are asked to sign.
//!
//! A collector is a few lines around a device. The shipped program knows devices only ([`Collectors::of_this_machine`]); a
//! simulated one exists where a demo or a test hands its own to the library.

use prooftrail_devices::nsm;
use prooftrail_protocol::{
    Context, KindValue, OtherPiece, Statement,
    wire::{Bytes, PieceOfEvidence},
};
use prooftrail_result::Kind;
use thiserror::Error;

/// Why there is no evidence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectError {
    /// Nothing here can attest.
    #[error("this machine has no attestation device that this build supports; `prover-agent probe` says what it found")]
    NoDevice,
    /// The device gave none.
    #[error("{kind}: {reason}")]
    Device {
        /// What it would have been.
        kind: Kind,
        /// The device's reason.
        reason: String,
    },
    /// A collector was asked for a value that its kind does not carry.
    #[error("{0} evidence does not carry such a value")]
    Value(Kind),
}

/// A device that makes one kind of evidence.
pub trait Collector: Send + Sync {
    /// The kind.
    fn kind(&self) -> Kind;

    /// Evidence over a value.
    ///
    /// # Errors
    /// The device's.
    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError>;
}

/// The devices of a machine.
#[derive(Default)]
pub struct Collectors {
    /// The CPU's, asked last: its value covers every other piece, and what is about to run.
    pub primary: Option<Box<dyn Collector>>,
    /// All others.
    pub others: Vec<Box<dyn Collector>>,
}

impl Collectors {
    /// The devices of this machine that this build supports.
    #[must_use]
    pub fn of_this_machine() -> Self {
        let nitro: Box<dyn Collector> = Box::new(Nitro);
        let primary = nsm::is_present().then_some(nitro);
        Self { primary, others: Vec::new() }
    }

    /// The whole set for a context and a statement: attached pieces first, the primary last.
    ///
    /// # Errors
    /// See [`CollectError`].
    pub fn collect(&self, context: &Context, statement: &Statement) -> Result<Vec<PieceOfEvidence>, CollectError> {
        let primary = self.primary.as_ref().ok_or(CollectError::NoDevice)?;
        let mut pieces = Vec::with_capacity(self.others.len() + 1);
        for other in &self.others {
            let kind = other.kind();
            let value = KindValue::attached(kind, context).ok_or(CollectError::Value(kind))?;
            pieces.push(PieceOfEvidence { kind, evidence: Bytes(other.collect(&value)?) });
        }
        let covered: Vec<_> = pieces.iter().map(|piece| OtherPiece::of(piece.kind, &piece.evidence.0)).collect();
        let kind = primary.kind();
        let value = KindValue::primary(kind, context, &statement.sha384(), covered).ok_or(CollectError::Value(kind))?;
        pieces.push(PieceOfEvidence { kind, evidence: Bytes(primary.collect(&value)?) });
        Ok(pieces)
    }
}

/// The Nitro Secure Module of an enclave.
struct Nitro;

impl Collector for Nitro {
    fn kind(&self) -> Kind {
        Kind::AwsNitro
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::NitroFields { nonce, public_key, user_data } = value else {
            return Err(CollectError::Value(self.kind()));
        };
        nsm::attest(&nonce.0, public_key, user_data)
            .map_err(|error| CollectError::Device { kind: self.kind(), reason: error.to_string() })
    }
}
