//! From committed to signed. In: heads as they are committed, with the requests that each brought; out: guard file,
//! checkpoint, answers, in this order. It runs beside the next commit; what was committed meanwhile shares one guard.

use std::sync::Arc;

use prooftrail_ledger::{Checkpoint, Note, NoteSigner};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    batch::Receipt,
    database::LogStore,
    guard::{Guard, GuardStore},
    head::{Freeze, Head, Place},
    sequencer::{AppendError, Appended, Status, freeze_status},
};

/// A head with the checkpoint over it.
#[derive(Clone, Debug)]
pub struct SignedHead {
    /// The head.
    pub head: Head,
    /// The signed note.
    pub note: Note,
}

/// A head that was committed.
pub(super) struct Committed {
    pub(super) head: Head,
    pub(super) answers: Vec<Answer>,
}

/// A request that waits for a checkpoint that covers its entry.
pub(super) struct Answer {
    pub(super) receipt: Receipt,
    pub(super) is_new: bool,
    pub(super) to: oneshot::Sender<Result<Appended, AppendError>>,
}

/// What signs, and what it writes before.
pub(super) struct Releaser<S, G> {
    pub(super) store: S,
    pub(super) guard: Arc<G>,
    pub(super) origin: String,
    pub(super) signer: NoteSigner,
}

impl<S: LogStore, G: GuardStore> Releaser<S, G> {
    pub(super) async fn run(self, mut committed: mpsc::Receiver<Committed>, status: Arc<watch::Sender<Status>>) {
        while let Some(Committed { mut head, mut answers }) = committed.recv().await {
            while let Ok(next) = committed.try_recv() {
                head = next.head;
                answers.extend(next.answers);
            }
            let current = status.borrow().clone();
            let released = match current.frozen {
                Some(freeze) => Err(freeze),
                None if current.head.head == head => Ok(current.head),
                None => self.release(head).await,
            };
            match &released {
                Ok(signed) => status.send_modify(|status| status.head = signed.clone()),
                Err(freeze) => freeze_status(&status, freeze.clone()),
            }
            for Answer { receipt, is_new, to } in answers {
                let answer = match &released {
                    Ok(head) => Ok(Appended { receipt, head: head.clone(), is_new }),
                    Err(freeze) => Err(AppendError::Frozen(freeze.clone())),
                };
                // Whoever asked may have gone; the entry stands all the same.
                let _ = to.send(answer);
            }
        }
    }

    /// Signs a head that is committed and extends all that were signed before.
    ///
    /// # Errors
    /// [`Freeze`], and then nothing was signed.
    pub(super) async fn release(&self, head: Head) -> Result<Arc<SignedHead>, Freeze> {
        // Of a file that is not in its place any more, nothing will be found after a restart.
        if !self.store.is_in_place() {
            return Err(Freeze::FileReplaced);
        }
        let place = Place { recovery_epoch: head.recovery_epoch, database: head.database };
        let guard = Guard { origin: self.origin.clone(), size: head.size(), root: head.root(), place };
        let store = self.guard.clone();
        // A crash before or in this: the guard is the old one or the new one, and the database extends both.
        let written = tokio::task::spawn_blocking(move || store.write(&guard)).await;
        written.map_err(std::io::Error::other).flatten().map_err(|error| Freeze::Guard(error.kind()))?;
        // A crash from here on: the guard says that this head may have been signed. The database has it.
        let unsignable = Freeze::Unsignable { size: head.size() };
        let checkpoint = Checkpoint::new(&self.origin, head.size(), head.root()).map_err(|_| unsignable.clone())?;
        let note = Note::sign(checkpoint.text(), &self.signer).map_err(|_| unsignable)?;
        metrics::counter!("prooftrail_log_size").absolute(head.size());
        Ok(Arc::new(SignedHead { head, note }))
    }
}
