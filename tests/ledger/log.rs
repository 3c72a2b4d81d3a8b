//! A log to test with: its name, its key, its clock, requests, and what must be true of any log at any time.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use prooftrail::{
    log::{
        Clock,
        batch::{Request, RequestId},
        database::{LogDatabase, LogStore},
        entry::{Commitment, Draft, Entry, EntryType},
        guard::{GuardFile, GuardStore},
        sequencer::{Appended, Sequencer},
        start::{Setup, StartError},
    },
    store::{Access, Store},
};
use prooftrail_ledger::{Checkpoint, Frontier, Hash, NoteSigner, note::KeyName};

pub(crate) const ORIGIN: &str = "example.com/log";

/// A clock that stands still, or is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestClock(pub(crate) Arc<AtomicU64>);

impl Clock for TestClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) fn signer() -> NoteSigner {
    NoteSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[7; 32]).unwrap()
}

/// The request number `number`, always the same.
pub(crate) fn request(number: u64) -> Request {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let commitment = Commitment::of(&[0; 32], &number.to_be_bytes());
    let draft = Draft { entry_type: EntryType::Decision, commitment };
    Request { id: RequestId { project: format!("project-{}", number % 3), id }, draft, side_rows: None }
}

/// Opens the store, and creates the log if it is not there.
pub(crate) async fn create(url: &str) -> LogDatabase {
    let store = Arc::new(Store::open(url, Access::Serve).await.unwrap());
    let id = std::process::id().to_be_bytes();
    let mut database = [0x1d; 16];
    database[..4].copy_from_slice(&id);
    LogDatabase::create(store, ORIGIN, Commitment::of(&[1; 32], b"genesis"), database, 1).await.unwrap()
}

/// Opens the store, and the log if it is there.
pub(crate) async fn open(url: &str) -> Option<LogDatabase> {
    let store = Arc::new(Store::open(url, Access::Serve).await.unwrap());
    LogDatabase::open(store, ORIGIN).await.unwrap()
}

/// Starts a sequencer with a guard file.
pub(crate) async fn start(
    store: Option<impl LogStore + Clone>,
    guard: &Path,
    seen: &[Checkpoint],
) -> Result<Sequencer, StartError> {
    start_with(store, GuardFile::open(guard).unwrap(), seen).await
}

/// Starts a sequencer with a guard.
pub(crate) async fn start_with(
    store: Option<impl LogStore + Clone>,
    guard: impl GuardStore,
    seen: &[Checkpoint],
) -> Result<Sequencer, StartError> {
    let clock = Arc::new(TestClock::default());
    let setup = Setup { store, guard, origin: ORIGIN.to_owned(), signer: signer(), clock, seen: seen.to_vec() };
    setup.start().await
}

/// Stops a sequencer, and waits until nothing of it is left that holds a lock.
pub(crate) async fn stop(sequencer: Sequencer, log: LogDatabase) {
    let mut status = sequencer.status();
    drop(sequencer);
    while status.changed().await.is_ok() {}
    log.store().close().await;
    let store = Arc::downgrade(log.store());
    drop(log);
    while store.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Appends requests at once, and returns what each was told, in their order.
pub(crate) async fn append_all(
    sequencer: &Sequencer,
    numbers: impl IntoIterator<Item = u64>,
) -> Vec<Result<Appended, prooftrail::log::sequencer::AppendError>> {
    let tasks: Vec<_> = numbers
        .into_iter()
        .map(|number| {
            let sequencer = sequencer.clone();
            tokio::spawn(async move { sequencer.append(request(number)).await })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// What each request number was told before: the index and the leaf.
pub(crate) type Acknowledged = BTreeMap<u64, (u64, Hash)>;

/// The note over `size` and `root` verifies, and is this log's.
pub(crate) fn checked(appended: &Appended) -> (u64, Hash) {
    let note = &appended.head.note;
    let signer = signer();
    let keys = [signer.verifier_key()];
    let verified = note.verify(&keys).unwrap();
    let checkpoint = Checkpoint::parse(verified.text()).unwrap();
    assert_eq!(checkpoint.origin(), ORIGIN);
    assert!(checkpoint.size() > appended.receipt.index, "the checkpoint covers the entry");
    assert_eq!((checkpoint.size(), checkpoint.root()), (appended.head.head.size(), appended.head.head.root()));
    (checkpoint.size(), checkpoint.root())
}

/// What must be true of a log at any time: the head's root is that of the entries, so is the root of every checkpoint,
/// time does not go back, no request stands twice, and what was acknowledged stands where it was.
pub(crate) async fn check(log: &LogDatabase, acknowledged: &Acknowledged) -> u64 {
    let head = log.head().await.unwrap().unwrap().head;
    let entries = log.entries(0, u64::MAX).await.unwrap();
    assert_eq!(u64::try_from(entries.len()), Ok(head.size()));
    let mut frontier = Frontier::new();
    let (mut time, mut checkpoints) = (0, 0);
    let mut commitments = std::collections::HashSet::new();
    let mut leaves = Vec::new();
    for bytes in &entries {
        let entry = Entry::decode(bytes).unwrap();
        assert!(entry.time >= time);
        time = entry.time;
        assert!(commitments.insert(entry.draft.commitment), "one request stands twice");
        frontier.append(Hash::of_leaf(bytes)).unwrap();
        leaves.push(Hash::of_leaf(bytes));
        if let Some(root) = log.root_at(frontier.size()).await.unwrap() {
            assert_eq!(root, frontier.root(), "at {} entries", frontier.size());
            checkpoints += 1;
        }
    }
    assert_eq!(frontier, head.frontier);
    for (number, (index, leaf)) in acknowledged {
        assert_eq!(leaves.get(usize::try_from(*index).unwrap()), Some(leaf), "request {number} was lost or moved");
        let found = log.find(&request(*number).id).await.unwrap().unwrap();
        assert_eq!((found.index, found.entry.leaf_hash()), (*index, *leaf));
    }
    checkpoints
}
