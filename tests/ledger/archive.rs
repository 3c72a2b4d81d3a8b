//! The archive: filings with their entries, reading, holds, retention, erasure, scrubbing.

use std::sync::{Arc, atomic::Ordering};

use prooftrail::{
    archive::{
        Archive, ArchiveRefusal, Blob, BlobId, Filing, Found, Kind, OpenedRecord, ReadError, Record, Retention,
        scrub::{ArchiveFinding, ArchiveScrubber},
    },
    log::{
        batch::{Receipt, Refusal, Request, RequestId, SideError, SideRows},
        database::{LogDatabase, LogStore},
        entry::{Commitment, Draft, Entry, EntryType},
        finding::Findings,
        guard::GuardFile,
        scrubber::Scrubber,
        sequencer::{AppendError, Appended, Sequencer},
        start::Setup,
    },
    store::{Tx, Work},
};
use prooftrail_ledger::{
    Checkpoint, Frontier, Hash,
    merkle::{HashReader, Node, ProofPlan, verify_consistency, verify_inclusion},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use sqlx::Connection;

use crate::{
    log::{self, TestClock},
    scratch::{Engine, engines},
};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A log with its archive.
struct Place {
    engine: Engine,
    log: LogDatabase,
    archive: Archive,
    sequencer: Sequencer,
    clock: TestClock,
}

impl Place {
    async fn on(engine: Engine) -> Self {
        let log = log::create(&engine.url).await;
        let clock = TestClock::default();
        let setup = Setup {
            store: Some(log.clone()),
            guard: GuardFile::open(&engine.scratch.path().join("guard")).unwrap(),
            origin: log::ORIGIN.to_owned(),
            signer: log::signer(),
            clock: Arc::new(clock.clone()),
            seen: Vec::new(),
        };
        Self { sequencer: setup.start().await.unwrap(), archive: Archive::of(&log), log, engine, clock }
    }

    async fn append(
        &self,
        entry_type: EntryType,
        commitment: Commitment,
        side_rows: Arc<dyn SideRows>,
    ) -> Result<Appended, AppendError> {
        let id = RequestId { project: "p".to_owned(), id: *commitment.as_bytes() };
        let draft = Draft { entry_type, commitment };
        self.sequencer.append(Request { id, draft, side_rows: Some(side_rows) }).await
    }

    /// Files, and returns the index of the entry.
    async fn file(&self, filing: Filing) -> u64 {
        let (commitment, rows) = (filing.commitment(), self.archive.file(filing));
        self.append(EntryType::Decision, commitment, rows).await.unwrap().receipt.index
    }

    async fn erase(&self, entries: &[u64], is_forced: bool) -> Result<u64, ArchiveRefusal> {
        let filing = filing(Retention::Permanent, "erasure");
        let commitment = filing.commitment();
        let erasure = self.archive.erase(filing, entries.to_vec(), "asked for".to_owned());
        let erasure = if is_forced { erasure.forced() } else { erasure };
        refused(self.append(EntryType::Erasure, commitment, Arc::new(erasure)).await)
    }

    async fn hold(&self, entries: &[u64], blobs: &[BlobId]) -> Result<u64, ArchiveRefusal> {
        let filing = filing(Retention::Permanent, "hold");
        let commitment = filing.commitment();
        let hold = self.archive.hold(filing, entries.to_vec(), blobs.to_vec());
        refused(self.append(EntryType::Approval, commitment, Arc::new(hold)).await)
    }

    async fn release(&self, hold: u64) -> Result<u64, ArchiveRefusal> {
        let filing = filing(Retention::Permanent, "release of a hold");
        let commitment = filing.commitment();
        let release = self.archive.release_hold(filing, hold);
        refused(self.append(EntryType::Approval, commitment, Arc::new(release)).await)
    }

    async fn is_open(&self, index: u64) -> bool {
        match self.archive.open("p", index).await.unwrap().unwrap() {
            OpenedRecord::Present { .. } => true,
            OpenedRecord::Erased { .. } => false,
        }
    }

    async fn has(&self, blob: &Blob) -> bool {
        matches!(self.archive.blob("p", blob.id()).await.unwrap(), Some(Found::Present { .. }))
    }

    /// Runs a statement beside the store, as an administrator or a failing disk would.
    async fn run(&self, lite: &'static str, pg: &'static str) -> u64 {
        if self.engine.server.is_some() {
            let mut connection = sqlx::PgConnection::connect(&self.engine.url).await.unwrap();
            sqlx::query(pg).execute(&mut connection).await.unwrap().rows_affected()
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.engine.url).await.unwrap();
            sqlx::query(lite).execute(&mut connection).await.unwrap().rows_affected()
        }
    }

    /// The entries still make every root.
    async fn check_tree(&self) {
        let mut found = Findings::default();
        Scrubber::default().run(&self.log, &mut found).await.unwrap();
        assert!(found.is_empty(), "{found:?}");
    }

    async fn scrub(&self) -> (Vec<ArchiveFinding>, u64) {
        let mut scrubber = ArchiveScrubber::default();
        let mut findings = Vec::new();
        while let Some(found) = scrubber.step(&self.archive, 2).await.unwrap() {
            findings.extend(found);
        }
        (findings, scrubber.hashed)
    }
}

/// What was refused, typed; anything else than a refusal of the archive fails the test.
fn refused(result: Result<Appended, AppendError>) -> Result<u64, ArchiveRefusal> {
    match result {
        Ok(appended) => Ok(appended.receipt.index),
        Err(AppendError::Refused(Refusal(reason))) => Err(reason.downcast_ref::<ArchiveRefusal>().unwrap().clone()),
        Err(other) => panic!("{other}"),
    }
}

fn filing(retention: Retention, record: &str) -> Filing {
    Filing::new("p", retention, Record::new(record.as_bytes().to_vec()).unwrap()).unwrap()
}

fn blob(kind: Kind, content: &str) -> Blob {
    Blob::new(kind, content.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_record_opens_and_proves_its_entry() {
    for engine in engines() {
        let place = Place::on(engine).await;
        let (evidence, policy) = (blob(Kind::Evidence, "evidence"), blob(Kind::Policy, "policy"));
        let large = Blob::new(Kind::Endorsement, vec![7; 100_000]).unwrap();
        let sent = filing(Retention::Standard, "one")
            .with_blobs([evidence.clone(), policy.clone(), evidence.clone(), large.clone()])
            .unwrap();
        let one = place.file(sent).await;
        // Named only, and sent again, small and large.
        let again = filing(Retention::Short, "two").with_blobs([evidence.clone(), large.clone()]).unwrap();
        let two = place.file(again.with_archived([policy.id()]).unwrap()).await;
        for (index, text, blobs, class) in [
            (one, "one", vec![evidence.id(), policy.id(), large.id()], Retention::Standard),
            (two, "two", vec![evidence.id(), large.id(), policy.id()], Retention::Short),
        ] {
            match place.archive.open("p", index).await.unwrap().unwrap() {
                OpenedRecord::Present { entry, record, blobs: have, retention } => {
                    assert_eq!((record.bytes.as_slice(), have, retention), (text.as_bytes(), blobs, class));
                    assert_eq!(record.commitment(), entry.draft.commitment);
                }
                OpenedRecord::Erased { .. } => panic!("nothing was erased"),
            }
        }
        for blob in [&evidence, &policy, &large] {
            let found = place.archive.blob("p", blob.id()).await.unwrap();
            assert_eq!(found, Some(Found::Present { kind: blob.kind(), content: blob.content().to_vec() }));
            // Another project sees nothing of it.
            assert_eq!(place.archive.blob("q", blob.id()).await.unwrap(), None);
        }
        assert!(place.archive.open("q", one).await.unwrap().is_none());
        assert!(place.archive.open("p", 99).await.unwrap().is_none());

        // Another record than the entry's, and a blob that nobody has sent, take the entry with them.
        let size = place.log.head().await.unwrap().unwrap().head.size();
        let other = place.archive.file(filing(Retention::Short, "another"));
        let result = place.append(EntryType::Decision, Commitment::new([1; 32]), other).await;
        assert_eq!(refused(result), Err(ArchiveRefusal::Commitment));
        let absent = BlobId::of(b"absent");
        let lacking = filing(Retention::Short, "x").with_archived([absent]).unwrap();
        let (commitment, rows) = (lacking.commitment(), place.archive.file(lacking));
        let result = place.append(EntryType::Decision, commitment, rows).await;
        assert_eq!(refused(result), Err(ArchiveRefusal::Missing { id: absent }));
        assert_eq!(place.log.head().await.unwrap().unwrap().head.size(), size);
        assert_eq!(place.scrub().await, (vec![], 2 + 3));
    }
}

/// Files, and then refuses.
struct Torn(Arc<dyn SideRows>);

#[derive(Debug, thiserror::Error)]
#[error("torn")]
struct TornHere;

impl SideRows for Torn {
    fn write<'t>(&'t self, tx: &'t mut Tx<'_>, receipt: &'t Receipt) -> Work<'t, (), SideError> {
        Box::pin(async move {
            self.0.write(tx, receipt).await?;
            Err(Refusal(Arc::new(TornHere)).into())
        })
    }
}

#[tokio::test]
async fn a_transaction_that_fails_archives_nothing() {
    for engine in engines() {
        let place = Place::on(engine).await;
        let evidence = blob(Kind::Evidence, "evidence");
        let sent = filing(Retention::Standard, "record").with_blobs([evidence.clone()]).unwrap();
        let commitment = sent.commitment();
        let torn = Arc::new(Torn(place.archive.file(sent.clone())));
        assert!(matches!(place.append(EntryType::Decision, commitment, torn).await, Err(AppendError::Refused(_))));
        assert_eq!(place.archive.blob("p", evidence.id()).await.unwrap(), None);
        assert!(place.archive.open("p", 1).await.unwrap().is_none());
        assert_eq!(place.file(sent).await, 1, "the same filing succeeds later");
        assert!(place.has(&evidence).await);
    }
}

#[tokio::test]
async fn a_refused_filing_takes_no_other_out_of_its_batch() {
    for engine in engines() {
        let place = Arc::new(Place::on(engine).await);
        let absent = BlobId::of(b"absent");
        let tasks: Vec<_> = (0..40_usize)
            .map(|number| {
                let place = place.clone();
                tokio::spawn(async move {
                    let sent = filing(Retention::Short, &format!("record {number}"));
                    let sent = sent.with_blobs([blob(Kind::Evidence, &format!("evidence {number}"))]).unwrap();
                    let lacks = (number % 4 == 3).then_some(absent);
                    let (named, commits) = (sent.with_archived(lacks).unwrap(), number % 4 != 1);
                    let commitment =
                        if commits { named.commitment() } else { Commitment::of(&[0; 32], &number.to_be_bytes()) };
                    let rows = place.archive.file(named);
                    refused(place.append(EntryType::Decision, commitment, rows).await)
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            match number % 4 {
                1 => assert_eq!(task.await.unwrap(), Err(ArchiveRefusal::Commitment)),
                3 => assert_eq!(task.await.unwrap(), Err(ArchiveRefusal::Missing { id: absent })),
                _ => assert!(place.is_open(task.await.unwrap().unwrap()).await),
            }
        }
        assert_eq!(place.scrub().await, (vec![], 20 + 20));
        assert_eq!(place.log.head().await.unwrap().unwrap().head.size(), 21);
        place.check_tree().await;
    }
}

#[tokio::test]
async fn identical_blobs_of_many_processes_are_one() {
    for engine in engines() {
        let is_shared = engine.server.is_some();
        let place = Arc::new(Place::on(engine).await);
        // On PostgreSQL a second process writes, too.
        let second = if is_shared {
            let guard = place.engine.scratch.path().join("second");
            let head = place.log.head().await.unwrap().unwrap().head;
            let seen = Checkpoint::new(log::ORIGIN, head.size(), head.root()).unwrap();
            let log = log::open(&place.engine.url).await.unwrap();
            Some(log::start(Some(log), &guard, &[seen]).await.unwrap())
        } else {
            None
        };
        let common = Blob::new(Kind::Endorsement, vec![3; 40_000]).unwrap();
        let tasks: Vec<_> = (0..60)
            .map(|number| {
                let (place, common, second) = (place.clone(), common.clone(), second.clone());
                tokio::spawn(async move {
                    let own = blob(Kind::Evidence, &format!("evidence {}", number / 2));
                    let sent = filing(Retention::Short, &format!("record {number}")).with_blobs([common, own]).unwrap();
                    let commitment = sent.commitment();
                    let draft = Draft { entry_type: EntryType::Decision, commitment };
                    let id = RequestId { project: "p".to_owned(), id: *commitment.as_bytes() };
                    let request = Request { id, draft, side_rows: Some(place.archive.file(sent)) };
                    let sequencer = second.filter(|_| number % 3 == 0).unwrap_or_else(|| place.sequencer.clone());
                    sequencer.append(request).await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        // Sixty records, thirty pieces of evidence, one endorsement.
        assert_eq!(place.scrub().await, (vec![], 60 + 31));
        log::check(&place.log, &log::Acknowledged::new()).await;
    }
}

#[tokio::test]
async fn erasure_leaves_entries_and_proofs_as_they_are() {
    for engine in engines() {
        let place = Place::on(engine).await;
        let (own, shared) = (blob(Kind::Evidence, "own"), blob(Kind::Policy, "shared"));
        let both = |text: &str| filing(Retention::Short, text).with_blobs([own.clone(), shared.clone()]).unwrap();
        let first = place.file(both("first")).await;
        let second = place.file(filing(Retention::Short, "second").with_blobs([shared.clone()]).unwrap()).await;
        let before = place.log.head().await.unwrap().unwrap().head;
        let leaves = |bytes: Vec<Vec<u8>>| bytes.iter().map(|bytes| Hash::of_leaf(bytes)).collect::<Vec<_>>();
        let leaves_before = leaves(place.log.entries(0, before.size()).await.unwrap());

        place.clock.0.store(91 * DAY, Ordering::Relaxed);
        let erasure = place.erase(&[first], false).await.unwrap();
        match place.archive.open("p", first).await.unwrap().unwrap() {
            OpenedRecord::Erased { entry, by, at, why } => {
                assert_eq!((by, at, why.as_str()), (erasure, 91 * DAY, "asked for"));
                assert_eq!(entry.leaf_hash(), leaves_before[usize::try_from(first).unwrap()]);
            }
            OpenedRecord::Present { .. } => panic!("it was erased"),
        }
        let tombstone = place.archive.blob("p", own.id()).await.unwrap();
        assert_eq!(tombstone, Some(Found::Erased { by: erasure, at: 91 * DAY }));
        assert!(place.has(&shared).await, "another record speaks of it");
        assert!(place.is_open(second).await);
        assert!(place.is_open(erasure).await, "what says why is kept");

        // Every inclusion of before is proved in the tree of after, and the tree of before is a prefix of it.
        let after = place.log.head().await.unwrap().unwrap().head;
        let leaves_after = leaves(place.log.entries(0, after.size()).await.unwrap());
        assert_eq!(leaves_after[..leaves_before.len()], leaves_before[..]);
        check_proofs(&leaves_after, (before.size(), before.root()), after.root());
        place.check_tree().await;
        assert_eq!(place.scrub().await.0, []);

        // The last reference takes the shared blob with it; archived anew, it is there again.
        let refused = place.erase(&[first], false).await;
        assert_eq!(refused, Err(ArchiveRefusal::Erased { index: first, by: erasure }));
        let last = place.erase(&[second], false).await.unwrap();
        assert_eq!(place.archive.blob("p", shared.id()).await.unwrap(), Some(Found::Erased { by: last, at: 91 * DAY }));
        let third = place.file(both("third")).await;
        assert!(place.has(&own).await && place.has(&shared).await);
        place.erase(&[third], true).await.unwrap();
        assert!(!place.has(&own).await && !place.has(&shared).await);
        place.check_tree().await;
    }
}

/// Leaves as a store of the nodes above them.
struct Leaves<'a>(&'a [Hash]);

impl HashReader for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn hash(&self, node: Node) -> Result<Hash, Self::Error> {
        let width = 1 << node.level;
        let start = usize::try_from(node.index).unwrap() * width;
        let mut frontier = Frontier::new();
        self.0[start..start + width].iter().for_each(|leaf| frontier.append(*leaf).unwrap());
        Ok(frontier.root())
    }
}

/// Every leaf is in the tree with the root `root`, and the tree `before` is the beginning of it.
fn check_proofs(leaves: &[Hash], before: (u64, Hash), root: Hash) {
    let size = u64::try_from(leaves.len()).unwrap();
    for (index, leaf) in (0..).zip(leaves) {
        let path = ProofPlan::inclusion(index, size).unwrap().prove(&Leaves(leaves)).unwrap();
        verify_inclusion(leaf, index, size, &path, &root).unwrap();
    }
    let proof = ProofPlan::consistency(before.0, size).unwrap().prove(&Leaves(leaves)).unwrap();
    verify_consistency(before.0, size, &proof, &before.1, &root).unwrap();
}

#[tokio::test]
async fn nothing_goes_before_its_time_unless_that_is_forced() {
    for engine in engines() {
        let place = Place::on(engine).await;
        place.clock.0.store(5, Ordering::Relaxed);
        let mut filed = Vec::new();
        for class in Retention::all() {
            filed.push((class, place.file(filing(class, class.as_str())).await));
        }
        for (class, index) in filed {
            match class.end(5) {
                Some(end) => {
                    place.clock.0.store(end - 1, Ordering::Relaxed);
                    let refused = place.erase(&[index], false).await;
                    assert_eq!(refused, Err(ArchiveRefusal::Retained { index, until: Some(end) }));
                    assert!(place.is_open(index).await);
                    place.clock.0.store(end, Ordering::Relaxed);
                    place.erase(&[index], false).await.unwrap();
                }
                None => {
                    let refused = place.erase(&[index], false).await;
                    assert_eq!(refused, Err(ArchiveRefusal::Retained { index, until: None }));
                    place.erase(&[index], true).await.unwrap();
                }
            }
            assert!(!place.is_open(index).await);
        }
        // One that may not be erased keeps those that may.
        let (old, new) = (place.file(filing(Retention::Short, "old")).await, 90 * DAY);
        place.clock.0.fetch_add(new, Ordering::Relaxed);
        let fresh = place.file(filing(Retention::Short, "fresh")).await;
        let refused = place.erase(&[old, fresh], false).await;
        assert!(matches!(refused, Err(ArchiveRefusal::Retained { index, .. }) if index == fresh));
        assert!(place.is_open(old).await);
        assert_eq!(place.erase(&[999], true).await, Err(ArchiveRefusal::NoRecord { index: 999 }));
        // Only an erasure erases.
        let disguised = filing(Retention::Short, "disguised");
        let commitment = disguised.commitment();
        let rows = Arc::new(place.archive.erase(disguised, vec![old], String::new()));
        let result = place.append(EntryType::Report, commitment, rows).await;
        assert_eq!(refused_as(result), ArchiveRefusal::NotAnErasure);
        // Nor does another project's.
        let foreign = Filing::new("q", Retention::Short, Record::new(b"foreign".to_vec()).unwrap()).unwrap();
        let commitment = foreign.commitment();
        let rows = Arc::new(place.archive.erase(foreign, vec![old], String::new()).forced());
        let result = place.append(EntryType::Erasure, commitment, rows).await;
        assert_eq!(refused_as(result), ArchiveRefusal::NoRecord { index: old });
    }
}

fn refused_as(result: Result<Appended, AppendError>) -> ArchiveRefusal {
    refused(result).unwrap_err()
}

#[tokio::test]
async fn nothing_that_is_held_goes_even_if_forced() {
    for engine in engines() {
        let place = Place::on(engine).await;
        let (own, shared) = (blob(Kind::Evidence, "own"), blob(Kind::Policy, "shared"));
        let one = place.file(filing(Retention::Short, "1").with_blobs([own.clone(), shared.clone()]).unwrap()).await;
        let two = place.file(filing(Retention::Short, "2").with_blobs([shared.clone()]).unwrap()).await;
        let by_entry = place.hold(&[one], &[]).await.unwrap();
        let again = place.hold(&[one], &[]).await.unwrap();
        assert_eq!(place.erase(&[one], true).await, Err(ArchiveRefusal::Held { index: one, hold: by_entry }));
        // A held blob holds every record that speaks of it, later ones too.
        let by_blob = place.hold(&[], &[shared.id()]).await.unwrap();
        let three = place.file(filing(Retention::Short, "3").with_archived([shared.id()]).unwrap()).await;
        for index in [two, three] {
            assert_eq!(place.erase(&[index], true).await, Err(ArchiveRefusal::Held { index, hold: by_blob }));
        }
        // Each hold stands until it itself is released.
        place.release(by_entry).await.unwrap();
        assert_eq!(place.release(by_entry).await, Err(ArchiveRefusal::NoHold { hold: by_entry }));
        assert_eq!(place.release(999).await, Err(ArchiveRefusal::NoHold { hold: 999 }));
        assert_eq!(place.erase(&[one], true).await, Err(ArchiveRefusal::Held { index: one, hold: again }));
        place.release(again).await.unwrap();
        assert_eq!(place.erase(&[one], true).await, Err(ArchiveRefusal::Held { index: one, hold: by_blob }));
        place.release(by_blob).await.unwrap();
        place.erase(&[one, two, three], true).await.unwrap();
        assert!(!place.has(&own).await && !place.has(&shared).await);
        // What is not there cannot be held.
        assert_eq!(place.hold(&[one], &[]).await, Err(ArchiveRefusal::NoRecord { index: one }));
        assert_eq!(place.hold(&[], &[shared.id()]).await, Err(ArchiveRefusal::Missing { id: shared.id() }));
    }
}

/// What is done to an archive in a random order.
#[derive(Clone, Debug)]
enum Step {
    /// Files a record with those of six blobs whose bits are set.
    File(u8),
    /// Erases the record that was filed so many steps ago.
    Erase(usize),
    /// Holds it.
    Hold(usize),
    /// Releases the oldest hold.
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..64_u8).prop_map(Step::File),
        4 => (0..6_usize).prop_map(Step::Erase),
        1 => (0..6_usize).prop_map(Step::Hold),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 1..25)
}

/// The archive as it should be.
#[derive(Default)]
struct Model {
    /// Index, blobs, and whether it was erased.
    records: Vec<(u64, u8, bool)>,
    /// The hold's index and the record's, in the order of placing.
    holds: Vec<(u64, u64)>,
}

impl Model {
    fn back(&mut self, steps: usize) -> Option<&mut (u64, u8, bool)> {
        self.records.iter_mut().rev().nth(steps)
    }

    async fn take(&mut self, place: &Place, blobs: &[Blob], number: usize, step: &Step) {
        match *step {
            Step::File(bits) => {
                let spoken_of =
                    blobs.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, blob)| blob.clone());
                let sent = filing(Retention::Permanent, &format!("record {number}")).with_blobs(spoken_of).unwrap();
                self.records.push((place.file(sent).await, bits, false));
            }
            Step::Erase(back) => {
                let holds = self.holds.clone();
                let Some((index, _, is_erased)) = self.back(back) else { return };
                let result = place.erase(&[*index], true).await;
                match holds.iter().find(|(_, held)| held == index) {
                    _ if *is_erased => assert!(matches!(result, Err(ArchiveRefusal::Erased { .. }))),
                    Some((hold, _)) => assert_eq!(result, Err(ArchiveRefusal::Held { index: *index, hold: *hold })),
                    None => *is_erased = result.is_ok(),
                }
                assert!(*is_erased || holds.iter().any(|(_, held)| held == index));
            }
            Step::Hold(back) => {
                let Some(&mut (index, _, is_erased)) = self.back(back) else { return };
                match place.hold(&[index], &[]).await {
                    Ok(hold) => self.holds.push((hold, index)),
                    refused => assert_eq!((refused, is_erased), (Err(ArchiveRefusal::NoRecord { index }), true)),
                }
            }
            Step::Release => {
                if !self.holds.is_empty() {
                    place.release(self.holds.remove(0).0).await.unwrap();
                }
            }
        }
    }
}

#[tokio::test]
async fn a_blob_is_there_as_long_as_a_record_speaks_of_it() {
    for engine in engines() {
        let place = Place::on(engine).await;
        let mut runner = TestRunner::deterministic();
        for case in 0..12 {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let blobs: Vec<_> = (0..6).map(|bit| blob(Kind::Evidence, &format!("case {case}, blob {bit}"))).collect();
            let mut model = Model::default();
            for (number, step) in steps.iter().enumerate() {
                model.take(&place, &blobs, number, step).await;
                for (bit, blob) in blobs.iter().enumerate() {
                    let live = model.records.iter().any(|(_, bits, is_erased)| !is_erased && bits >> bit & 1 == 1);
                    assert_eq!(place.has(blob).await, live, "blob {bit} after step {number} of {steps:?}");
                }
                for (index, _, is_erased) in &model.records {
                    assert_eq!(place.is_open(*index).await, !is_erased, "after step {number} of {steps:?}");
                }
            }
        }
        assert_eq!(place.scrub().await.0, []);
    }
}

#[tokio::test]
async fn the_scrubber_finds_what_a_disk_has_changed() {
    for engine in engines() {
        let place = Place::on(engine).await;
        let [good, changed, lost] = ["good", "changed", "lost"].map(|text| blob(Kind::Evidence, text));
        let all = [good.clone(), changed.clone(), lost.clone()];
        let one = place.file(filing(Retention::Short, "one").with_blobs(all).unwrap()).await;
        let two = place.file(filing(Retention::Short, "two")).await;
        assert_eq!(place.scrub().await, (vec![], 2 + 3));
        for (lite, pg) in [
            (
                "UPDATE archive_blob SET content = CAST('chanGed' AS BLOB) WHERE content = CAST('changed' AS BLOB)",
                "UPDATE archive_blob SET content = 'chanGed'::bytea WHERE content = 'changed'::bytea",
            ),
            (
                "DELETE FROM archive_blob WHERE content = CAST('lost' AS BLOB)",
                "DELETE FROM archive_blob WHERE content = 'lost'::bytea",
            ),
            (
                "UPDATE archive_record SET record = CAST('twO' AS BLOB) WHERE record = CAST('two' AS BLOB)",
                "UPDATE archive_record SET record = 'twO'::bytea WHERE record = 'two'::bytea",
            ),
        ] {
            assert_eq!(place.run(lite, pg).await, 1);
        }
        let (findings, hashed) = place.scrub().await;
        let expected = [
            ArchiveFinding::Missing { index: one, id: lost.id() },
            ArchiveFinding::Record { index: two },
            ArchiveFinding::Blob { project: "p".to_owned(), id: changed.id() },
        ];
        assert_eq!((findings.as_slice(), hashed), (&expected[..], 2));
        let read = place.archive.blob("p", changed.id()).await;
        assert!(matches!(read, Err(ReadError::BlobMismatch { id }) if id == changed.id()));
        let opened = place.archive.open("p", two).await.err();
        assert!(matches!(opened, Some(ReadError::RecordMismatch { index }) if index == two));
    }
}

#[tokio::test]
async fn what_is_erased_is_in_no_file_of_sqlite() {
    for engine in engines().into_iter().filter(|engine| engine.server.is_none()) {
        let place = Place::on(engine).await;
        let marks = ["e7a1-record-mark", "e7a1-small-blob-mark", "e7a1-large-blob-mark"];
        // A small one stands in a page with others, a large one fills pages of its own.
        let small = blob(Kind::Evidence, &format!("...{}...", marks[1]));
        let large = blob(Kind::Proof, &marks[2].repeat(20_000));
        let sent = filing(Retention::Short, &format!("{{\"name\":\"{}\"}}", marks[0]));
        let index = place.file(sent.with_blobs([small, large]).unwrap()).await;
        for number in 0..20 {
            place.file(filing(Retention::Short, &format!("other {number}"))).await;
        }
        let database = place.engine.scratch.path().join("ledger.db");
        let remains = || {
            let mut wal = database.clone().into_os_string();
            wal.push("-wal");
            let bytes = [std::fs::read(&database).unwrap(), std::fs::read(wal).unwrap_or_default()].concat();
            marks.map(|mark| bytes.windows(mark.len()).filter(|window| *window == mark.as_bytes()).count())
        };
        // In the file itself, and not in the log of it only.
        while !place.archive.flush_erased().await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(remains().iter().all(|count| *count > 0), "the marks are there before");
        place.erase(&[index], true).await.unwrap();
        while !place.archive.flush_erased().await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(remains(), [0; 3]);
        place.check_tree().await;
    }
}

/// A filing as a release makes one: a record, three blobs of its own, and `common` ones.
fn release(number: u64, common: &[Blob]) -> Filing {
    let own = [1500, 800, 400].map(|length: usize| {
        let mut content = vec![0; length];
        content[..8].copy_from_slice(&number.to_be_bytes());
        Blob::new(Kind::Evidence, content).unwrap()
    });
    let sent = Filing::new("p", Retention::Standard, Record::new(vec![b'r'; 600]).unwrap()).unwrap();
    sent.with_blobs(own.into_iter().chain(common.iter().cloned())).unwrap()
}

/// Not a test of anything but speed: `cargo nextest run -p prooftrail --run-ignored only --no-capture archive_rate`.
#[tokio::test]
#[ignore = "a measurement"]
async fn archive_rate() {
    for engine in engines() {
        let name = if engine.server.is_some() { "postgresql" } else { "sqlite" };
        let place = Arc::new(Place::on(engine).await);
        let common: Vec<_> = (0..6_u8).map(|byte| Blob::new(Kind::Endorsement, vec![byte; 2000]).unwrap()).collect();
        let say = |what: &str, count: u32, start: std::time::Instant| {
            println!("{name}: {what}: {:.0}/s", f64::from(count) / start.elapsed().as_secs_f64());
        };
        for (what, archives, common) in [
            ("entries alone", false, &common[..0]),
            ("entries with 3 blobs", true, &common[..0]),
            ("entries with 3 own and 6 common blobs", true, &common[..]),
        ] {
            let start = std::time::Instant::now();
            let tasks: Vec<_> = (0..64)
                .map(|worker| {
                    let (place, common) = (place.clone(), common.to_vec());
                    tokio::spawn(async move {
                        for number in (0..4096).filter(|number| number % 64 == worker) {
                            let sent = release(number, &common);
                            let commitment = sent.commitment();
                            let draft = Draft { entry_type: EntryType::Decision, commitment };
                            let id = RequestId { project: "p".to_owned(), id: *commitment.as_bytes() };
                            let side_rows = archives.then(|| -> Arc<dyn SideRows> { place.archive.file(sent) });
                            place.sequencer.append(Request { id, draft, side_rows }).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            say(what, 4096, start);
        }
        // The statements alone, many filings at once, without a log.
        let start = std::time::Instant::now();
        for batch in 0..64 {
            let filings: Vec<_> = (0..64)
                .map(|number| {
                    let index = 1_000_000 + batch * 64 + number;
                    let sent = release(index, &common);
                    let draft = Draft { entry_type: EntryType::Decision, commitment: sent.commitment() };
                    (Receipt { index, entry: Entry { draft, time: 1 } }, sent)
                })
                .collect();
            let archive = &place.archive;
            let write = place.log.store().run_tx::<_, SideError, _>("measure", |tx| {
                let filings: Vec<_> = filings.iter().map(|(receipt, sent)| (receipt, sent)).collect();
                Box::pin(async move { archive.write(tx, &filings).await })
            });
            write.await.unwrap();
        }
        say("filings alone, 64 in a transaction, 3 own and 6 common blobs", 4096, start);
    }
}
