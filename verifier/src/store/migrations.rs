//! Migrations, up and down, and the gate that a schema must pass. In: the files of migrations/; out: a database with
//! exactly [`SCHEMA_VERSION`], or the reason. A migration that was changed after it ran is refused by its checksum.

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{Access, Db, Engine, OpenError, Store, on};

/// A step of the schema on one engine, up and down.
struct Step {
    version: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! step {
    ($engine:literal, $version:literal, $file:literal) => {
        Step {
            version: $version,
            name: $file,
            up: include_str!(concat!("../../../migrations/", $engine, "/", $file, ".up.sql")),
            down: include_str!(concat!("../../../migrations/", $engine, "/", $file, ".down.sql")),
        }
    };
}

const LITE: &[Step] = &[
    step!("sqlite", 1, "0001_ledger"),
    step!("sqlite", 2, "0002_secrets_and_archive"),
    step!("sqlite", 3, "0003_service"),
    step!("sqlite", 4, "0004_release"),
];
const PG: &[Step] = &[
    step!("postgres", 1, "0001_ledger"),
    step!("postgres", 2, "0002_secrets_and_archive"),
    step!("postgres", 3, "0003_service"),
    step!("postgres", 4, "0004_release"),
];

/// The version of the schema that this program reads and writes.
pub const SCHEMA_VERSION: i64 = 4;

impl Store {
    /// Lets a database pass that has this program's schema; a serving program brings an older one up to it.
    pub(super) async fn gate(&self, access: Access) -> Result<(), OpenError> {
        let have = self.schema_version().await?;
        if have > SCHEMA_VERSION {
            return Err(OpenError::SchemaTooNew { have, known: SCHEMA_VERSION });
        }
        match access {
            Access::Inspect if have < SCHEMA_VERSION => Err(OpenError::SchemaTooOld { have, need: SCHEMA_VERSION }),
            Access::Inspect => Ok(()),
            Access::Serve => {
                let migrator = migrator(&self.db);
                Ok(on!(&self.db, pool => migrator.run(pool).await)?)
            }
        }
    }

    /// Takes the schema back to `version`, dropping what later versions added; 0 empties the database.
    ///
    /// # Errors
    /// [`OpenError::NoSuchSchema`], [`OpenError::Migration`].
    pub async fn migrate_down(&self, version: i64) -> Result<(), OpenError> {
        if !(0..=SCHEMA_VERSION).contains(&version) {
            return Err(OpenError::NoSuchSchema { version });
        }
        let migrator = migrator(&self.db);
        Ok(on!(&self.db, pool => migrator.undo(pool, version).await)?)
    }

    /// The version of the database's schema; 0 if it has none.
    async fn schema_version(&self) -> Result<i64, OpenError> {
        let table = match &self.db {
            Engine::Lite(_) => "-- schema_table\nSELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'",
            Engine::Pg(_) => {
                "-- schema_table\nSELECT count(*) FROM pg_class WHERE oid = to_regclass('_sqlx_migrations')"
            }
        };
        let tables: i64 = on!(&self.db, pool => sqlx::query_scalar(table).fetch_one(pool).await)?;
        if tables == 0 {
            return Ok(0);
        }
        const VERSION: &str = "-- schema_version\nSELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
        Ok(on!(&self.db, pool => sqlx::query_scalar(VERSION).fetch_one(pool).await)?)
    }
}

fn migrator(db: &Db) -> Migrator {
    let steps = match db {
        Engine::Lite(_) => LITE,
        Engine::Pg(_) => PG,
    };
    let migrations = steps.iter().flat_map(|step| {
        let Step { version, name, up, down } = *step;
        [(MigrationType::ReversibleUp, up), (MigrationType::ReversibleDown, down)]
            .map(|(kind, sql)| Migration::new(version, name.into(), kind, sql.into_sql_str(), false))
    });
    Migrator::with_migrations(migrations.collect())
}
