//! What runs beside the requests. In: the log, the keys of secret columns, what was refused, what was
//! fetched; out: tiles, a log that is read over and over, keys that rotate, counts, endorsements that are asked for again. Readiness looks here whether any of it has ended, which none should.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;

use crate::{
    endorsements::Source,
    log::{
        Clock,
        database::LogDatabase,
        maintenance::{Maintenance, Schedule},
        sequencer::Sequencer,
    },
    secrets::ColumnKeys,
    service::release::{self, Releases},
};

/// How often the keys of secret columns are looked at.
const COLUMNS: Duration = Duration::from_secs(60);

/// How often histograms are drained, so that they do not grow while nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The tasks. They end when this is dropped.
pub struct Background {
    maintenance: Maintenance,
    tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl Background {
    /// Starts them on the current runtime.
    #[must_use]
    pub fn start(
        log: &LogDatabase,
        sequencer: &Sequencer,
        columns: &Arc<ColumnKeys>,
        releases: &Releases,
        source: Option<&Arc<Source>>,
        clock: Arc<dyn Clock>,
        metrics: PrometheusHandle,
    ) -> Self {
        let maintenance = Maintenance::start(log.clone(), sequencer, Schedule::default());
        let forget = release::upkeep(log.store().clone(), releases.refusals.clone(), clock.clone());
        let mut tasks = vec![
            ("columns", tokio::spawn(refresh(columns.clone(), clock))),
            ("metrics", tokio::spawn(upkeep(metrics))),
            ("releases", tokio::spawn(forget)),
        ];
        if let Some(source) = source {
            tasks.push(("endorsements", tokio::spawn(source.clone().upkeep())));
        }
        Self { maintenance, tasks }
    }

    /// The tasks that have ended, by name.
    #[must_use]
    pub fn ended(&self) -> Vec<&'static str> {
        let ended = self.tasks.iter().filter(|(_, task)| task.is_finished()).map(|(name, _)| *name);
        // Its sender goes with its task.
        let maintenance = self.maintenance.scrubbed().has_changed().is_err().then_some("maintenance");
        ended.chain(maintenance).collect()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Each may be stopped anywhere.
        self.tasks.iter().for_each(|(_, task)| task.abort());
    }
}

async fn refresh(columns: Arc<ColumnKeys>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(COLUMNS).await;
        if let Err(error) = columns.refresh(clock.now()).await {
            tracing::error!(%error, "the keys of secret columns could not be refreshed");
        }
    }
}

async fn upkeep(metrics: PrometheusHandle) {
    loop {
        metrics.run_upkeep();
        tokio::time::sleep(UPKEEP).await;
    }
}
