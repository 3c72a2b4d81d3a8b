//! What goes on behind the head while a process serves: full tiles are built, and the scrubber reads the log over and over.
//! In: a log and its sequencer; out: tiles, metrics, and a frozen log where what was committed has changed.
//!
//! Everything here may stop anywhere and be done twice, and every replica may do it. Metrics:
//! `prooftrail_log_tiles_built_total`, `prooftrail_log_scrub_position`, `prooftrail_log_scrub_passes_total`,
//! `prooftrail_log_scrub_findings_total{code}`.

use std::{sync::Weak, time::Duration};

use prooftrail_ledger::tiles::{Tile, TileKind};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    database::LogDatabase,
    finding::{Finding, Findings},
    head::Freeze,
    scrubber::Scrubber,
    sequencer::{Sequencer, Status, freeze_status},
    tiles::TileError,
};
use crate::store::StoreError;

/// How often what is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// Between two looks for full tiles that are not stored yet.
    pub tiles: Duration,
    /// Between two steps of the scrubber, of 64 batches each.
    pub step: Duration,
    /// After the scrubber has reached the head, before it begins at the genesis entry again.
    pub rest: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { tiles: Duration::from_secs(1), step: Duration::from_millis(100), rest: Duration::from_secs(3600) }
    }
}

/// How far the scrubber is, and what it has found since the process started.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scrubbed {
    /// The index of the next entry that it reads.
    pub position: u64,
    /// How often it has read the whole log.
    pub passes: u64,
    /// What it has found.
    pub found: Findings,
}

/// The task. It ends when this is dropped, and by itself when the sequencer has ended.
#[derive(Debug)]
pub struct Maintenance {
    stop: watch::Sender<()>,
    scrubbed: watch::Receiver<Scrubbed>,
    task: JoinHandle<()>,
}

impl Maintenance {
    /// Starts it, on the current runtime.
    #[must_use]
    pub fn start(log: LogDatabase, sequencer: &Sequencer, schedule: Schedule) -> Self {
        let (stop, mut stopped) = watch::channel(());
        let (told, scrubbed) = watch::channel(Scrubbed::default());
        // Neither keeps the sequencer from ending.
        let mut status = sequencer.status();
        let work = Worker { log, freezes: sequencer.freezes.clone(), schedule, told };
        let ended = async move { while status.changed().await.is_ok() {} };
        let task = tokio::spawn(async move {
            tokio::select! {
                _ = stopped.changed() => {}
                () = ended => {}
                _ = async { tokio::join!(work.build(), work.scrub()) } => {}
            }
        });
        Self { stop, scrubbed, task }
    }

    /// How far the scrubber is; it can be waited on.
    #[must_use]
    pub fn scrubbed(&self) -> watch::Receiver<Scrubbed> {
        self.scrubbed.clone()
    }

    /// Ends it, and waits until nothing of it holds the store. A transaction that is under way is rolled back.
    pub async fn stop(self) {
        drop(self.stop);
        // It can only have been cancelled, by a runtime that ends.
        let _ = self.task.await;
    }
}

struct Worker {
    log: LogDatabase,
    freezes: Weak<watch::Sender<Status>>,
    schedule: Schedule,
    told: watch::Sender<Scrubbed>,
}

impl Worker {
    async fn build(&self) {
        let mut ticks = interval(self.schedule.tiles);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.build_once().await {
                Ok(built) => metrics::counter!("prooftrail_log_tiles_built_total").increment(built),
                Err(error) => tracing::warn!(%error, "tiles could not be built"),
            }
        }
    }

    async fn build_once(&self) -> Result<u64, TileError> {
        match self.log.head_row().await? {
            Some(head) => self.log.build_tiles(head.size).await,
            None => Ok(0),
        }
    }

    async fn scrub(&self) {
        loop {
            match self.pass().await {
                Ok(true) => return,
                Ok(false) => {
                    metrics::counter!("prooftrail_log_scrub_passes_total").increment(1);
                    self.told.send_modify(|told| told.passes += 1);
                }
                Err(error) => tracing::warn!(%error, "the log could not be scrubbed"),
            }
            sleep(self.schedule.rest).await;
        }
    }

    /// Reads the log from its genesis entry to the head that it has now; returns whether that froze it.
    async fn pass(&self) -> Result<bool, StoreError> {
        let Some(head) = self.log.head_row().await? else { return Ok(false) };
        let mut scrubber = Scrubber::default();
        let mut more = true;
        while more {
            let mut found = Findings::default();
            more = scrubber.step(&self.log, head.size, &mut found).await?;
            if !more {
                scrubber.compare_head(&head, &mut found);
            }
            self.told.send_modify(|told| told.position = scrubber.position());
            #[expect(
                clippy::as_conversions,
                clippy::cast_precision_loss,
                reason = "a gauge is a float; a log of 2^53 entries may be shown a few off"
            )]
            metrics::gauge!("prooftrail_log_scrub_position").set(scrubber.position() as f64);
            if !found.is_empty() && self.report(found).await? {
                return Ok(true);
            }
            sleep(self.schedule.step).await;
        }
        Ok(false)
    }

    /// Says what was found, makes anew what can be, and freezes the log for the rest; returns whether it did.
    async fn report(&self, found: Findings) -> Result<bool, StoreError> {
        for (code, count) in found.counts() {
            metrics::counter!("prooftrail_log_scrub_findings_total", "code" => *code).increment(*count);
        }
        for finding in found.listed() {
            tracing::error!(code = finding.code(), %finding, "the scrubber found something");
            if let Finding::Tile { tile } = finding {
                self.log.rebuild_tile(*tile).await?;
            }
        }
        let contradiction = found.listed().iter().find(|finding| finding.is_contradiction()).cloned();
        self.told.send_modify(|told| told.found.extend(found));
        let Some(finding) = contradiction else { return Ok(false) };
        if let Some(status) = self.freezes.upgrade() {
            freeze_status(&status, Freeze::Scrubbed { finding: Box::new(finding) });
        }
        Ok(true)
    }
}

impl LogDatabase {
    /// Puts what the entries make in the place of a full tile that is stored.
    async fn rebuild_tile(&self, tile: Tile) -> Result<(), StoreError> {
        let TileKind::Hashes { level } = tile.kind() else { return Ok(()) };
        match self.make_tile(level, tile.index(), tile.width()).await {
            Ok(hashes) => self.replace_tile(level, tile.index(), &hashes.to_bytes()).await,
            Err(TileError::Store(error)) => Err(error),
            Err(TileError::OffEdge(_)) => Ok(()),
        }
    }
}
