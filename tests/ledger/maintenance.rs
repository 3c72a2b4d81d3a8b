//! Tiles and the scrubber behind the head, and what readiness says, on both engines.

use std::time::Duration;

use prooftrail::{
    log::{
        database::{LogDatabase, LogStore},
        head::Freeze,
        maintenance::{Maintenance, Schedule, Scrubbed},
        readiness::readiness,
        sequencer::{AppendError, Sequencer},
    },
    store::StoreError,
};

use crate::{log, scratch::engines};

const OFTEN: Schedule =
    Schedule { tiles: Duration::from_millis(5), step: Duration::from_millis(1), rest: Duration::from_millis(5) };

async fn execute(database: &LogDatabase, sql: &'static str) -> u64 {
    let store = database.store();
    let done = store.run_tx::<_, StoreError, _>("test", |tx| Box::pin(async move { Ok(tx.execute(sql).await?) }));
    done.await.unwrap()
}

/// Waits until the scrubber has come there.
async fn until(maintenance: &Maintenance, is_there: impl FnMut(&Scrubbed) -> bool) -> Scrubbed {
    let mut scrubbed = maintenance.scrubbed();
    let wait = scrubbed.wait_for(is_there);
    let there = tokio::time::timeout(Duration::from_secs(60), wait).await;
    there.unwrap().unwrap().clone()
}

async fn running(url: &str, guard: &std::path::Path, entries: u64) -> (LogDatabase, Sequencer) {
    let database = log::create(url).await;
    let sequencer = log::start(Some(database.clone()), guard, &[]).await.unwrap();
    for number in 0..3 {
        sequencer.append(log::request(number)).await.unwrap();
    }
    for told in log::append_all(&sequencer, 3..entries).await {
        told.unwrap();
    }
    (database, sequencer)
}

#[tokio::test]
async fn tiles_are_built_and_the_log_is_read_over_and_over() {
    for engine in engines() {
        let (database, sequencer) = running(&engine.url, &engine.scratch.path().join("guard"), 300).await;
        let maintenance = Maintenance::start(database.clone(), &sequencer, OFTEN);
        let scrubbed = until(&maintenance, |scrubbed| scrubbed.passes >= 2).await;
        assert_eq!(scrubbed.position, 301);
        assert!(scrubbed.found.is_empty(), "{scrubbed:?}");
        // It goes on with what is appended meanwhile.
        for told in log::append_all(&sequencer, 300..600).await {
            told.unwrap();
        }
        let passes = scrubbed.passes;
        until(&maintenance, |scrubbed| scrubbed.passes > passes + 1 && scrubbed.position == 601).await;
        while execute(&database, "UPDATE log_tile SET level = level").await < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(sequencer.status().borrow().frozen, None);
        // Nothing of it is left that would keep the store open.
        maintenance.stop().await;
        log::stop(sequencer, database).await;
    }
}

#[tokio::test]
async fn it_ends_with_the_sequencer() {
    for engine in engines() {
        let (database, sequencer) = running(&engine.url, &engine.scratch.path().join("guard"), 3).await;
        let maintenance = Maintenance::start(database.clone(), &sequencer, OFTEN);
        let mut scrubbed = maintenance.scrubbed();
        log::stop(sequencer, database).await;
        while scrubbed.changed().await.is_ok() {}
        maintenance.stop().await;
    }
}

#[tokio::test]
async fn what_was_committed_and_has_changed_freezes_the_log() {
    for (sql, code) in [
        (
            "UPDATE log_batch SET entries = (SELECT entries FROM log_batch WHERE start = 1) WHERE start = 2",
            "ledger.checkpoint.root",
        ),
        (
            "UPDATE log_checkpoint SET root = (SELECT root FROM log_checkpoint WHERE size = 2) WHERE size = 3",
            "ledger.checkpoint.root",
        ),
        ("DELETE FROM log_checkpoint WHERE size = 2", "ledger.checkpoint.missing"),
        ("DELETE FROM log_batch WHERE start = 1", "ledger.batch.gap"),
        ("UPDATE log_head SET time = time + 1", "ledger.head.time"),
    ] {
        for engine in engines() {
            let (database, sequencer) = running(&engine.url, &engine.scratch.path().join("guard"), 10).await;
            execute(&database, sql).await;
            let maintenance = Maintenance::start(database.clone(), &sequencer, OFTEN);
            let scrubbed = until(&maintenance, |scrubbed| !scrubbed.found.is_empty()).await;
            let mut status = sequencer.status();
            let frozen = status.wait_for(|status| status.frozen.is_some()).await.unwrap().frozen.clone().unwrap();
            assert!(
                matches!(&frozen, Freeze::Scrubbed { finding } if finding.code() == code),
                "{sql}: {frozen} {scrubbed:?}"
            );
            let refused = sequencer.append(log::request(99)).await;
            assert!(matches!(refused, Err(AppendError::Frozen(Freeze::Scrubbed { .. }))));
            let status = sequencer.status().borrow().clone();
            let not_ready = readiness(&database, &status).await;
            assert_eq!((not_ready.ready, not_ready.reasons[0].code), (false, "ledger.frozen.scrubbed"));
            maintenance.stop().await;
            log::stop(sequencer, database).await;
        }
    }
}

#[tokio::test]
async fn a_tile_that_was_changed_is_put_right() {
    for engine in engines() {
        let (database, sequencer) = running(&engine.url, &engine.scratch.path().join("guard"), 600).await;
        database.build_tiles(601).await.unwrap();
        let change =
            "UPDATE log_tile SET hashes = (SELECT hashes FROM log_tile WHERE tile_index = 0) WHERE tile_index = 1";
        assert_eq!(execute(&database, change).await, 1);
        let maintenance = Maintenance::start(database.clone(), &sequencer, OFTEN);
        let scrubbed = until(&maintenance, |scrubbed| scrubbed.passes >= 2).await;
        assert_eq!(scrubbed.found.counts().clone().into_iter().collect::<Vec<_>>(), [("ledger.tile.hashes", 1)]);
        assert_eq!(sequencer.status().borrow().frozen, None);
        maintenance.stop().await;
        let checked = prooftrail::log::fsck::check(&database, None, |_, _| ()).await.unwrap();
        assert!(checked.found.is_empty() && checked.tiles == 2, "{checked:?}");
        log::stop(sequencer, database).await;
    }
}

#[tokio::test]
async fn readiness_says_what_commits_rest_on() {
    for engine in engines() {
        let (database, sequencer) = running(&engine.url, &engine.scratch.path().join("guard"), 3).await;
        let status = sequencer.status().borrow().clone();
        let ready = readiness(&database, &status).await;
        assert!(ready.ready && ready.reasons.is_empty() && ready.size == 4, "{ready:?}");
        let json = serde_json::to_value(&ready).unwrap();
        let Some(server) = &engine.server else {
            assert_eq!(json["store"]["settings"], serde_json::json!({ "journal_mode": "wal", "synchronous": "2" }));
            assert!(ready.warnings.is_empty());
            // The file is replaced under the running process.
            let path = engine.url.strip_prefix("sqlite:").unwrap();
            std::fs::copy(path, engine.scratch.path().join("copy")).unwrap();
            std::fs::rename(engine.scratch.path().join("copy"), path).unwrap();
            let replaced = readiness(&database, &status).await;
            assert_eq!(
                replaced.reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(),
                ["ledger.frozen.file_replaced"]
            );
            continue;
        };
        assert_eq!(json["store"]["settings"]["fsync"], "on");
        assert_eq!(json["store"]["settings"]["synchronous_commit"], "on");
        assert_eq!(json["store"]["settings"]["full_page_writes"], "on");
        assert_eq!(ready.warnings[0].code, "ledger.store.failover_can_lose");
        // Somebody turns a setting off while the server runs: the next look sees it.
        execute(&database, "ALTER ROLE postgres SET synchronous_commit = off").await;
        server.down();
        let gone = readiness(&database, &status).await;
        assert_eq!((gone.ready, gone.reasons[0].code, gone.store), (false, "ledger.unavailable", None));
        server.up(&["synchronous_standby_names=elsewhere", "synchronous_commit=local", "fsync=off"]);
        let unsafe_now = readiness(&database, &status).await;
        assert!(!unsafe_now.ready, "{unsafe_now:?}");
        server.down();
        server.up(&[]);
        assert!(database.root_at(1).await.is_err(), "connections with that setting are refused");
    }
}
