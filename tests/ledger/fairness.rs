//! Several sequencers on one log: none may starve. How the work divides is printed; that all of it is done, that every
//! writer gets its share and that none waits for ever is asserted.

use std::time::{Duration, Instant};

use prooftrail::{
    log::{
        batch::{Batch, Receipt, RequestId},
        database::{LogDatabase, LogStore, Outcome},
        head::{Freeze, StoredHead},
        sequencer::Sequencer,
    },
    store::StoreError,
};
use prooftrail_ledger::Hash;

use crate::{log, postgres::Postgres, scratch::Scratch};

/// Requests that each writer has in flight at once.
const IN_FLIGHT: u64 = 16;

/// How long the writers compete.
const LOAD: Duration = Duration::from_secs(6);

/// Asks one request after the other until the time is over; returns how long each took.
async fn ask(sequencer: Sequencer, first: u64, end: Instant) -> Vec<Duration> {
    let mut took = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let number = first + u64::try_from(took.len()).unwrap();
        sequencer.append(log::request(number)).await.unwrap();
        took.push(start.elapsed());
    }
    took
}

/// A log whose database is far away.
#[derive(Clone)]
struct Distant {
    inner: LogDatabase,
    away: Duration,
}

impl LogStore for Distant {
    async fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        tokio::time::sleep(self.away).await;
        self.inner.head().await
    }

    async fn root_at(&self, size: u64) -> Result<Option<Hash>, StoreError> {
        tokio::time::sleep(self.away).await;
        self.inner.root_at(size).await
    }

    async fn find(&self, request: &RequestId) -> Result<Option<Receipt>, StoreError> {
        tokio::time::sleep(self.away).await;
        self.inner.find(request).await
    }

    async fn append(&self, batch: &Batch) -> Result<Outcome, StoreError> {
        tokio::time::sleep(self.away).await;
        self.inner.append(batch).await
    }

    async fn append_in_line<F>(&self, known: u64, make: F) -> Result<(Outcome, Option<Batch>), StoreError>
    where
        F: Fn(&StoredHead, Option<Hash>) -> Result<Batch, Freeze> + Send + Sync,
    {
        tokio::time::sleep(self.away).await;
        self.inner.append_in_line(known, make).await
    }

    fn is_in_place(&self) -> bool {
        self.inner.is_in_place()
    }
}

/// Lets a writer for each distance compete, and returns how long each of their requests took, sorted.
async fn compete(away: [Duration; 3]) -> Option<Vec<Vec<Duration>>> {
    let server = Postgres::start()?;
    let (scratch, url) = (Scratch::new(), server.url("postgres"));
    log::create(&url).await.store().close().await;
    let mut sequencers = Vec::new();
    for (writer, away) in away.into_iter().enumerate() {
        let database = Distant { inner: log::open(&url).await.unwrap(), away };
        let guard = scratch.path().join(format!("guard{writer}"));
        sequencers.push(log::start(Some(database), &guard, &[]).await.unwrap());
    }
    let end = Instant::now() + LOAD;
    let mut took = Vec::new();
    let mut lanes = Vec::new();
    for (writer, sequencer) in (0..).zip(&sequencers) {
        let lane = |lane| tokio::spawn(ask(sequencer.clone(), (writer * IN_FLIGHT + lane) * 1_000_000, end));
        lanes.push((0..IN_FLIGHT).map(lane).collect::<Vec<_>>());
    }
    for (writer, lanes) in lanes.into_iter().enumerate() {
        let mut of_writer = Vec::new();
        for lane in lanes {
            of_writer.extend(lane.await.unwrap());
        }
        of_writer.sort_unstable();
        let at = |percent: usize| of_writer[(of_writer.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
        let (count, p50, p99, longest) = (of_writer.len(), at(50), at(99), at(100));
        println!("writer {writer}: {count} entries, p50 {p50:.2} ms, p99 {p99:.2} ms, longest {longest:.2} ms");
        took.push(of_writer);
    }
    Some(took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn equal_writers_share() {
    let Some(took) = compete([Duration::ZERO; 3]).await else { return };
    let entries: Vec<usize> = took.iter().map(Vec::len).collect();
    assert!(entries.iter().min().unwrap() * 4 >= *entries.iter().max().unwrap(), "one starves: {entries:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_distant_writer_does_not_starve() {
    let Some(took) = compete([Duration::ZERO, Duration::ZERO, Duration::from_millis(10)]).await else { return };
    // It takes its turns, however much faster the others are.
    let entries: Vec<usize> = took.iter().map(Vec::len).collect();
    assert!(entries[2] * 20 >= entries[0].max(entries[1]), "the distant one starves: {entries:?}");
}
