//! Opening, migrating, locking and transactions, on both engines.

use std::sync::atomic::{AtomicU32, Ordering};

use prooftrail::store::{Access, MAX_ATTEMPTS, OpenError, SCHEMA_VERSION, Store, StoreError};

use crate::{
    postgres::Postgres,
    scratch::{Scratch, engines},
};

#[tokio::test]
async fn migrations_go_up_and_down_and_up() {
    for engine in engines() {
        let url = &engine.url;
        if engine.server.is_some() {
            let reason = Store::open(url, Access::Inspect).await.unwrap_err();
            assert!(matches!(reason, OpenError::SchemaTooOld { have: 0, need: SCHEMA_VERSION }), "{reason}");
        }
        for version in (0..SCHEMA_VERSION).rev() {
            // From each version up, and down to the next lower one.
            let store = Store::open(url, Access::Serve).await.unwrap();
            store.migrate_down(version).await.unwrap();
            store.close().await;
            drop(store);
            let reason = Store::open(url, Access::Inspect).await.unwrap_err();
            assert!(matches!(reason, OpenError::SchemaTooOld { have, .. } if have == version), "{reason}");
        }
        let store = Store::open(url, Access::Serve).await.unwrap();
        let reason = store.migrate_down(SCHEMA_VERSION + 1).await.unwrap_err();
        assert!(matches!(reason, OpenError::NoSuchSchema { version } if version == SCHEMA_VERSION + 1), "{reason}");
        drop(store);
        Store::open(url, Access::Serve).await.unwrap().close().await;
        Store::open(url, Access::Inspect).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    for engine in engines() {
        let store = Store::open(&engine.url, Access::Serve).await.unwrap();
        store
            .run_tx::<_, StoreError, _>("age", |tx| {
                Box::pin(async move {
                    tx.execute("UPDATE _sqlx_migrations SET version = 9000 WHERE version = 1").await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        store.close().await;
        drop(store);
        for access in [Access::Serve, Access::Inspect] {
            let reason = Store::open(&engine.url, access).await.unwrap_err();
            let expected = matches!(reason, OpenError::SchemaTooNew { have: 9000, known: SCHEMA_VERSION });
            assert!(expected, "{reason}");
        }
    }
}

#[tokio::test]
async fn a_failed_transaction_leaves_nothing() {
    for engine in engines() {
        let store = Store::open(&engine.url, Access::Serve).await.unwrap();
        let attempts = AtomicU32::new(0);
        let corrupt = store
            .run_tx::<(), StoreError, _>("half", |tx| {
                attempts.fetch_add(1, Ordering::Relaxed);
                Box::pin(async move {
                    tx.execute("INSERT INTO log_checkpoint SELECT 7, 7, root FROM log_head").await?;
                    tx.execute("CREATE TABLE half (x BIGINT)").await?;
                    Err(StoreError::Corrupt { what: "test" })
                })
            })
            .await;
        assert!(matches!(corrupt, Err(StoreError::Corrupt { what: "test" })), "{corrupt:?}");
        assert_eq!(attempts.load(Ordering::Relaxed), 1, "what cannot succeed is not tried again");
        let absent = store
            .run_tx::<u64, StoreError, _>("absent", |tx| {
                Box::pin(async move { Ok(tx.execute("SELECT * FROM half").await?) })
            })
            .await;
        assert!(matches!(absent, Err(StoreError::Sql(_))), "{absent:?}");
    }
}

#[tokio::test]
async fn contention_is_retried_within_a_bound() {
    let Some(server) = Postgres::start() else { return };
    let store = Store::open(&server.url("postgres"), Access::Serve).await.unwrap();
    for fails in [1, MAX_ATTEMPTS - 1, MAX_ATTEMPTS] {
        let attempts = AtomicU32::new(0);
        let result = store
            .run_tx::<u32, StoreError, _>("contended", |tx| {
                let attempt = attempts.fetch_add(1, Ordering::Relaxed) + 1;
                Box::pin(async move {
                    if attempt <= fails {
                        tx.execute("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$").await?;
                    }
                    Ok(attempt)
                })
            })
            .await;
        assert_eq!(result.ok(), (fails < MAX_ATTEMPTS).then_some(fails + 1));
        assert_eq!(attempts.load(Ordering::Relaxed), MAX_ATTEMPTS.min(fails + 1));
    }
}

#[tokio::test]
async fn a_connection_lost_in_a_transaction_is_replaced() {
    let Some(server) = Postgres::start() else { return };
    let store = Store::open(&server.url("postgres"), Access::Serve).await.unwrap();
    let attempts = AtomicU32::new(0);
    let done = store
        .run_tx::<u32, StoreError, _>("cut", |tx| {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            Box::pin(async move {
                if attempt == 1 {
                    tx.execute("SELECT pg_terminate_backend(pg_backend_pid())").await?;
                }
                Ok(attempt)
            })
        })
        .await;
    assert_eq!(done.unwrap(), 2);
}

#[tokio::test]
async fn settings_that_lose_commits_are_refused() {
    let Some(server) = Postgres::start() else { return };
    for need in ["fsync", "synchronous_commit", "full_page_writes"] {
        server.down();
        server.up(&[&format!("{need}=off")]);
        let reason = Store::open(&server.url("postgres"), Access::Serve).await.unwrap_err();
        assert!(matches!(&reason, OpenError::NotDurable { setting, .. } if *setting == need), "{reason}");
    }
    server.down();
    server.up(&[]);
    let store = Store::open(&server.url("postgres"), Access::Serve).await.unwrap();
    let durability = store.durability().unwrap();
    assert_eq!(durability.fsync, "on");
    assert_eq!(durability.synchronous_standby_names, "");
}

#[tokio::test]
async fn one_process_serves_from_a_sqlite_file() {
    let scratch = Scratch::new();
    let url = scratch.sqlite("ledger.db");
    let first = Store::open(&url, Access::Serve).await.unwrap();
    let reason = Store::open(&url, Access::Serve).await.unwrap_err();
    assert!(matches!(reason, OpenError::Locked { .. }), "{reason}");
    Store::open(&url, Access::Inspect).await.unwrap().close().await;

    // A file put in the place of the one that is open is noticed.
    assert!(first.file().unwrap().is_in_place().unwrap());
    let path = scratch.path().join("ledger.db");
    std::fs::copy(&path, scratch.path().join("copy.db")).unwrap();
    std::fs::rename(scratch.path().join("copy.db"), &path).unwrap();
    assert!(!first.file().unwrap().is_in_place().unwrap());

    first.close().await;
    drop(first);
    Store::open(&url, Access::Serve).await.unwrap();
}

#[tokio::test]
async fn urls_name_an_engine() {
    for url in ["", "ledger.db", "mysql://localhost/x", "SQLITE:x"] {
        assert!(matches!(Store::open(url, Access::Serve).await, Err(OpenError::Url)), "{url}");
    }
    let scratch = Scratch::new();
    assert!(Store::open(&scratch.sqlite("absent.db"), Access::Inspect).await.is_err(), "looking creates nothing");
    assert!(!scratch.path().join("absent.db").exists());
}
