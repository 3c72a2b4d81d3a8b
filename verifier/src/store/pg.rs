//! What is PostgreSQL's own: the settings on which an acknowledged commit rests. In: a URL; out: a pool, every
//! connection of which has passed [`Durability::check`]. PostgreSQL 15 manual, sections 20.5 and 20.6.

use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{MAX_CONNECTIONS, OpenError, PATIENCE};

/// The settings on which acknowledged commits rest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Durability {
    /// `fsync`.
    pub fsync: String,
    /// `synchronous_commit`, as this session has it.
    pub synchronous_commit: String,
    /// `full_page_writes`.
    pub full_page_writes: String,
    /// `synchronous_standby_names`: empty if a failover can lose acknowledged commits.
    pub synchronous_standby_names: String,
}

impl Durability {
    pub(super) async fn read(connection: &mut PgConnection) -> sqlx::Result<Self> {
        const SETTINGS: &str = "-- durability\nSELECT current_setting('fsync'), current_setting('synchronous_commit'), \
             current_setting('full_page_writes'), current_setting('synchronous_standby_names')";
        let row = sqlx::query_as::<_, (String, String, String, String)>(SETTINGS).fetch_one(connection).await?;
        let (fsync, synchronous_commit, full_page_writes, synchronous_standby_names) = row;
        Ok(Self { fsync, synchronous_commit, full_page_writes, synchronous_standby_names })
    }

    /// Refuses settings under which a crash of the server loses what it acknowledged.
    ///
    /// # Errors
    /// [`OpenError::NotDurable`] with the first such setting.
    pub fn check(&self) -> Result<(), OpenError> {
        match self.lossy() {
            Some((setting, value)) => Err(OpenError::NotDurable { setting, value: value.to_owned() }),
            None => Ok(()),
        }
    }

    /// The first setting with which a crash of the server loses what it acknowledged, and its value.
    pub(super) fn lossy(&self) -> Option<(&'static str, &str)> {
        let Self { fsync, synchronous_commit, full_page_writes, synchronous_standby_names: _ } = self;
        let settings =
            [("fsync", fsync), ("synchronous_commit", synchronous_commit), ("full_page_writes", full_page_writes)];
        settings.into_iter().map(|(setting, value)| (setting, value.as_str())).find(|(_, value)| *value == "off")
    }
}

pub(super) async fn open(url: &str) -> Result<(PgPool, Durability), OpenError> {
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        // A stale connection shows at BEGIN, before anything was written, and is retried there without this round trip.
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            // Settings change while the server runs; every new connection looks again.
            Box::pin(async move {
                let durability = Durability::read(connection).await?;
                durability.check().map_err(|error| sqlx::Error::Configuration(error.into()))
            })
        })
        .connect_lazy_with(options.application_name("prooftrail"));
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let durability = Durability::read(&mut connection).await?;
    durability.check()?;
    connection.close().await?;
    Ok((pool, durability))
}
