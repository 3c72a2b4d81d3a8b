//! Before the first signature after a start. In: the store, the guard file, what cosigners have seen; out: a running
//! sequencer; or the reason why this database may not be the one that was signed from. docs/ledger.md, section "Start".

use std::{io, sync::Arc};

use prooftrail_ledger::{Checkpoint, NoteSigner};
use tokio::sync::{mpsc, watch};

use super::{
    Clock,
    database::LogStore,
    guard::{Guard, GuardStore},
    head::{Freeze, Head, Signed, check_extends, check_in_place},
    releaser::Releaser,
    sequencer::{Committer, MAX_WAITING, Sequencer, Status},
};
use crate::store::StoreError;

/// The longest origin in bytes: what an ML-DSA-44 cosignature can name (C2SP tlog-cosignature).
pub const MAX_ORIGIN_BYTES: usize = 255;

/// Why the log does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store has no log of this origin, and nothing says that it ever had one: it can be created.
    #[error("the database has no log of this origin; create it once")]
    NoLog,
    /// The origin cannot be one.
    #[error("an origin is one line of 1 to {MAX_ORIGIN_BYTES} bytes")]
    Origin,
    /// The database may not be the one that was signed from.
    #[error("the log is frozen: {0}")]
    Frozen(#[from] Freeze),
    /// The guard file cannot be read, or is none.
    #[error("guard file: {0}")]
    Guard(io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a sequencer is made of.
pub struct Setup<S, G> {
    /// The log's tables; `None` if the store has no log of this origin.
    pub store: Option<S>,
    /// The guard file.
    pub guard: G,
    /// Which log.
    pub origin: String,
    /// The log's key.
    pub signer: NoteSigner,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Checkpoints of this log that cosigners or mirrors have seen last, their signatures verified.
    pub seen: Vec<Checkpoint>,
}

impl<S: LogStore + Clone, G: GuardStore> Setup<S, G> {
    /// Starts the sequencer, on the current runtime.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<Sequencer, StartError> {
        let guard = self.guard.read().map_err(StartError::Guard)?;
        let known = check(self.store.as_ref(), &self.origin, guard.as_ref(), &self.seen).await?;
        let Self { store, guard, origin, signer, clock, seen: _ } = self;
        let store = store.ok_or(StartError::NoLog)?;
        let releaser = Releaser { store: store.clone(), guard: Arc::new(guard), origin, signer };
        // What was committed but not signed before a crash is signed now.
        let head = releaser.release(known.clone()).await?;
        let (status, watched) = watch::channel(Status { head, frozen: None });
        let status = Arc::new(status);
        let (requests, waiting) = mpsc::channel(MAX_WAITING);
        let (released, committed) = mpsc::channel(4);
        let freezes = Arc::downgrade(&status);
        tokio::spawn(releaser.run(committed, status.clone()));
        tokio::spawn(Committer { store, clock, requests: waiting, released, status, known, contended: false }.run());
        Ok(Sequencer { requests, status: watched, freezes, failing: Arc::default() })
    }
}

/// Whether the store has everything that was signed, in the database it was signed in.
///
/// # Errors
/// [`StartError`].
pub(super) async fn check<S: LogStore>(
    store: Option<&S>,
    origin: &str,
    guard: Option<&Guard>,
    seen: &[Checkpoint],
) -> Result<Head, StartError> {
    let head = check_extends_all(store, origin, guard, seen).await?;
    check_in_place(&head)?;
    Ok(head.head)
}

/// As [`check`], wherever the database is now.
pub(super) async fn check_extends_all<S: LogStore>(
    store: Option<&S>,
    origin: &str,
    guard: Option<&Guard>,
    seen: &[Checkpoint],
) -> Result<super::head::StoredHead, StartError> {
    if origin.is_empty() || origin.len() > MAX_ORIGIN_BYTES || origin.contains(|c: char| c < ' ') {
        return Err(StartError::Origin);
    }
    if let Some(other) = guard.filter(|guard| guard.origin != origin) {
        return Err(Freeze::OtherOrigin { have: other.origin.clone() }.into());
    }
    let signed: Vec<Signed> = guard.map(Signed::from).into_iter().chain(seen.iter().map(Signed::from)).collect();
    let stored = match store {
        Some(store) => store.head().await?,
        None => None,
    };
    let (Some(store), Some(stored)) = (store, stored) else {
        return Err(match signed.iter().map(|signed| signed.size).max() {
            Some(size) => Freeze::NoLog { size }.into(),
            None => StartError::NoLog,
        });
    };
    let head = &stored.head;
    // The head itself must be in the table of checkpoints, or one of the two was changed alone.
    if store.root_at(head.size()).await? != Some(head.root()) {
        return Err(Freeze::Contradiction { size: head.size() }.into());
    }
    for signed in &signed {
        check_extends(&stored, signed, store.root_at(signed.size).await?)?;
    }
    // A log with only its genesis entry has nothing to lose.
    if signed.is_empty() && head.size() > 1 {
        return Err(Freeze::Unconfirmed { size: head.size() }.into());
    }
    Ok(stored)
}
