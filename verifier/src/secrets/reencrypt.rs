//! Re-encryption after a rotation. In: a secret column; out: its values, step by step, under the newest key.
//!
//! A value is opened at the place that it says it was made for, and sealed for that same place: what was swapped before
//! stays swapped, and noticed by whoever reads it.

use sqlx::AssertSqlSafe;

use super::{
    ColumnKeys, KeyringError, SecretError,
    envelope::{Envelope, Part, Place, prefix},
};
use crate::store::{Engine, StoreError};

/// A column that holds envelopes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SecretColumn {
    table: &'static str,
    column: &'static str,
}

impl SecretColumn {
    /// The column `column` of `table`, which on SQLite has row ids. Both are names of lower-case letters and `_`.
    ///
    /// # Panics
    /// While it is compiled, if it stands in a constant, for any other name.
    #[must_use]
    pub const fn new(table: &'static str, column: &'static str) -> Self {
        assert!(is_name(table.as_bytes()) && is_name(column.as_bytes()), "a name has lower-case letters and _");
        Self { table, column }
    }

    /// The place of a value in this column.
    #[must_use]
    pub const fn at<'a>(&self, project: &'a str, row: &'a [u8], version: u64, context: Vec<&'a [u8]>) -> Place<'a> {
        Place { project, table: self.table, row, column: self.column, version, context }
    }
}

const fn is_name(mut name: &[u8]) -> bool {
    let is_empty = name.is_empty();
    while let [first, rest @ ..] = name {
        if !matches!(first, b'a'..=b'z' | b'_') {
            return false;
        }
        name = rest;
    }
    !is_empty
}

/// The statements for one column on one engine: what is under another key, and its replacement.
fn statements(column: SecretColumn, is_lite: bool) -> (String, String) {
    let SecretColumn { table, column } = column;
    // Where a row is on the disk finds it again at once, whatever the table's key; it is locked in between.
    let (row, of_row, lock) =
        if is_lite { ("rowid", "$3", "") } else { ("ctid::text", "$3::tid", " FOR UPDATE SKIP LOCKED") };
    let at = if is_lite { "rowid" } else { "ctid" };
    let select = format!(
        "-- reencrypt\nSELECT CAST({row} AS TEXT), {column} FROM {table} WHERE substr({column}, 1, 17) <> $1 LIMIT $2{lock}"
    );
    let update = format!("-- reencrypt\nUPDATE {table} SET {column} = $2 WHERE {column} = $1 AND {at} = {of_row}");
    (select, update)
}

impl ColumnKeys {
    /// Puts up to `limit` values of `column` under the newest key, in one transaction, and returns how many there were;
    /// 0 once no other value is left, or none that is not being written by somebody else.
    ///
    /// # Errors
    /// [`KeyringError`]; [`KeyringError::Secret`] for the first value that does not open. Nothing was written then.
    pub async fn reencrypt(&self, column: SecretColumn, limit: u32) -> Result<u64, KeyringError> {
        let newest = self.newest().ok_or(SecretError::Exhausted)?;
        let work = self.store.run_tx("reencrypt", |tx| {
            Box::pin(async move {
                let (select, update) = statements(column, matches!(tx.on, Engine::Lite(_)));
                let prefix = prefix(&newest);
                let mut written = 0;
                // `on!` would need row numbers and places on disk to be of one type on both engines: as text, they are.
                let rows: Vec<(String, Vec<u8>)> = crate::store::on!(&mut tx.on, tx => {
                    let select = sqlx::query_as(AssertSqlSafe(select)).bind(&prefix[..]).bind(i64::from(limit));
                    select.fetch_all(&mut **tx).await
                })?;
                for (row, old) in rows {
                    let new = self.reseal(column, &old)?;
                    let update = AssertSqlSafe(update.clone());
                    written += match &mut tx.on {
                        Engine::Lite(tx) => {
                            let row: i64 = row.parse().map_err(|_| StoreError::Corrupt { what: "rowid" })?;
                            sqlx::query(update).bind(old).bind(new).bind(row).execute(&mut **tx).await?.rows_affected()
                        }
                        Engine::Pg(tx) => {
                            sqlx::query(update).bind(old).bind(new).bind(row).execute(&mut **tx).await?.rows_affected()
                        }
                    };
                }
                Ok::<_, KeyringError>(written)
            })
        });
        work.await
    }

    fn reseal(&self, column: SecretColumn, old: &[u8]) -> Result<Vec<u8>, SecretError> {
        let place = Envelope::parse(old)?.place;
        for (part, is_same) in
            [(Part::Table, place.table == column.table), (Part::Column, place.column == column.column)]
        {
            if !is_same {
                return Err(SecretError::Moved { part });
            }
        }
        self.encrypt(&place, self.decrypt(&place, old)?.expose())
    }
}
