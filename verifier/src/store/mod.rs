//! The store: where everything that the service remembers is kept. In: a database URL; out: a [`Store`] whose schema is
//! the one this program knows, on settings under which a commit survives a crash, and [`Store::run_tx`], the one way to
//! a transaction. docs/ledger.md, section "Where it is kept".
//!
//! SQLite is the embedded default, for one process; PostgreSQL is what a fleet shares. Both run the same statements
//! ; what differs stands in two small modules.

mod error;
mod footing;
mod lite;
mod migrations;
mod pg;
mod transaction;

use std::time::Duration;

use sqlx::{PgPool, SqlitePool};

pub(crate) use self::lite::{lock, sync_directory};
pub use self::{
    error::{OpenError, StoreError},
    footing::Footing,
    lite::DatabaseFile,
    migrations::SCHEMA_VERSION,
    pg::Durability,
    transaction::{MAX_ATTEMPTS, Tx, TxError, Work},
};

/// Connections that one process keeps open at most.
const MAX_CONNECTIONS: u32 = 8;

/// How long a caller waits for a connection or for another writer's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs one expression on whichever engine it is. In: an enum with the variants `Lite` and `Pg`, a name for what is
/// inside, and an expression that both engines understand, which is compiled once for each.
macro_rules! on {
    ($either:expr, $inside:ident => $run:expr) => {
        match $either {
            $crate::store::Engine::Lite($inside) => $run,
            $crate::store::Engine::Pg($inside) => $run,
        }
    };
}
pub(crate) use on;

/// One of the two engines, with whatever belongs to it.
#[derive(Clone, Debug)]
pub enum Engine<L, P> {
    /// SQLite.
    Lite(L),
    /// PostgreSQL.
    Pg(P),
}

/// A pool of connections to either engine.
pub type Db = Engine<SqlitePool, PgPool>;

/// What a program wants from a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// To serve: the schema is brought up to date, and no second process may open the same SQLite file so.
    Serve,
    /// To look: nothing is written, and the schema must be this program's.
    Inspect,
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    db: Db,
    file: Option<DatabaseFile>,
    durability: Option<Durability>,
}

impl Store {
    /// Opens `url`: `sqlite:PATH`, or `postgres://…` as PostgreSQL's own tools read it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(url: &str, access: Access) -> Result<Self, OpenError> {
        let store = if let Some(path) = url.strip_prefix("sqlite:") {
            let (pool, file) = lite::open(path.as_ref(), access).await?;
            Self { db: Db::Lite(pool), file: Some(file), durability: None }
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let (pool, durability) = pg::open(url).await?;
            Self { db: Db::Pg(pool), file: None, durability: Some(durability) }
        } else {
            return Err(OpenError::Url);
        };
        store.gate(access).await?;
        Ok(store)
    }

    /// The pool, for reads that are one statement.
    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    /// The SQLite file, if it is one.
    #[must_use]
    pub const fn file(&self) -> Option<&DatabaseFile> {
        self.file.as_ref()
    }

    /// PostgreSQL's settings on which commits rest, for readiness. SQLite's are set by each connection.
    #[must_use]
    pub const fn durability(&self) -> Option<&Durability> {
        self.durability.as_ref()
    }

    /// Closes every connection, once what runs on them has ended.
    pub async fn close(&self) {
        on!(&self.db, pool => pool.close().await);
    }
}
