//! The start and the end of the service. In: a configuration; out: a server that listens, until it is told to stop.
//!
//! The order is the design: nothing listens before the keys are there, the store has this program's schema, and the log
//! has been found to be the one that was signed. Stopping goes the other way: no new requests, those in flight are
//! finished, the sequencer has no more senders and ends, the store is closed; all of it within a bound.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web::{self, Data},
};
use prooftrail_trust_roots::RootSet;
use zeroize::Zeroizing;

use super::{
    auth::{Role, Scope, oidc::Issuers, token::NewToken},
    background::Background,
    config::{Config, Limits},
    endorsements::{Folder, FolderError},
    keyring::{self, KeyringError},
    limits::RateLimit,
    opening::{self, OpeningError},
    policy_cache::PolicyCache,
    release::Releases,
    routes, shell,
    state::State,
    telemetry::{self, TelemetryError},
    tls::{Certificates, TlsError},
    tokens,
};
use crate::{
    endorsements::{Source, source::SourceError},
    issuers::BoundedIssuers,
    log::{Clock, SystemClock},
    store::{Access, OpenError, Store, StoreError, on},
};

/// How long the store is waited for when the service stops.
const CLOSE: Duration = Duration::from_secs(5);

/// Why the service does not start, or has ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Its keys.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Its store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its log.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The folder of endorsements.
    #[error(transparent)]
    Endorsements(#[from] FolderError),
    /// The source of endorsements.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A read or write at the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its log lines and metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client that fetches issuers' keys.
    #[error("OpenID Connect: {0}")]
    Issuers(#[from] reqwest::Error),
    /// The address.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The server.
    #[error("server: {0}")]
    Server(#[from] io::Error),
}

/// A service that listens.
pub struct Running {
    /// Where it is reached.
    pub url: String,
    /// The operator's token, if it was made in this start: the only time that it is seen.
    pub operator_token: Option<Zeroizing<String>>,
    server: Server,
    state: Data<State>,
}

/// Starts the service on the current runtime, by the machine's clock. `new_operator_token` makes one although there are
/// tokens already.
///
/// # Errors
/// [`ServeError`].
pub async fn start(config: Config, new_operator_token: bool) -> Result<Running, ServeError> {
    start_by(Arc::new(SystemClock), config, new_operator_token).await
}

/// The same by another clock.
///
/// # Errors
/// [`ServeError`].
pub async fn start_by(clock: Arc<dyn Clock>, config: Config, new_operator_token: bool) -> Result<Running, ServeError> {
    // reqwest takes the process's provider; a second start in one process finds it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let metrics = telemetry::recorder()?;
    let certificates = config.tls.as_ref().map(Certificates::read).transpose()?.map(Arc::new);
    let tls = certificates.as_ref().map(Certificates::server_config).transpose()?;
    let endorsements = Folder::open(config.endorsements.folder.as_deref())?;
    let roots = opening::roots(&config)?;
    let issuers = Issuers::new(&config.oidc)?;
    let opened = keyring::open(&config)?;
    let source = source(&config, &roots, &clock)?;
    let keyring = opened.keyring;
    let store = Arc::new(Store::open(config.database_url().expose(), Access::Serve).await?);
    let columns = Arc::new(opening::columns(&config, &store, &*clock).await?);
    let (log, sequencer) = opening::log(&config, &store, &keyring, opened.signer, opened.is_new, clock.clone()).await?;
    let operator_token = operator_token(&store, &*clock, new_operator_token).await?;
    let releases = Releases::new(&keyring, &roots).map_err(|reason| KeyringError::Origin(reason.to_string()))?;
    let background =
        Background::start(&log, &sequencer, &columns, &releases, source.as_ref(), clock.clone(), metrics.clone());
    let rate = RateLimit::new(config.limits.rate_per_second, config.limits.rate_burst);
    let verified = BoundedIssuers::default();
    let state = State {
        config,
        store,
        log,
        sequencer,
        columns,
        keyring,
        clock,
        roots,
        endorsements,
        source,
        certificates,
        policies: PolicyCache::default(),
        releases,
        verified,
        issuers,
        rate,
        background,
        metrics,
    };
    let state = Data::new(state);
    let (server, address) = listen(&state, tls.clone())?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!(%address, origin = state.keyring.origin, version = env!("CARGO_PKG_VERSION"), "serving");
    Ok(Running { url: format!("{scheme}://{address}"), operator_token, server, state })
}

/// Where endorsements come from that neither agents nor the folder bring.
fn source(config: &Config, roots: &RootSet, clock: &Arc<dyn Clock>) -> Result<Option<Arc<Source>>, SourceError> {
    let endorsements = &config.endorsements;
    if !endorsements.fetch {
        return Ok(None);
    }
    let (timeout, cache) = (Duration::from_secs(endorsements.timeout_seconds), config.data_file("endorsements"));
    Source::open(endorsements.places(), roots.clone(), clock.clone(), timeout, Some(&cache)).map(Some)
}

fn listen(state: &Data<State>, tls: Option<rustls::ServerConfig>) -> Result<(Server, SocketAddr), ServeError> {
    let Limits { connections, head_seconds, keep_alive_seconds, shutdown_seconds, workers, .. } = state.config.limits;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if workers == 0 { cores } else { workers };
    let data = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .wrap(from_fn(shell::around))
            .configure(routes::register)
            .default_service(web::route().to(shell::no_route))
    });
    let server = server
        .workers(workers)
        .max_connections(connections.div_ceil(workers))
        .client_request_timeout(Duration::from_secs(head_seconds))
        .client_disconnect_timeout(Duration::from_secs(2))
        .keep_alive(Duration::from_secs(keep_alive_seconds))
        .shutdown_timeout(shutdown_seconds)
        .disable_signals();
    let address = state.config.listen;
    let error = |source| ServeError::Listen { address, source };
    let server = match tls {
        Some(tls) => server.bind_rustls_0_23(address, tls).map_err(error)?,
        None => server.bind(address).map_err(error)?,
    };
    // With port 0 the system has chosen one.
    let address = server.addrs().first().copied().unwrap_or(address);
    Ok((server.run(), address))
}

impl Running {
    /// What stops it from elsewhere; `stop(true)` lets requests in flight finish.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// The service.
    #[must_use]
    pub fn state(&self) -> Data<State> {
        self.state.clone()
    }

    /// What makes it read its certificate and endorsements again. It keeps nothing alive.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::downgrade(&self.state))
    }

    /// Serves until it is stopped, and closes what it had opened.
    ///
    /// # Errors
    /// [`ServeError::Server`].
    pub async fn serve(self) -> Result<(), ServeError> {
        let Self { server, state, .. } = self;
        let ended = server.await;
        let store = state.store.clone();
        // The last sender of the sequencer goes with the state: it finishes what it has, and ends; so do the tasks.
        drop(state);
        if tokio::time::timeout(CLOSE, store.close()).await.is_err() {
            tracing::warn!("the store is still busy; what was not acknowledged may not have happened");
        }
        tracing::info!("stopped");
        Ok(ended?)
    }
}

/// A way to tell a running service that files have changed.
#[derive(Clone)]
pub struct Reloader(Weak<State>);

impl Reloader {
    /// Has the files read again, if the service still runs.
    pub fn reload(&self) {
        if let Some(state) = self.0.upgrade() {
            state.reload();
        }
    }
}

/// The first token, from which all others come. Whoever starts the service on its database may have one anyway.
async fn operator_token(
    store: &Store,
    clock: &dyn Clock,
    is_asked_for: bool,
) -> Result<Option<Zeroizing<String>>, ServeError> {
    const COUNT: &str = "-- token_count\nSELECT COUNT(*) FROM token";
    let tokens: i64 =
        on!(store.db(), pool => sqlx::query_scalar(COUNT).fetch_one(pool).await).map_err(StoreError::from)?;
    if tokens > 0 && !is_asked_for {
        return Ok(None);
    }
    let now = i64::try_from(clock.now()).unwrap_or(i64::MAX);
    let NewToken { text, row } = NewToken::make(&Scope::Instance, "made at the start", &Role::ALL, "start", now, None)?;
    tokens::insert(store, &row).await?;
    tracing::info!(token = row.id, "operator token made");
    Ok(Some(text))
}
