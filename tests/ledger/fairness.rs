//! Several sequencers on one log: none may starve. How the work divides is printed; that all of it is done, that every
//! writer gets its share and that none waits for ever is asserted.

use std::time::{Duration, Instant};

use prooftrail::log::sequencer::Sequencer;

use crate::{log, postgres::Postgres, scratch::Scratch};

const WRITERS: u64 = 3;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_writer_starves() {
    let Some(server) = Postgres::start() else { return };
    let (scratch, url) = (Scratch::new(), server.url("postgres"));
    log::create(&url).await.store().close().await;
    let mut sequencers = Vec::new();
    for writer in 0..WRITERS {
        let database = log::open(&url).await.unwrap();
        let guard = scratch.path().join(format!("guard{writer}"));
        sequencers.push(log::start(Some(database), &guard, &[]).await.unwrap());
    }
    let end = Instant::now() + LOAD;
    let mut tasks = Vec::new();
    for (writer, sequencer) in (0..).zip(&sequencers) {
        for lane in 0..IN_FLIGHT {
            let first = (writer * IN_FLIGHT + lane) * 1_000_000;
            tasks.push((writer, tokio::spawn(ask(sequencer.clone(), first, end))));
        }
    }
    let mut took = vec![Vec::new(); usize::try_from(WRITERS).unwrap()];
    for (writer, task) in tasks {
        took[usize::try_from(writer).unwrap()].extend(task.await.unwrap());
    }
    for (writer, took) in took.iter_mut().enumerate() {
        took.sort_unstable();
        let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
        println!(
            "writer {writer}: {} entries, p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            took.len(),
            at(50),
            at(99),
            at(100)
        );
    }
    let entries: Vec<usize> = took.iter().map(Vec::len).collect();
    let (least, most) = (entries.iter().min().unwrap(), entries.iter().max().unwrap());
    println!("least to most: {:.2}", *least as f64 / *most as f64);
    // Each a fair share, give or take: one that always lost would have next to nothing.
    assert!(least * 4 >= *most, "one writer starves: {entries:?}");
}
