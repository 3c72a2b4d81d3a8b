//! The one way to a transaction. In: a name and what to do; out: what that gave, once it is committed; or an error that
//! says whether it may have been. The name is the label of its metrics and, as a comment, of its statements.
//!
//! What has certainly not been committed and may succeed in a second attempt is retried, [`MAX_ATTEMPTS`] times in all:
//! serialisation failures, deadlocks, busy files, connections lost before COMMIT was sent.

use std::{marker::PhantomData, pin::Pin, time::Duration};

use sqlx::{Postgres, Sqlite, Transaction};
use tokio::time::Instant;

use super::{Db, Engine, Store, StoreError, on};

/// How often a transaction is begun before its last error is returned.
pub const MAX_ATTEMPTS: u32 = 6;

/// The wait before the second attempt; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// What a transaction does: a boxed future, as `Box::pin(async move { … })` makes it.
pub type Work<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// A transaction in the making. `'env` is what lives at least as long as the call that made it.
#[derive(Debug)]
pub struct Tx<'env> {
    pub(crate) on: Engine<Transaction<'static, Sqlite>, Transaction<'static, Postgres>>,
    _env: PhantomData<&'env ()>,
}

/// An error of what a transaction does, which may be the database's.
pub trait TxError: From<StoreError> {
    /// The database's error, if this is one.
    fn store(&self) -> Option<&StoreError>;
}

impl TxError for StoreError {
    fn store(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Store {
    /// Runs `work` in a transaction called `name`, and commits it unless it fails.
    ///
    /// On PostgreSQL it is READ COMMITTED: every statement sees what was committed before it, so what follows a lock
    /// sees what the lock waited for. On SQLite it is BEGIN IMMEDIATE: writers stand in line.
    ///
    /// # Errors
    /// `work`'s own, and the database's. [`StoreError::OutcomeUnknown`] alone may have been committed.
    pub async fn run_tx<'env, T, E, F>(&'env self, name: &'static str, work: F) -> Result<T, E>
    where
        E: TxError,
        F: for<'t> Fn(&'t mut Tx<'env>) -> Work<'t, T, E>,
    {
        let start = Instant::now();
        let mut attempt = 1;
        let result = loop {
            let result = self.attempt(name, &work).await;
            match &result {
                Err(error) if attempt < MAX_ATTEMPTS && error.store().is_some_and(is_transient) => {
                    count(name, "retried");
                    tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                _ => break result,
            }
        };
        count(name, if result.is_ok() { "committed" } else { "failed" });
        metrics::histogram!("prooftrail_transaction_seconds", "tx" => name).record(start.elapsed().as_secs_f64());
        result
    }

    async fn attempt<'env, T, E, F>(&'env self, name: &'static str, work: &F) -> Result<T, E>
    where
        E: TxError,
        F: for<'t> Fn(&'t mut Tx<'env>) -> Work<'t, T, E>,
    {
        let mut tx = self.begin().await.map_err(StoreError::from)?;
        let value = work(&mut tx).await?; // dropped without COMMIT, a transaction is rolled back
        on!(tx.on, tx => tx.commit().await).map_err(|source| {
            if is_refusal(&source) {
                StoreError::Sql(source)
            } else {
                StoreError::OutcomeUnknown { transaction: name, source }
            }
        })?;
        Ok(value)
    }

    async fn begin<'env>(&'env self) -> sqlx::Result<Tx<'env>> {
        let on = match &self.db {
            Db::Lite(pool) => Engine::Lite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Db::Pg(pool) => Engine::Pg(pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?),
        };
        Ok(Tx { on, _env: PhantomData })
    }
}

fn count(name: &'static str, status: &'static str) {
    metrics::counter!("prooftrail_transactions_total", "tx" => name, "status" => status).increment(1);
}

/// Codes by which an engine says that a transaction was not committed only because of others that ran beside it:
/// PostgreSQL's SQLSTATE 40001 and 40P01; SQLite's BUSY, LOCKED, BUSY_RECOVERY and BUSY_SNAPSHOT.
const CONTENTION: &[&str] = &["40001", "40P01", "5", "6", "261", "517"];

/// Whether an error at COMMIT says that the transaction was not committed.
///
/// PostgreSQL reports a failed COMMIT after it has rolled back, except in class 57 (the server is going down, which it
/// can say after the commit record was written) and 58 (its files fail it). Of SQLite only contention is that certain: a
/// failed fsync may have left a whole commit in the journal.
fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    let Some(code) = error.code() else { return false };
    let is_sqlstate = code.len() == 5;
    CONTENTION.contains(&&*code) || is_sqlstate && !code.starts_with("57") && !code.starts_with("58")
}

/// Whether the same transaction may succeed when it is begun again, and certainly was not committed.
fn is_transient(error: &StoreError) -> bool {
    match error {
        StoreError::Sql(sqlx::Error::Database(database)) => {
            let code = database.code().unwrap_or_default();
            CONTENTION.contains(&&*code) || code.starts_with("57P")
        }
        // The connection is gone before COMMIT was sent: the server rolls the transaction back.
        StoreError::Sql(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
        StoreError::Sql(_) | StoreError::OutcomeUnknown { .. } | StoreError::Corrupt { .. } => false,
    }
}

impl Tx<'_> {
    /// Runs one statement without parameters, and returns the number of rows it wrote.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(&mut self, sql: &'static str) -> sqlx::Result<u64> {
        Ok(on!(&mut self.on, tx => sqlx::query(sql).execute(&mut **tx).await?.rows_affected()))
    }
}
