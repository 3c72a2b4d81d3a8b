//! Why the store cannot be opened, and why a transaction has not given what was asked. In: the driver's errors; out:
//! errors that say whether anything may have been written.

use std::path::PathBuf;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error("a database is named sqlite:PATH or postgres://USER@HOST/NAME")]
    Url,
    /// Another process serves from this file.
    #[error("{} is locked: another process serves from this database or with this configuration", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file of the store cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting under which acknowledged commits can be lost.
    #[error("PostgreSQL runs with {setting} = {value}: a crash could lose what was acknowledged; set it to on")]
    NotDurable {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
    /// The database was written by a newer program.
    #[error("the database has schema version {have}; this program knows versions up to {known}")]
    SchemaTooNew {
        /// The database's version.
        have: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The database awaits a migration, which only a serving program makes.
    #[error(
        "the database has schema version {have}, and {need} is needed; start `prooftrail serve` once to migrate it"
    )]
    SchemaTooOld {
        /// The database's version; 0 for an empty database.
        have: i64,
        /// This program's.
        need: i64,
    },
    /// There is no migration down to that version.
    #[error("there is no schema version {version}")]
    NoSuchSchema {
        /// The version asked for.
        version: i64,
    },
    /// A migration failed; each runs in a transaction of its own.
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database refused.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
}

/// Why a read or a transaction failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or was not there. Nothing was written.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The connection was lost while the commit was under way: it may or may not have happened, or be about to.
    #[error("it is not known whether {transaction} was committed: {source}")]
    OutcomeUnknown {
        /// The transaction's name.
        transaction: &'static str,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// What is stored cannot have been written by this program.
    #[error("the stored {what} is not well-formed")]
    Corrupt {
        /// Which column or value.
        what: &'static str,
    },
}
