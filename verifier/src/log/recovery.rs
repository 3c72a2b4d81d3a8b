//! Taking a log up again after its database moved: a promotion, or a restore that an operator has made complete. In: the
//! head in the database it is in now, and what was signed; out: a recovery entry in a new recovery epoch, which voids
//! challenges and sessions. docs/ledger.md, section "Recovery".

use prooftrail_ledger::Checkpoint;

use super::{
    append::{self, Ended},
    batch::{Batch, Request, RequestId},
    database::LogDatabase,
    entry::{Commitment, Draft, EntryType},
    guard::Guard,
    head::{Freeze, Head, Place},
    start::{StartError, check_extends_all},
};

/// Appends the recovery entry with the commitment `record` and returns the head and the guard that must be written
/// before the next start. Nothing that was signed may be missing; only the database's identity may be another.
///
/// `now` is in milliseconds since the Unix epoch.
///
/// # Errors
/// [`StartError`]: whatever was signed and is missing stays a reason to freeze. [`StartError::Store`] of
/// `OutcomeUnknown` is found out by trying again: the database is then in its place.
pub async fn recover(
    log: &LogDatabase,
    origin: &str,
    guard: Option<&Guard>,
    seen: &[Checkpoint],
    record: Commitment,
    now: u64,
) -> Result<(Head, Guard), StartError> {
    let stored = check_extends_all(Some(log), origin, guard, seen).await?;
    let from = &stored.head;
    let to = Head { recovery_epoch: from.recovery_epoch + 1, database: stored.live, ..from.clone() };
    let draft = Draft { entry_type: EntryType::Recovery, commitment: record };
    let request = Request { id: RequestId { project: String::new(), id: *record.as_bytes() }, draft, side_rows: None };
    let batch = &Batch::new(&to, [request], now)?;
    let log_id = log.log_id;
    let recovered = log.store.run_tx("log_recover", |tx| {
        Box::pin(async move {
            append::move_head(tx, log_id, from, &batch.before).await?;
            append::append(tx, log_id, batch).await
        })
    });
    recovered.await.map_err(|ended| match ended {
        Ended::Store(error) => StartError::Store(error),
        Ended::Frozen(freeze) => StartError::Frozen(freeze),
        Ended::Conflict | Ended::Refused(_) => StartError::Frozen(Freeze::Contradiction { size: from.size() }),
    })?;
    let head = batch.after.clone();
    let place = Place { recovery_epoch: head.recovery_epoch, database: head.database };
    let guard = Guard { origin: origin.to_owned(), size: head.size(), root: head.root(), place };
    Ok((head, guard))
}
