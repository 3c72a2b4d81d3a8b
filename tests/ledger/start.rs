//! Databases that are not what was signed from: each keeps the log from starting, or stops it, for its own reason.

use std::{fs, path::Path};

use prooftrail::{
    log::{
        database::{LogDatabase, LogStore},
        entry::Commitment,
        guard::{GuardFile, GuardStore},
        head::Freeze,
        recovery::recover,
        sequencer::AppendError,
        start::StartError,
    },
    store::{Access, OpenError, Store},
};
use prooftrail_ledger::{Checkpoint, Hash};

use crate::{
    log::{self, ORIGIN},
    postgres::Postgres,
    scratch::{Scratch, engines},
};

fn frozen(result: Result<prooftrail::log::sequencer::Sequencer, StartError>) -> Freeze {
    match result {
        Err(StartError::Frozen(freeze)) => freeze,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it has started"),
    }
}

/// Starts, appends `numbers`, stops.
async fn grow(url: &str, guard: &Path, numbers: std::ops::Range<u64>) {
    let database = log::open(url).await.unwrap();
    let sequencer = log::start(Some(database.clone()), guard, &[]).await.unwrap();
    for told in log::append_all(&sequencer, numbers).await {
        log::checked(&told.unwrap());
    }
    log::stop(sequencer, database).await;
}

/// A copy of the database's files, made while nobody has it open.
fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

#[tokio::test]
async fn a_restored_backup_freezes() {
    for engine in engines() {
        let guard = engine.scratch.path().join("guard");
        let path = match &engine.server {
            Some(server) => server.data(),
            None => engine.url.strip_prefix("sqlite:").unwrap().into(),
        };
        let backup = path.with_extension("backup");
        let restore = || {
            engine.server.as_ref().inspect(|server| server.down());
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
            copy(&backup, &path);
            engine.server.as_ref().inspect(|server| server.up(&[]));
        };
        let database = log::create(&engine.url).await;
        database.store().close().await;
        drop(database);
        grow(&engine.url, &guard, 0..5).await;
        engine.server.as_ref().inspect(|server| server.down());
        copy(&path, &backup);
        engine.server.as_ref().inspect(|server| server.up(&[]));
        grow(&engine.url, &guard, 5..9).await;
        restore();
        let database = log::open(&engine.url).await.unwrap();
        let reason = frozen(log::start(Some(database.clone()), &guard, &[]).await);
        assert_eq!(reason, Freeze::RolledBack { have: 6, need: 10 });

        // Somebody without the guard goes on from the backup: as many entries, but others.
        let sequencer = log::start(Some(database.clone()), &engine.scratch.path().join("other"), &[]).await;
        assert_eq!(frozen(sequencer), Freeze::Unconfirmed { size: 6 });
        let head = database.head().await.unwrap().unwrap().head;
        let seen = Checkpoint::new(ORIGIN, head.size(), head.root()).unwrap();
        let sequencer =
            log::start(Some(database.clone()), &engine.scratch.path().join("other"), &[seen]).await.unwrap();
        log::append_all(&sequencer, 20..40).await;
        log::stop(sequencer, database).await;
        let database = log::open(&engine.url).await.unwrap();
        let reason = frozen(log::start(Some(database.clone()), &guard, &[]).await);
        assert_eq!(reason, Freeze::OtherRoot { size: 10 });
        database.store().close().await;
    }
}

#[tokio::test]
async fn what_cosigners_have_seen_confirms_a_database_or_freezes() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        let guard = |name: &str| engine.scratch.path().join(name);
        let sequencer = log::start(Some(database.clone()), &guard("a"), &[]).await.unwrap();
        log::append_all(&sequencer, 0..5).await;
        let head = sequencer.status().borrow().head.head.clone();
        let seen = |size, root| [Checkpoint::new(ORIGIN, size, root).unwrap()];
        for (seen, expected) in [
            (seen(7, head.root()), Freeze::RolledBack { have: 6, need: 7 }),
            (seen(6, Hash::EMPTY_ROOT), Freeze::OtherRoot { size: 6 }),
            (seen(3, head.root()), Freeze::OtherRoot { size: 3 }),
        ] {
            assert_eq!(frozen(log::start(Some(database.clone()), &guard("b"), &seen).await), expected);
        }
        assert!(!guard("b").exists(), "nothing was signed");
        log::start(Some(database.clone()), &guard("b"), &seen(6, head.root())).await.unwrap();
    }
}

#[tokio::test]
async fn another_database_freezes() {
    for engine in engines() {
        let guard = engine.scratch.path().join("guard");
        let database = log::create(&engine.url).await;
        let reason = log::start(None::<LogDatabase>, &guard, &[]).await.err().unwrap();
        assert!(matches!(reason, StartError::NoLog), "{reason}");
        let sequencer = log::start(Some(database.clone()), &guard, &[]).await.unwrap();
        log::append_all(&sequencer, 0..5).await;
        log::stop(sequencer, database).await;
        // No log at all where one was signed.
        assert_eq!(frozen(log::start(None::<LogDatabase>, &guard, &[]).await), Freeze::NoLog { size: 6 });

        // A log of the same name, made anew.
        let store = Store::open(&engine.url, Access::Serve).await.unwrap();
        store.migrate_down(0).await.unwrap();
        store.close().await;
        drop(store);
        let store = std::sync::Arc::new(Store::open(&engine.url, Access::Serve).await.unwrap());
        let genesis = Commitment::of(&[1; 32], b"genesis");
        let other = LogDatabase::create(store, ORIGIN, genesis, [0xff; 16], 1).await.unwrap();
        assert_eq!(frozen(log::start(Some(other.clone()), &guard, &[]).await), Freeze::OtherDatabase);

        // The guard of another log.
        let text = fs::read_to_string(&guard).unwrap().replace(ORIGIN, "example.com/other");
        fs::write(&guard, text).unwrap();
        let reason = frozen(log::start(Some(other), &guard, &[]).await);
        assert_eq!(reason, Freeze::OtherOrigin { have: "example.com/other".to_owned() });
    }
}

#[tokio::test]
async fn a_database_that_goes_back_under_a_running_log_freezes_it() {
    for engine in engines() {
        let guard = engine.scratch.path().join("guard");
        let database = log::create(&engine.url).await;
        let sequencer = log::start(Some(database.clone()), &guard, &[]).await.unwrap();
        log::append_all(&sequencer, 0..3).await;
        let expected = if engine.server.is_some() {
            // An older head and no trace of the rest, as a lagging replica would answer.
            let head = database.head().await.unwrap().unwrap().head;
            let back = database.store().run_tx::<_, prooftrail::store::StoreError, _>("test", |tx| {
                Box::pin(async move {
                    tx.execute("DELETE FROM log_request").await?;
                    tx.execute("DELETE FROM log_batch WHERE start > 0").await?;
                    tx.execute("DELETE FROM log_checkpoint WHERE size > 1").await?;
                    let rewound = "UPDATE log_head SET size = 1, root = (SELECT root FROM log_checkpoint), \
                                   frontier = decode('0000000000000001', 'hex') || (SELECT root FROM log_checkpoint)";
                    Ok(tx.execute(rewound).await?)
                })
            });
            back.await.unwrap();
            Freeze::RolledBack { have: 1, need: head.size() }
        } else {
            let path = engine.url.strip_prefix("sqlite:").unwrap();
            fs::copy(path, format!("{path}.copy")).unwrap();
            fs::rename(format!("{path}.copy"), path).unwrap();
            Freeze::FileReplaced
        };
        for _ in 0..2 {
            for told in log::append_all(&sequencer, 5..7).await {
                let reason = told.unwrap_err();
                assert!(matches!(&reason, AppendError::Frozen(freeze) if *freeze == expected), "{reason}");
            }
        }
        assert_eq!(sequencer.status().borrow().frozen, Some(expected));
    }
}

#[tokio::test]
async fn a_second_process_with_one_configuration_is_refused() {
    let scratch = Scratch::new();
    let guard = scratch.path().join("guard");
    let first = GuardFile::open(&guard).unwrap();
    assert!(matches!(GuardFile::open(&guard), Err(OpenError::Locked { .. })));
    drop(first);
    GuardFile::open(&guard).unwrap();
}

#[tokio::test]
async fn a_promoted_database_freezes_until_the_log_is_recovered() {
    let Some(server) = Postgres::start() else { return };
    let (scratch, url) = (Scratch::new(), server.url("postgres"));
    let guard = scratch.path().join("guard");
    let database = log::create(&url).await;
    let sequencer = log::start(Some(database.clone()), &guard, &[]).await.unwrap();
    log::append_all(&sequencer, 0..5).await;
    // The server comes back on a new timeline, with nothing lost, under a running log.
    server.down();
    fs::write(server.data().join("recovery.signal"), "").unwrap();
    server.up(&["restore_command=false"]);
    let moved = |freeze: &Freeze| matches!(freeze, Freeze::DatabaseMoved { have, need } if (have.timeline, need.timeline) == (2, 1));
    for told in log::append_all(&sequencer, 5..7).await {
        let reason = told.unwrap_err();
        assert!(matches!(&reason, AppendError::Frozen(freeze) if moved(freeze)), "{reason}");
    }
    log::stop(sequencer, database).await;
    let database = log::open(&url).await.unwrap();
    let freeze = frozen(log::start(Some(database.clone()), &guard, &[]).await);
    assert!(moved(&freeze), "{freeze}");

    // The operator says that nothing is missing; the guard must agree.
    let file = GuardFile::open(&guard).unwrap();
    let signed = file.read().unwrap().unwrap();
    let record = Commitment::of(&[3; 32], b"promoted");
    let beyond = prooftrail::log::guard::Guard { size: 99, ..signed.clone() };
    let reason = recover(&database, ORIGIN, Some(&beyond), &[], record, 9).await.unwrap_err();
    assert!(matches!(reason, StartError::Frozen(Freeze::RolledBack { have: 6, need: 99 })), "{reason}");
    let (head, new) = recover(&database, ORIGIN, Some(&signed), &[], record, 9).await.unwrap();
    assert_eq!((head.size(), head.recovery_epoch, head.database.timeline), (7, 1, 2));
    file.write(&new).unwrap();
    drop(file);
    let sequencer = log::start(Some(database.clone()), &guard, &[]).await.unwrap();
    assert_eq!(log::append_all(&sequencer, [5]).await.pop().unwrap().unwrap().receipt.index, 7);
    log::check(&database, &log::Acknowledged::new()).await;
}
