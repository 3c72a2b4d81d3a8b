//! What every handler works with. In: what the start has put together; out: one value, shared by all workers.
//!
//! A route's handler gets it in [`super::call::Call::state`]. It owns whatever is cached, and each of these is bounded.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use prooftrail_trust_roots::RootSet;

use super::{
    auth::oidc::Issuers, background::Background, config::Config, endorsements::Folder, keyring::Keyring,
    limits::RateLimit, policy_cache::PolicyCache, release::Releases, tls::Certificates,
};
use crate::{
    endorsements::Source,
    issuers::BoundedIssuers,
    log::{Clock, database::LogDatabase, sequencer::Sequencer},
    secrets::ColumnKeys,
    store::Store,
};

/// The service.
pub struct State {
    /// The configuration.
    pub config: Config,
    /// The store.
    pub store: Arc<Store>,
    /// The log's tables.
    pub log: LogDatabase,
    /// The way into the log.
    pub sequencer: Sequencer,
    /// The keys of secret columns.
    pub columns: Arc<ColumnKeys>,
    /// The service's keys.
    pub keyring: Keyring,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The silicon roots that evidence may rest on.
    pub roots: RootSet,
    /// What vouches for evidence, beside what agents send.
    pub endorsements: Folder,
    /// The same from vendors, unless they are not to be asked.
    pub source: Option<Arc<Source>>,
    /// The service's own certificate, where it speaks TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// Compiled policies.
    pub policies: PolicyCache,
    /// What the agents' routes keep.
    pub releases: Releases,
    /// Certificates that were verified before.
    pub verified: BoundedIssuers,
    /// Who issues tokens beside us.
    pub issuers: Issuers,
    /// How much one address may ask.
    pub rate: RateLimit,
    /// What runs beside the requests.
    pub background: Background,
    /// The metrics.
    pub metrics: PrometheusHandle,
}

impl State {
    /// Reads again what may change while the service runs: the certificate and the endorsements. What cannot be used is
    /// logged, and what was there before stays in use.
    pub fn reload(&self) {
        if let Some(certificates) = &self.certificates {
            match certificates.reload() {
                Ok(()) => tracing::info!("TLS certificate read again"),
                Err(error) => tracing::error!(%error, "the TLS certificate that was read before stays in use"),
            }
        }
        match self.endorsements.reload() {
            Ok(files) => tracing::info!(files, "endorsements read again"),
            Err(error) => tracing::error!(%error, "the endorsements that were read before stay in use"),
        }
    }
}
