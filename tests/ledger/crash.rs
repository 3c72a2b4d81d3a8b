//! Killing: writers under live load, the server under them, and one process at every system call of an append. Afterwards
//! nothing that was acknowledged is lost or has moved, no size has two roots, every request stands once, and what was in
//! flight is found by its id.
//!
//! A writer is this test binary again, running [`writer`]. It keeps a diary: `try N` before it asks for request N,
//! `ack N INDEX LEAF SIZE ROOT` after the answer, a line a write.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use prooftrail::log::{
    database::LogStore,
    finding::Findings,
    scrubber::Scrubber,
    sequencer::{AppendError, Sequencer},
};
use prooftrail_ledger::Hash;

use crate::{
    log,
    postgres::{Postgres, signal, stop},
    scratch::Scratch,
};

/// Requests that a writer has in flight at once.
const IN_FLIGHT: usize = 12;

/// Processes under strace that run at once; they mostly wait.
const AT_ONCE: usize = 8;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
#[ignore = "the process that the crash tests start and kill"]
async fn writer() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let (url, guard) = (variable("WRITER_URL"), PathBuf::from(variable("WRITER_GUARD")));
    let (path, limit) = (PathBuf::from(variable("WRITER_DIARY")), variable("WRITER_LIMIT").parse::<u64>().unwrap());
    let before = Diary::read(&path);
    let diary = Arc::new(File::options().append(true).create(true).open(path).unwrap());
    let database = log::open(&url).await.unwrap();
    let sequencer = log::start(Some(database), &guard, &[]).await.unwrap();
    write(&diary, "start\n");
    // What was in flight when the last process was killed is asked for again, with the same ids.
    let mut numbers = before.in_flight().into_iter().chain(before.next..before.next.saturating_add(limit));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        while tasks.len() < IN_FLIGHT.min(usize::try_from(limit).unwrap())
            && let Some(number) = numbers.next()
        {
            tasks.spawn(ask(sequencer.clone(), diary.clone(), number, limit / 2));
        }
        match tasks.join_next().await {
            Some(ended) => ended.unwrap(),
            None => return,
        }
    }
}

/// Asks until there is an answer, at most `times` times.
async fn ask(sequencer: Sequencer, diary: Arc<File>, number: u64, times: u64) {
    write(&diary, &format!("try {number}\n"));
    for _ in 0..times {
        match sequencer.append(log::request(number)).await {
            Ok(appended) => {
                let (size, root) = log::checked(&appended);
                let (index, leaf) = (appended.receipt.index, appended.receipt.entry.leaf_hash());
                let found = if appended.is_new { "new" } else { "found" };
                return write(&diary, &format!("ack {number} {index} {leaf} {size} {root} {found}\n"));
            }
            Err(error @ (AppendError::Unavailable(_) | AppendError::OutcomeUnknown)) => {
                write(&diary, &format!("again {number} {error:?}\n"));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(other) => {
                write(&diary, &format!("end {other:?}\n"));
                panic!("{other}");
            }
        }
    }
}

fn write(mut diary: &File, line: &str) {
    diary.write_all(line.as_bytes()).unwrap();
}

/// What a writer has written so far.
#[derive(Default)]
struct Diary {
    tried: Vec<u64>,
    acknowledged: log::Acknowledged,
    signed: BTreeMap<u64, Hash>,
    found: usize,
    starts: usize,
    ended: usize,
    next: u64,
}

impl Diary {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        // The offset that keeps the writers' requests apart is in the file's name.
        let base: u64 = path.extension().unwrap().to_str().unwrap().parse().unwrap();
        let mut diary = Self { next: base, ..Self::default() };
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |place: usize| words[place].parse::<u64>().unwrap();
            let hash = |place: usize| Hash::from_base64(words[place]).unwrap();
            match words[0] {
                "start" => diary.starts += 1,
                "try" => {
                    diary.tried.push(number(1));
                    diary.next = diary.next.max(number(1) + 1);
                }
                "ack" => {
                    let place = (number(2), hash(3));
                    assert_eq!(*diary.acknowledged.entry(number(1)).or_insert(place), place, "{line}");
                    assert_eq!(*diary.signed.entry(number(4)).or_insert(hash(5)), hash(5), "a fork: {line}");
                    diary.found += usize::from(words[6] == "found");
                }
                "again" => {}
                "end" => diary.ended += 1,
                _ => panic!("{line}"),
            }
        }
        diary
    }

    fn in_flight(&self) -> Vec<u64> {
        let mut tried = self.tried.clone();
        tried.sort_unstable();
        tried.dedup();
        tried.retain(|number| !self.acknowledged.contains_key(number));
        tried
    }
}

/// A writer that is started again whenever it was killed.
struct Writer {
    url: String,
    guard: PathBuf,
    diary: PathBuf,
    process: Option<Child>,
}

impl Writer {
    fn new(url: &str, scratch: &Scratch, number: u64) -> Self {
        let path = |name: &str| scratch.path().join(name);
        let diary = path(&format!("diary.{}", number * 1_000_000_000));
        Self { url: url.to_owned(), guard: path(&format!("guard{number}")), diary, process: None }
    }

    fn command(&self, program: &Path, limit: u64) -> Command {
        let mut command = Command::new(program);
        command.args(["crash::writer", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("WRITER_URL", &self.url).env("WRITER_GUARD", &self.guard).env("WRITER_DIARY", &self.diary);
        command.env("WRITER_LIMIT", limit.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn up(&mut self) {
        let program = std::env::current_exe().unwrap();
        self.process = Some(self.command(&program, u64::from(u32::MAX)).spawn().unwrap());
    }

    /// Waits until it has work behind it and work in flight. Starts it again if the server's death ended it.
    fn wait_for_work(&mut self, acknowledged: usize) -> usize {
        let start = Instant::now();
        loop {
            let diary = Diary::read(&self.diary);
            if diary.acknowledged.len() >= acknowledged + 3 * IN_FLIGHT && !diary.in_flight().is_empty() {
                return diary.acknowledged.len();
            }
            if self.process.as_mut().unwrap().try_wait().unwrap().is_some() {
                self.up();
            }
            let text = || fs::read_to_string(&self.diary).unwrap_or_default();
            assert!(start.elapsed() < PATIENCE, "no progress; {:?}", text().lines().last());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it in its work: stopped, it has asked for what it was not answered.
    fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        let id = process.id().to_string();
        stop(&id);
        while Diary::read(&self.diary).in_flight().is_empty() {
            signal("CONT", std::slice::from_ref(&id));
            std::thread::sleep(Duration::from_millis(1));
            stop(&id);
        }
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(!Diary::read(&self.diary).in_flight().is_empty(), "the kill must interrupt work");
    }
}

/// Sees that nothing is lost and everything in flight is resolved, and returns how often something was killed in vain.
async fn settle(url: &str, writers: &mut [Writer]) {
    for writer in writers.iter_mut() {
        // The same process once more, for what was in flight and two requests more.
        let program = std::env::current_exe().unwrap();
        assert!(writer.command(&program, 2).status().unwrap().success());
    }
    let database = log::open(url).await.unwrap();
    let mut scrubber = Scrubber::default();
    let mut found = Findings::default();
    scrubber.run(&database, &mut found).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    let entries = database.entries(0, u64::MAX).await.unwrap();
    let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::of_leaf(entry)).collect();
    let roots: BTreeMap<u64, Hash> = database.checkpoints(0, u64::MAX >> 1).await.unwrap().into_iter().collect();
    let (mut requests, mut found) = (0, 0);
    for writer in writers.iter() {
        let diary = Diary::read(&writer.diary);
        assert_eq!(diary.in_flight(), [0; 0], "every request is answered");
        assert_eq!(diary.ended, 0, "nothing froze");
        for (number, (index, leaf)) in &diary.acknowledged {
            assert_eq!(leaves.get(usize::try_from(*index).unwrap()), Some(leaf), "request {number} was lost or moved");
        }
        for (size, root) in &diary.signed {
            assert_eq!(roots.get(size), Some(root), "what was signed at {size} is not what was committed");
        }
        for number in diary.acknowledged.keys().rev().take(100) {
            assert_eq!(
                database.find(&log::request(*number).id).await.unwrap().unwrap().index,
                diary.acknowledged[number].0
            );
        }
        requests += diary.acknowledged.len();
        found += diary.found;
    }
    // With the genesis entry, every entry is a request's: none stands twice.
    assert_eq!(leaves.len(), requests + 1);
    assert!(found > 0, "some requests in flight must have been found committed");
    println!("{} entries, {} checkpoints, {found} found after a kill", leaves.len(), scrubber.checkpoints());
}

/// Creates the log, and the writers' guards while it has only its genesis entry.
async fn prepare(url: &str, writers: &[Writer]) {
    let database = log::create(url).await;
    for writer in writers {
        let sequencer = log::start(Some(database.clone()), &writer.guard, &[]).await.unwrap();
        let mut status = sequencer.status();
        drop(sequencer);
        while status.changed().await.is_ok() {} // until its tasks have ended and the guard is unlocked
    }
    database.store().close().await;
}

#[tokio::test]
async fn three_writers_and_their_server_are_killed_fifty_times() {
    let Some(server) = Postgres::start() else { return };
    let scratch = Scratch::new();
    let url = server.url("postgres");
    let mut writers: Vec<_> = (0..3).map(|number| Writer::new(&url, &scratch, number)).collect();
    prepare(&url, &writers).await;
    writers.iter_mut().for_each(Writer::up);
    let mut acknowledged = [0; 3];
    let mut kills = (0, 0);
    while kills.0 + kills.1 < 49 {
        for (writer, acknowledged) in writers.iter_mut().zip(&mut acknowledged) {
            *acknowledged = writer.wait_for_work(*acknowledged);
        }
        if (kills.0 + kills.1) % 4 == 3 {
            // The postmaster, its five helpers and a backend for each writer.
            assert!(server.kill() >= 9, "the server must have been serving all writers");
            for writer in &writers {
                let start = Instant::now();
                while Diary::read(&writer.diary).in_flight().is_empty() {
                    assert!(start.elapsed() < PATIENCE, "the kill must interrupt work");
                }
            }
            server.up(&[]);
            kills.1 += 1;
        } else {
            let writer = &mut writers[kills.0 % 3];
            writer.kill();
            writer.up();
            kills.0 += 1;
        }
    }
    for (writer, acknowledged) in writers.iter_mut().zip(&mut acknowledged) {
        writer.wait_for_work(*acknowledged);
        writer.kill();
    }
    println!("{} kills of writers, {} of the server", kills.0 + 3, kills.1);
    settle(&url, &mut writers).await;
}

#[tokio::test]
async fn one_writer_on_sqlite_is_killed_fifty_times() {
    let scratch = Scratch::new();
    let url = scratch.sqlite("ledger.db");
    let mut writers = [Writer::new(&url, &scratch, 0)];
    prepare(&url, &writers).await;
    let mut acknowledged = 0;
    for _ in 0..50 {
        writers[0].up();
        acknowledged = writers[0].wait_for_work(acknowledged);
        writers[0].kill();
    }
    settle(&url, &mut writers).await;
}

/// The system calls of an append that can fail: of the database, its journal and the guard file.
const CALLS: [&str; 7] = ["openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "ftruncate"];

#[tokio::test]
async fn an_append_on_sqlite_survives_a_fault_at_every_system_call() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: no strace on this machine");
        return;
    }
    let scratch = Scratch::new();
    let pristine = scratch.path().join("pristine");
    fs::create_dir(&pristine).unwrap();
    let first = Writer::new(&format!("sqlite:{}", pristine.join("ledger.db").display()), &scratch, 0);
    prepare(&first.url, std::slice::from_ref(&first)).await;
    fs::rename(&first.guard, pristine.join("guard0")).unwrap();

    let pristine = &pristine;
    let run = &|options: &[String]| {
        let directory = Scratch::new();
        let copied = Command::new("cp").arg("-a").arg(pristine).arg(directory.path().join("d")).status().unwrap();
        assert!(copied.success());
        let directory_d = directory.path().join("d");
        let writer = Writer {
            url: format!("sqlite:{}", directory_d.join("ledger.db").display()),
            guard: directory_d.join("guard0"),
            diary: directory_d.join("diary.0"),
            process: None,
        };
        let trace = directory_d.join("trace");
        let mut strace = Command::new("strace");
        let inner = writer.command(&std::env::current_exe().unwrap(), 2);
        strace.args(["-f", "-qq", "-o"]).arg(&trace).args(options);
        // Only these files: a fault in what wakes a thread would show nothing but a process that waits.
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "guard0", "guard0.new", "diary.0", ""] {
            strace.arg("-P").arg(directory_d.join(name).to_str().unwrap().trim_end_matches('/'));
        }
        strace.arg(inner.get_program()).args(inner.get_args());
        inner.get_envs().for_each(|(name, value)| {
            strace.env(name, value.unwrap());
        });
        strace.stdout(Stdio::null()).stderr(Stdio::null());
        let ended = strace.status().unwrap();
        (directory, writer, fs::read_to_string(trace).unwrap(), ended.success())
    };

    // Which calls there are, of each thread, from when the append begins.
    let (_directory, _, trace, succeeded) = run(&["-e".to_owned(), format!("trace={}", CALLS.join(","))]);
    assert!(succeeded);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut targets = std::collections::BTreeSet::new();
    let mut appending = false;
    for line in trace.lines() {
        appending |= line.contains("try ");
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some(call) = CALLS.into_iter().find(|call| rest.trim_start().starts_with(&format!("{call}("))) else {
            continue;
        };
        let count = counts.entry((thread, call)).or_default();
        *count += 1;
        if appending {
            targets.insert((call, *count));
        }
    }
    // Others are met by chance: SQLite truncates its file when its last connection closes, on one thread or another, if the
    // process does not end before.
    let always = ["openat", "write", "pwrite64", "fsync", "rename"];
    for call in always {
        assert!(targets.iter().any(|(target, _)| *target == call), "an append must {call}");
    }

    let faults: Vec<_> = targets
        .iter()
        .flat_map(|(call, number)| {
            ["error=EIO", "signal=KILL"].map(|fault| (call, format!("inject={call}:{fault}:when={number}")))
        })
        .collect();
    let mut hits: BTreeMap<String, usize> = BTreeMap::new();
    for some in faults.chunks(AT_ONCE) {
        let runs: Vec<_> = std::thread::scope(|scope| {
            let start = |(call, inject): &(&&str, String)| {
                let options = ["-e".to_owned(), format!("trace={call}"), "-e".to_owned(), inject.clone()];
                scope.spawn(move || run(&options))
            };
            let threads: Vec<_> = some.iter().map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for ((_, inject), (_directory, mut writer, trace, succeeded)) in some.iter().zip(runs) {
            // A run that took another way, and so met no fault, shows nothing.
            if trace.contains("(INJECTED)") || !succeeded {
                let kind = inject.split_once(":when").map_or(inject.as_str(), |(kind, _)| kind);
                *hits.entry(kind.to_owned()).or_default() += 1;
                recheck(&mut writer, inject).await;
            }
        }
    }
    println!("faults that were met at {} calls: {hits:?}", targets.len());
    for call in always {
        for fault in ["error=EIO", "signal=KILL"] {
            assert!(hits.contains_key(&format!("inject={call}:{fault}")), "no {call} met {fault}: {hits:?}");
        }
    }
}

/// After a fault: the entries make their roots, what was acknowledged stands, and the log goes on.
async fn recheck(writer: &mut Writer, context: &str) {
    let database = log::open(&writer.url).await.unwrap();
    let diary = Diary::read(&writer.diary);
    let mut found = Findings::default();
    Scrubber::default().run(&database, &mut found).await.unwrap();
    assert!(found.is_empty(), "{context}: {found:?}");
    let sequencer = log::start(Some(database.clone()), &writer.guard, &[]).await;
    let sequencer = sequencer.unwrap_or_else(|reason| panic!("{context}: {reason}"));
    for number in 0..3 {
        let appended =
            sequencer.append(log::request(number)).await.unwrap_or_else(|reason| panic!("{context}: {reason}"));
        let place = (appended.receipt.index, appended.receipt.entry.leaf_hash());
        assert_eq!(*diary.acknowledged.get(&number).unwrap_or(&place), place, "{context}");
    }
    let size = sequencer.status().borrow().head.head.size();
    assert_eq!(size, 4, "{context}: each request stands once");
    log::stop(sequencer, database).await;
}
