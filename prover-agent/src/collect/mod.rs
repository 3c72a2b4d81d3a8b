//! Evidence: which devices this machine has, and what they are asked to sign.
//!
//! A collector is a few lines around a device. The shipped program knows devices only ([`Collectors::of_this_machine`]); a
//! simulated one exists where a demo or a test hands its own to the library.

mod azure;
mod guests;
mod imds;
mod nitro;
mod qgs;
mod tsm;

use std::{fmt, future::Future, io, path::Path, thread, time::Duration};

use prooftrail_devices::{nsm, sev_guest, tdx_guest, tpm};
use prooftrail_protocol::{
    Context, KindValue, OtherPiece, Statement,
    wire::{Bytes, PieceOfEvidence},
};
use prooftrail_result::Kind;
use thiserror::Error;

pub use self::{
    azure::AzureVtpm,
    imds::Imds,
    tsm::{ConfigFs, Entries, FOLDER as TSM_FOLDER, Tsm},
};
use self::{
    guests::{SevGuest, TdxGuest},
    nitro::Nitro,
};

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
        let primary = nitro().or_else(tsm).or_else(guest_device).or_else(azure);
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

fn nitro() -> Option<Box<dyn Collector>> {
    if nsm::is_present() { Some(Box::new(Nitro)) } else { None }
}

fn tsm() -> Option<Box<dyn Collector>> {
    // A folder without a TEE behind it makes no entries.
    Some(Box::new(Tsm::detect(ConfigFs::at(Path::new(TSM_FOLDER))).ok()??))
}

fn guest_device() -> Option<Box<dyn Collector>> {
    if sev_guest::is_present() {
        return Some(Box::new(SevGuest));
    }
    tdx_guest::device()?;
    Some(Box::new(TdxGuest))
}

/// The paravisor keeps the TEE's own devices from an Azure guest, and shows it a TPM.
fn azure() -> Option<Box<dyn Collector>> {
    Some(Box::new(AzureVtpm::detect(tpm::open().ok()??, Imds::default()).ok()??))
}

fn device_error<E: fmt::Display>(kind: Kind) -> impl FnOnce(E) -> CollectError {
    move |error| CollectError::Device { kind, reason: error.to_string() }
}

/// Runs a future to its end, or for so long. On a thread of its own: the caller's may be running one already.
fn blocking<T: Send>(within: Duration, future: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let ran = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                tokio::time::timeout(within, future).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            })
        });
        ran.join().unwrap_or_else(|_| Err(io::Error::other("its thread died")))
    })
}
