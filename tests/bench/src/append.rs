//! Appending to a log of the service, from the request to a checkpoint that is signed and behind the guard file, on both
//! engines; against how fast this disk makes bytes durable, measured in turns in the same run.
//!
//! A crowd of `N` keeps `N` requests waiting, each asking again as soon as it is answered. The baseline is `N` times the
//! rate of fdatasync: what a log would reach that shared one of them among the whole crowd and did nothing else.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use prooftrail::{
    log::{
        SystemClock,
        batch::{Request, RequestId},
        database::LogDatabase,
        entry::{Commitment, Draft, EntryType},
        guard::GuardFile,
        sequencer::Sequencer,
        start::Setup,
    },
    store::{Access, Store},
};
use prooftrail_ledger::{NoteSigner, note::KeyName};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::scratch::{Engine, engines};

const ORIGIN: &str = "bench.example/log";
/// Requests that wait at any time.
const CROWDS: [u64; 4] = [1, 64, 256, 1024];
/// Rounds for each crowd, and how long one side runs in each.
const ROUNDS: usize = 5;
const TURN: Duration = Duration::from_millis(800);

pub fn run() {
    let runtime = Runtime::new().expect("threads");
    for engine in engines() {
        let name = if engine.server.is_some() { "postgres" } else { "sqlite" };
        let sequencer = runtime.block_on(start(&engine));
        let mut disk = Disk::new(engine.scratch.path());
        let mut next = 0;
        for crowd in CROWDS {
            append(&runtime, &sequencer, crowd, &mut next);
            let mut rounds: Vec<(Turn, f64)> = (0..ROUNDS)
                .map(|_| (append(&runtime, &sequencer, crowd, &mut next), disk.syncs_per_second()))
                .collect();
            rounds.sort_by(|a, b| (a.0.rate / a.1).total_cmp(&(b.0.rate / b.1)));
            let (ours, syncs) = rounds[ROUNDS / 2];
            print(&format!("ledger-append-{name}-{crowd}"), ours.rate, syncs * crowd as f64);
            // One divided by the time to a signed checkpoint, against one divided by 2 ms.
            print(&format!("ledger-append-{name}-{crowd}-p50-of-2-ms"), 1.0 / ours.p50.as_secs_f64(), 500.0);
            print(&format!("ledger-append-{name}-{crowd}-of-50000"), ours.rate, 50_000.0);
        }
    }
}

fn print(name: &str, ours: f64, baseline: f64) {
    println!("ratio {name} {ours:.0} {baseline:.0} {:.2}", ours / baseline);
}

async fn start(engine: &Engine) -> Sequencer {
    let store = Arc::new(Store::open(&engine.url, Access::Serve).await.expect("an empty database"));
    let genesis = Commitment::of(&[1; 32], b"genesis");
    let store = LogDatabase::create(store, ORIGIN, genesis, [0xbe; 16], 1).await.expect("a new log");
    let guard = GuardFile::open(&engine.scratch.path().join("guard")).expect("a new file");
    let signer = NoteSigner::from_seed(KeyName::new(ORIGIN).expect("a name"), &[7; 32]).expect("a seed");
    let clock = Arc::new(SystemClock);
    let setup = Setup { store: Some(store), guard, origin: ORIGIN.to_owned(), signer, clock, seen: Vec::new() };
    setup.start().await.expect("a new log starts")
}

/// What one turn showed.
#[derive(Clone, Copy)]
struct Turn {
    /// Entries per second.
    rate: f64,
    /// The median time from a request to its signed checkpoint.
    p50: Duration,
}

/// One turn of a crowd.
fn append(runtime: &Runtime, sequencer: &Sequencer, crowd: u64, next: &mut u64) -> Turn {
    let start = Instant::now();
    let mut times = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for place in 0..crowd {
            let sequencer = sequencer.clone();
            let mut number = *next + (place << 40);
            tasks.spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < TURN {
                    let asked = Instant::now();
                    sequencer.append(request(number)).await.expect("appended");
                    times.push(asked.elapsed());
                    number += 1;
                }
                times
            });
        }
        tasks.join_all().await.concat()
    });
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    *next += times.len() as u64;
    times.sort();
    Turn { rate, p50: times[times.len() / 2] }
}

/// A request of its own for each number.
fn request(number: u64) -> Request {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let draft = Draft { entry_type: EntryType::Decision, commitment: Commitment::of(&[0; 32], &id) };
    Request { id: RequestId { project: "bench".to_owned(), id }, draft, side_rows: None }
}

/// The disk under the log, with a file that is written over and over.
struct Disk(File);

impl Disk {
    fn new(folder: &Path) -> Self {
        Self(File::create(folder.join("fdatasync")).expect("room on the disk"))
    }

    /// How often 4 KiB can be written and made durable.
    fn syncs_per_second(&mut self) -> f64 {
        let start = Instant::now();
        let mut syncs = 0_u32;
        while start.elapsed() < TURN {
            self.0.seek(SeekFrom::Start(0)).expect("a file");
            self.0.write_all(&[0x5a; 4096]).expect("room on the disk");
            self.0.sync_data().expect("a disk");
            syncs += 1;
        }
        f64::from(syncs) / start.elapsed().as_secs_f64()
    }
}
