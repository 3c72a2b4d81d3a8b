//! What was refused and makes no entry: everything but authentic evidence. In: stable codes; out: counters in the metrics,
//! and rows in a table that strangers cannot grow: a row for each day and code, of which there are as many as this build
//! has.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::store::{Store, StoreError, on};

/// How long rows are kept, in days.
const DAYS: i64 = 400;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Refusals that were not written to the store yet.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<&'static str, i64>>);

impl Refusals {
    /// Counts one refusal for these reasons.
    pub(super) fn count(&self, codes: impl Iterator<Item = &'static str>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for code in codes {
            metrics::counter!("prooftrail_refusals_total", "code" => code).increment(1);
            let count = counts.entry(code).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Adds what was counted to the store, and removes what is old. What cannot be written is written the next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write(&self, store: &Store, now: i64) -> Result<(), StoreError> {
        const ADD: &str = "-- refusals_add\nINSERT INTO refusal (day, code, number) VALUES ($1, $2, $3) \
             ON CONFLICT (day, code) DO UPDATE SET number = refusal.number + excluded.number";
        const FORGET: &str = "-- refusals_forget\nDELETE FROM refusal WHERE day < $1";
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let day = now.div_euclid(DAY_MILLIS);
        let rows = &counts;
        let written = store.run_tx::<_, StoreError, _>("refusals", |tx| {
            Box::pin(async move {
                on!(&mut tx.on, tx => {
                    for (code, number) in rows {
                        sqlx::query(ADD).bind(day).bind(*code).bind(*number).execute(&mut **tx).await?;
                    }
                    sqlx::query(FORGET).bind(day.saturating_sub(DAYS)).execute(&mut **tx).await?;
                });
                Ok(())
            })
        });
        let written = written.await;
        if written.is_err() {
            let mut again = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (code, number) in counts {
                let count = again.entry(code).or_default();
                *count = count.saturating_add(number);
            }
        }
        written
    }
}
