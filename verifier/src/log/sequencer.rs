//! The sequencer: orders requests into the log. In: requests; out: receipts under a checkpoint that is signed. Any number
//! of processes may run one on one PostgreSQL log; none leads. docs/ledger.md, section "Appending".
//!
//! The order of effects is the design:
//!
//! ```text
//! collect ─ assemble ─ commit (compare and swap) ─┬─ guard file ─ sign ─ answer      (releaser.rs)
//!    ↑ while the last commit is in flight         └─ next commit                     (here)
//! ```
//!
//! Safety rests on the swap and on UNIQUE (log, size), not on clocks, leases or locks: nothing is signed that is not
//! committed, and what is committed is never inferred from memory after the database failed to answer.

use std::{
    collections::HashSet,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Clock,
    batch::{Batch, MAX_BATCH_ENTRIES, Receipt, Refusal, Request},
    database::{LogStore, Outcome},
    head::{Freeze, Head, Signed, check_extends, check_in_place},
    releaser::{Answer, Committed, SignedHead},
};
use crate::store::StoreError;

/// Requests that may wait in memory before new ones are made to wait outside.
pub const MAX_WAITING: usize = 4 * MAX_BATCH_ENTRIES;

/// How often an idle process looks whether others have appended, so that its checkpoint is not an old one.
const REFRESH: Duration = Duration::from_secs(1);

/// How often a batch is tried against a database that fails, and the wait before each further time.
const MAX_FAILURES: u32 = 4;
const WAIT: Duration = Duration::from_millis(50);

/// What a sequencer says of itself.
#[derive(Clone, Debug)]
pub struct Status {
    /// The last checkpoint that was signed here.
    pub head: Arc<SignedHead>,
    /// Why nothing more is appended, if so.
    pub frozen: Option<Freeze>,
}

/// A request that has become an entry under a signed checkpoint.
#[derive(Clone, Debug)]
pub struct Appended {
    /// Where it stands.
    pub receipt: Receipt,
    /// A checkpoint that covers it.
    pub head: Arc<SignedHead>,
    /// False if the request had been appended before.
    pub is_new: bool,
}

/// Why a request has not been appended, as far as is known.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The log is frozen. A request that was in flight may have been appended; nothing about it was signed.
    #[error("the log is frozen: {0}")]
    Frozen(Freeze),
    /// Its side rows refused.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Its id was used for something else.
    #[error("the request id was used for another entry")]
    RequestReused,
    /// The database failed. Nothing was appended.
    #[error("the database is not available")]
    Unavailable(Arc<StoreError>),
    /// The database failed while it may have been committing. Asking again with the same id gives the answer.
    #[error("it is not known whether the request was appended; ask again with the same id")]
    OutcomeUnknown,
    /// The process is ending.
    #[error("the sequencer has stopped")]
    Stopped,
}

/// The way to the sequencer's task. Clones lead to the same.
#[derive(Clone)]
pub struct Sequencer {
    pub(super) requests: mpsc::Sender<Waiting>,
    pub(super) status: watch::Receiver<Status>,
    /// For who watches over the log. It keeps nothing alive.
    pub(super) freezes: Weak<watch::Sender<Status>>,
    /// Whether the database failed the last request that was made here.
    pub(super) failing: Arc<AtomicBool>,
}

impl Sequencer {
    /// Appends a request, once: with an id that was appended before, it gives where that stands.
    ///
    /// It is not cancelled by dropping the future.
    ///
    /// # Errors
    /// [`AppendError`].
    pub async fn append(&self, request: Request) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { request, answer, in_doubt: false };
        self.requests.send(waiting).await.map_err(|_| AppendError::Stopped)?;
        let answer = answered.await.map_err(|_| AppendError::Stopped)?;
        let has_failed = matches!(answer, Err(AppendError::Unavailable(_) | AppendError::OutcomeUnknown));
        self.failing.store(has_failed, Ordering::Relaxed);
        answer
    }

    /// Whether the database failed the last request that was made here. Reading may go on all the while: a disk that is
    /// full gives what it has.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Takes it that the database would not fail now, as something else has been written.
    pub fn has_recovered(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }

    /// The last checkpoint, and whether the log is frozen; it can be waited on.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }
}

/// A request with whoever waits for it.
pub(super) struct Waiting {
    request: Request,
    answer: oneshot::Sender<Result<Appended, AppendError>>,
    /// Whether a commit that had it in its batch went without an answer.
    in_doubt: bool,
}

impl Waiting {
    fn refuse(self, error: AppendError) {
        // Whoever asked may have gone.
        let _ = self.answer.send(Err(error));
    }
}

/// The task behind a [`Sequencer`].
pub(super) struct Committer<S> {
    pub(super) store: S,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) requests: mpsc::Receiver<Waiting>,
    pub(super) released: mpsc::Sender<Committed>,
    pub(super) status: Arc<watch::Sender<Status>>,
    /// The last head known to be committed, and checked.
    pub(super) known: Head,
    /// Whether others append as well.
    pub(super) contended: bool,
}

impl<S: LogStore> Committer<S> {
    pub(super) async fn run(mut self) {
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting = Vec::new();
        loop {
            if waiting.is_empty() {
                tokio::select! {
                    biased;
                    request = self.requests.recv() => match request {
                        Some(request) => waiting.push(request),
                        None => return,
                    },
                    _ = refresh.tick() => {
                        if !self.is_frozen() && self.reload().await.is_ok() {
                            self.release(Vec::new()).await;
                        }
                        continue;
                    }
                }
            }
            // What came while the last commit was in flight makes the next batch: no timer, so that a lone request does
            // not wait and a crowd shares one commit.
            while waiting.len() < MAX_BATCH_ENTRIES
                && let Ok(request) = self.requests.try_recv()
            {
                waiting.push(request);
            }
            let mut ids = HashSet::new();
            let (batch, again): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|waiting: &Waiting| ids.insert(waiting.request.id.clone()));
            // A second request of one id waits until the first stands, and then finds it.
            waiting = again;
            self.append(batch).await;
        }
    }

    /// Takes a batch to its end: every request in it is answered, or handed to the releaser.
    async fn append(&mut self, mut waiting: Vec<Waiting>) {
        let mut failures = 0;
        while !waiting.is_empty() {
            if let Some(freeze) = self.frozen() {
                return refuse_all(waiting, &AppendError::Frozen(freeze));
            }
            // A crash before this: the batch was only in memory, and nobody was answered.
            let trouble = match self.try_append(&waiting).await {
                // A crash from here on: the entries are in the log, unsigned and unanswered. The next start signs them,
                // and whoever asks again with the same id finds them.
                Ok((Outcome::Committed, Some(batch))) => {
                    metrics::histogram!("prooftrail_log_batch_entries")
                        .record(u32::try_from(waiting.len()).unwrap_or(u32::MAX));
                    self.known = batch.after;
                    let receipts = batch.requests.into_iter().map(|(_, receipt)| receipt);
                    let answers = waiting.into_iter().zip(receipts).map(|(waiting, receipt)| Answer {
                        receipt,
                        is_new: true,
                        to: waiting.answer,
                    });
                    return self.release(answers.collect()).await;
                }
                Ok((Outcome::Refused(refused), _)) => {
                    // From the last to the first, so that the positions of those before stay what they are.
                    for (position, refusal) in refused.into_iter().rev() {
                        waiting.remove(position).refuse(AppendError::Refused(refusal));
                    }
                    continue;
                }
                // Another process was faster. It would be so again, as it knows its own head first: now we stand in line.
                Ok((Outcome::Conflict, _)) => {
                    metrics::counter!("prooftrail_log_conflicts_total").increment(1);
                    self.contended = true;
                    continue;
                }
                Ok((Outcome::Frozen(freeze), _)) => {
                    self.freeze(freeze);
                    continue;
                }
                // What is there already is found by its ids.
                Ok((Outcome::Duplicate | Outcome::Committed, _)) => match self.settle(&mut waiting).await {
                    Ok(0) => {
                        // No request of the batch is there, so it was the size that had a checkpoint: the head went back.
                        self.freeze(Freeze::Contradiction { size: self.known.size() });
                        None
                    }
                    Ok(_) => None,
                    Err(error) => Some(error),
                },
                // Whether it was committed is for the database to say: first the head, then each request, by its id.
                // Should the commit still be under way when they are looked up, the swap of the next attempt waits for it
                // and then fails, or the unique request id does.
                Err(error @ StoreError::OutcomeUnknown { .. }) => {
                    waiting.iter_mut().for_each(|waiting| waiting.in_doubt = true);
                    self.settle(&mut waiting).await.err().or(Some(error))
                }
                Err(error) => Some(error),
            };
            if let Some(error) = trouble
                && !waiting.is_empty()
            {
                failures += 1;
                tracing::warn!(%error, failures, "the log's database failed");
                if failures >= MAX_FAILURES {
                    return give_up(waiting, error);
                }
                tokio::time::sleep(WAIT * failures).await;
                // A look-up that failed is made again before the request is.
                if waiting.iter().any(|waiting| waiting.in_doubt)
                    && let Err(error) = self.settle(&mut waiting).await
                {
                    return give_up(waiting, error);
                }
            }
        }
    }

    /// Tries a batch once: on top of the head that we know, or, while others append as well, on top of whatever the head is
    /// when our turn comes.
    async fn try_append(&mut self, waiting: &[Waiting]) -> Result<(Outcome, Option<Batch>), StoreError> {
        let requests = || waiting.iter().map(|waiting| waiting.request.clone());
        let now = self.clock.now();
        if !self.contended {
            let batch = match Batch::new(&self.known, requests(), now) {
                Ok(batch) => batch,
                Err(freeze) => return Ok((Outcome::Frozen(freeze), None)),
            };
            return Ok((self.store.append(&batch).await?, Some(batch)));
        }
        let known = Signed::of(&self.known);
        let appended = self.store.append_in_line(known.size, |stored, root_then| {
            check_extends(stored, &known, root_then)?;
            check_in_place(stored)?;
            Batch::new(&stored.head, requests(), now)
        });
        let (outcome, batch) = appended.await?;
        // Nobody has come between: the head that we know is enough again.
        if batch.as_ref().is_some_and(|batch| batch.before == self.known) {
            self.contended = false;
        }
        Ok((outcome, batch))
    }

    /// Takes the requests out of the batch that are in the log already, and returns how many they were.
    async fn settle(&mut self, waiting: &mut Vec<Waiting>) -> Result<usize, StoreError> {
        let mut found = Vec::new();
        for waiting in waiting.iter() {
            found.push(self.store.find(&waiting.request.id).await?);
        }
        // Read after the requests, the head covers all that were found.
        self.reload().await?;
        let settled = found.iter().flatten().count();
        let mut answers = Vec::new();
        for (one, receipt) in std::mem::take(waiting).into_iter().zip(found) {
            match receipt {
                None => waiting.push(one),
                Some(receipt) if receipt.entry.draft == one.request.draft => {
                    // Of one that was in doubt, it was this commit that answered late.
                    answers.push(Answer { receipt, is_new: one.in_doubt, to: one.answer });
                }
                Some(_) => one.refuse(AppendError::RequestReused),
            }
        }
        match self.frozen() {
            Some(freeze) => answers.into_iter().for_each(|answer| {
                let _ = answer.to.send(Err(AppendError::Frozen(freeze.clone())));
            }),
            None => self.release(answers).await,
        }
        Ok(settled)
    }

    /// Reads the head, which must extend the one we know; freezes if it does not.
    async fn reload(&mut self) -> Result<(), StoreError> {
        let Some(stored) = self.store.head().await? else {
            self.freeze(Freeze::NoLog { size: self.known.size() });
            return Ok(());
        };
        if stored.head == self.known && stored.live == self.known.database {
            return Ok(());
        }
        let known = Signed::of(&self.known);
        let root_then = self.store.root_at(known.size).await?;
        match check_extends(&stored, &known, root_then).and_then(|()| check_in_place(&stored)) {
            Ok(()) => self.known = stored.head,
            Err(freeze) => self.freeze(freeze),
        }
        Ok(())
    }

    /// Hands what is committed to the releaser.
    async fn release(&mut self, answers: Vec<Answer>) {
        let committed = Committed { head: self.known.clone(), answers };
        // The releaser ends only with the process, and then nobody waits.
        let _ = self.released.send(committed).await;
    }

    fn frozen(&self) -> Option<Freeze> {
        self.status.borrow().frozen.clone()
    }

    fn is_frozen(&self) -> bool {
        self.status.borrow().frozen.is_some()
    }

    fn freeze(&self, freeze: Freeze) {
        freeze_status(&self.status, freeze);
    }
}

/// Freezes, for the first reason and for good.
pub(super) fn freeze_status(status: &watch::Sender<Status>, freeze: Freeze) {
    tracing::error!(reason = %freeze, "the log is frozen");
    metrics::counter!("prooftrail_log_frozen_total").increment(1);
    status.send_modify(|status| {
        status.frozen.get_or_insert(freeze);
    });
}

fn refuse_all(waiting: Vec<Waiting>, error: &AppendError) {
    waiting.into_iter().for_each(|waiting| waiting.refuse(error.clone()));
}

/// Answers a batch that the database kept failing: each as far as is known.
fn give_up(waiting: Vec<Waiting>, error: StoreError) {
    let error = Arc::new(error);
    for waiting in waiting {
        let in_doubt = waiting.in_doubt;
        waiting.refuse(if in_doubt { AppendError::OutcomeUnknown } else { AppendError::Unavailable(error.clone()) });
    }
}
