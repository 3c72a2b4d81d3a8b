//! What commits rest on at this moment, for readiness: settings change while a server runs. In: an open store; out: its
//! settings as they are now, and which of them would lose what was acknowledged.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Engine, Store, StoreError, pg::Durability};

/// What the store's commits rest on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Footing {
    /// `sqlite` or `postgresql`.
    pub engine: &'static str,
    /// The settings that decide it, by the engine's own names.
    pub settings: BTreeMap<&'static str, String>,
    /// A setting with which a crash loses acknowledged commits.
    pub not_durable: Option<&'static str>,
    /// Whether what is written will be found again: false if the database file was replaced while it was open.
    pub in_place: bool,
    /// Whether a failover can lose acknowledged commits: no standby has to have them. False for SQLite, which has none.
    pub failover_can_lose: bool,
}

impl Store {
    /// What commits rest on now.
    ///
    /// # Errors
    /// [`StoreError::Sql`] if the database does not answer.
    pub async fn footing(&self) -> Result<Footing, StoreError> {
        match self.db() {
            Engine::Lite(pool) => {
                let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
                let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
                // 2 is FULL, 3 EXTRA. https://sqlite.org/pragma.html#pragma_synchronous
                let not_durable = (synchronous < 2).then_some("synchronous");
                let settings = [("journal_mode", journal), ("synchronous", synchronous.to_string())];
                let in_place = self.file().is_some_and(|file| file.is_in_place().unwrap_or(false));
                let settings = settings.into_iter().collect();
                Ok(Footing { engine: "sqlite", settings, not_durable, in_place, failover_can_lose: false })
            }
            Engine::Pg(pool) => {
                let mut connection = pool.acquire().await?;
                let durability = Durability::read(&mut connection).await?;
                let not_durable = durability.lossy().map(|(setting, _)| setting);
                let Durability { fsync, synchronous_commit, full_page_writes, synchronous_standby_names } = durability;
                let failover_can_lose = synchronous_standby_names.is_empty();
                let settings = [
                    ("fsync", fsync),
                    ("synchronous_commit", synchronous_commit),
                    ("full_page_writes", full_page_writes),
                    ("synchronous_standby_names", synchronous_standby_names),
                ];
                let settings = settings.into_iter().collect();
                Ok(Footing { engine: "postgresql", settings, not_durable, in_place: true, failover_can_lose })
            }
        }
    }
}
