//! What requests may rely on: once, in order, with their side rows or not at all.

use std::sync::{Arc, atomic::Ordering};

use prooftrail::{
    log::{
        batch::{Batch, Receipt, Refusal, Request, SideError, SideRows, Turn, WriteTogether},
        database::{LogStore, Outcome},
        entry::{Commitment, Draft},
        guard::GuardFile,
        head::StoredHead,
        sequencer::AppendError,
        start::Setup,
    },
    store::{Store, StoreError, Tx, Work},
};

use crate::{
    log::{self, TestClock, request},
    scratch::engines,
};

#[tokio::test]
async fn a_request_is_appended_once() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        let sequencer = log::start(Some(database.clone()), &engine.scratch.path().join("guard"), &[]).await.unwrap();
        // Twice in one batch, and again later.
        let told = log::append_all(&sequencer, [1, 2, 1, 2, 1]).await;
        let indices: Vec<_> = told.iter().map(|told| told.as_ref().unwrap().receipt.index).collect();
        assert_eq!(indices, [1, 2, 1, 2, 1]);
        let news: Vec<_> = told.iter().map(|told| told.as_ref().unwrap().is_new).collect();
        assert_eq!(news, [true, true, false, false, false]);
        let again = sequencer.append(request(2)).await.unwrap();
        assert_eq!((again.receipt.index, again.is_new), (2, false));
        // The same id for something else, and the same id of another project.
        let draft = Draft { commitment: Commitment::new([9; 32]), ..request(2).draft };
        let reused = sequencer.append(Request { draft, ..request(2) }).await;
        assert!(matches!(reused, Err(AppendError::RequestReused)));
        let mut other = Request { draft, ..request(2) };
        other.id.project = "another".to_owned();
        assert_eq!(sequencer.append(other).await.unwrap().receipt.index, 3);
        log::check(&database, &log::Acknowledged::new()).await;
    }
}

#[tokio::test]
async fn time_does_not_go_back() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        let clock = TestClock::default();
        let guard = GuardFile::open(&engine.scratch.path().join("guard")).unwrap();
        let setup = Setup {
            store: Some(database),
            guard,
            origin: log::ORIGIN.to_owned(),
            signer: log::signer(),
            clock: Arc::new(clock.clone()),
            seen: Vec::new(),
        };
        let sequencer = setup.start().await.unwrap();
        let mut times = Vec::new();
        for (number, now) in (0..).zip([500, 900, 100, 901]) {
            clock.0.store(now, Ordering::Relaxed);
            times.push(sequencer.append(request(number)).await.unwrap().receipt.entry.time);
        }
        assert_eq!(times, [500, 900, 900, 901]);
    }
}

#[tokio::test]
async fn an_origin_is_one_short_line() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        for origin in [String::new(), "a\nb".to_owned(), "x".repeat(256)] {
            let setup = Setup {
                store: Some(database.clone()),
                guard: GuardFile::open(&engine.scratch.path().join("guard")).unwrap(),
                origin,
                signer: log::signer(),
                clock: Arc::new(TestClock::default()),
                seen: Vec::new(),
            };
            assert!(matches!(setup.start().await.err(), Some(prooftrail::log::start::StartError::Origin)));
        }
    }
}

/// Counts what was appended in a table of its own, and refuses odd records.
struct Tally {
    refuses: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("odd")]
struct Odd;

impl SideRows for Tally {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, _: &'t Receipt) -> Work<'t, (), SideError> {
        Box::pin(async move {
            tx.execute("UPDATE tally SET seen = seen + 1").await?;
            if self.refuses { Err(Refusal(Arc::new(Odd)).into()) } else { Ok(()) }
        })
    }
}

async fn execute(store: &Store, sql: &'static str) -> u64 {
    store.run_tx::<_, StoreError, _>("test", |tx| Box::pin(async move { Ok(tx.execute(sql).await?) })).await.unwrap()
}

#[tokio::test]
async fn side_rows_are_written_with_the_entry_or_not_at_all() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        execute(database.store(), "CREATE TABLE tally (seen BIGINT NOT NULL)").await;
        execute(database.store(), "INSERT INTO tally VALUES (0)").await;
        let sequencer = log::start(Some(database.clone()), &engine.scratch.path().join("guard"), &[]).await.unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (sequencer, refuses) = (sequencer.clone(), number % 2 == 1);
                let request = Request { side_rows: Some(Arc::new(Tally { refuses })), ..request(number) };
                tokio::spawn(async move { sequencer.append(request).await })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                Ok(_) => assert_eq!(number % 2, 0),
                Err(AppendError::Refused(Refusal(reason))) => {
                    assert_eq!(number % 2, 1);
                    assert_eq!(reason.to_string(), "odd");
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(sequencer.status().borrow().head.head.size(), 11);
        assert_eq!(execute(database.store(), "DELETE FROM tally WHERE seen = 10").await, 1, "ten entries, ten rows");
        log::check(&database, &log::Acknowledged::new()).await;
    }
}

/// Adds as many to `seen` as are written at once, and one to `statements`; refuses odd records.
struct Shared {
    refuses: bool,
}

impl SideRows for Shared {
    fn write<'t>(&'t self, _: &'t mut Tx<'_>, _: &'t Receipt) -> Work<'t, (), SideError> {
        unreachable!("they are written together")
    }

    fn together(&self) -> Option<WriteTogether> {
        Some(|tx, turns| Box::pin(write_shared(tx, turns)))
    }
}

async fn write_shared(tx: &mut Tx<'_>, turns: &[Turn<'_>]) -> Result<Vec<(usize, Refusal)>, StoreError> {
    for _ in turns {
        tx.execute("UPDATE tally SET seen = seen + 1").await?;
    }
    tx.execute("UPDATE statements SET seen = seen + 1").await?;
    let refuses = |(rows, _): &Turn<'_>| {
        let rows: &dyn std::any::Any = *rows;
        rows.downcast_ref::<Shared>().unwrap().refuses
    };
    let refused = turns.iter().enumerate().filter(|(_, turn)| refuses(turn));
    Ok(refused.map(|(place, _)| (place, Refusal(Arc::new(Odd)))).collect())
}

#[tokio::test]
async fn rows_of_one_type_are_written_at_once_between_those_that_are_written_alone() {
    for engine in engines() {
        let database = log::create(&engine.url).await;
        for table in ["CREATE TABLE tally (seen BIGINT NOT NULL)", "CREATE TABLE statements (seen BIGINT NOT NULL)"] {
            execute(database.store(), table).await;
        }
        execute(database.store(), "INSERT INTO tally VALUES (0)").await;
        execute(database.store(), "INSERT INTO statements VALUES (0)").await;
        let StoredHead { head, .. } = database.head().await.unwrap().unwrap();
        let shared = |number: u64| {
            let rows: Arc<dyn SideRows> = Arc::new(Shared { refuses: number % 2 == 1 });
            Request { side_rows: Some(rows), ..request(number) }
        };
        let alone = |number| Request { side_rows: Some(Arc::new(Tally { refuses: false })), ..request(number) };

        let refused = [shared(0), shared(1), alone(2), shared(3), shared(5)];
        let Outcome::Refused(refused) = database.append(&Batch::new(&head, refused, 1).unwrap()).await.unwrap() else {
            panic!("the odd ones refuse");
        };
        // What comes after the first that is written alone was not reached.
        assert_eq!(refused.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [1]);
        let refused = [alone(2), shared(3), request(4), shared(5), shared(6)];
        let Outcome::Refused(refused) = database.append(&Batch::new(&head, refused, 1).unwrap()).await.unwrap() else {
            panic!("the odd ones refuse");
        };
        assert_eq!(refused.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(execute(database.store(), "DELETE FROM tally WHERE seen <> 0").await, 0, "nothing was written");

        let written = [shared(0), request(1), shared(2), alone(4), shared(6), shared(8)];
        let outcome = database.append(&Batch::new(&head, written, 1).unwrap()).await.unwrap();
        assert!(matches!(outcome, Outcome::Committed));
        assert_eq!(execute(database.store(), "DELETE FROM tally WHERE seen = 5").await, 1);
        assert_eq!(
            execute(database.store(), "DELETE FROM statements WHERE seen = 2").await,
            1,
            "one before, one after"
        );
    }
}
