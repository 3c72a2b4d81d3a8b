//! The program, killed again and again while agents ask it for releases. Afterwards no key was returned whose entry is not
//! in the ledger, every challenge stands there once, and whoever asked again got the same key.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use prooftrail_protocol::{Purpose, wire::ReleaseResponse};
use serde_json::{Value, json};

use crate::{
    agent::{Job, PLAINTEXT, Site, root_file},
    http::{self, Reply},
    postgres::Postgres,
    release::decisions,
    scratch::Scratch,
};

/// How often the program is killed.
const KILLS: usize = 25;

/// Agents that ask at once.
const AGENTS: usize = 6;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program, serving.
pub(crate) struct Program {
    pub child: Child,
    pub address: SocketAddr,
    pub token: Option<String>,
}

impl Program {
    pub(crate) fn start(directory: &Path, database: &str, is_first: bool) -> Self {
        Self::start_under(&[], directory, database, is_first).unwrap_or_else(|said| panic!("{said}"))
    }

    /// The same, by way of another program that becomes or runs it. If it never serves, what it said.
    pub(crate) fn start_under(
        wrapper: &[&str],
        directory: &Path,
        database: &str,
        is_first: bool,
    ) -> Result<Self, String> {
        let mut words = wrapper.iter().copied().chain([env!("CARGO_BIN_EXE_prooftrail")]);
        let mut command = Command::new(words.next().unwrap());
        // A wrapper is found by the test's own path.
        let path = std::env::var_os("PATH").filter(|_| !wrapper.is_empty());
        command.env_clear().envs(path.map(|path| ("PATH", path))).current_dir(directory).args(words).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--config",
            "config.toml",
        ]);
        command.args(["--database", database]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().and_then(Result::ok).unwrap_or_default();
        let Some(url) = first.strip_prefix("prooftrail serves at http://") else {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            child.wait().unwrap();
            return Err(format!("{first:?}: {said}"));
        };
        // Read to its end, so that the program never waits for us.
        let mut log = child.stderr.take().unwrap();
        thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let address = url.parse().unwrap();
        let token = is_first.then(|| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix("operator token, shown this once: ").unwrap().to_owned()
        });
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address, token })
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends a request to whichever process serves now; `None` if it has died under it.
pub(crate) fn try_send(address: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(bytes).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    // An answer that broke off is none.
    let reply = answer.windows(4).any(|window| window == b"\r\n\r\n").then(|| Reply::parse(&answer))?;
    let length: usize = reply.header("content-length")?.parse().ok()?;
    (reply.body.len() == length).then_some(reply)
}

/// What an agent was answered.
struct Answered {
    job: Job,
    response: ReleaseResponse,
}

/// The size of the log.
fn log_size(address: SocketAddr) -> u64 {
    let checkpoint = http::send(address, &http::request("GET", "/ledger/checkpoint", None, None));
    String::from_utf8(checkpoint.body).unwrap().lines().nth(1).unwrap().parse().unwrap()
}

/// Asks until there is an answer, with the same bytes each time.
fn insist(address: &Mutex<SocketAddr>, path: &str, body: &Value) -> Reply {
    let (bytes, start) = (http::request("POST", path, None, Some(body)), Instant::now());
    loop {
        let at = *address.lock().unwrap();
        match try_send(at, &bytes) {
            Some(reply) if reply.status != 503 => return reply,
            _ => thread::sleep(Duration::from_millis(5)),
        }
        assert!(start.elapsed() < PATIENCE, "no answer");
    }
}

/// The origin of these services' logs.
pub(crate) const ORIGIN: &str = "example.com/crash";

/// Writes a configuration that knows the simulated root.
pub(crate) fn configure(directory: &Path) {
    let root = root_file(directory);
    let data = directory.join("prooftrail-data");
    let config =
        format!("origin = '{ORIGIN}'\ndata = {data:?}\n[roots]\nfiles = [{root:?}]\n[limits]\nrate_per_second = 0\n");
    fs::write(directory.join("config.toml"), config).unwrap();
}

fn killed_again_and_again(database: impl Fn(&Path) -> String) {
    let scratch = Scratch::new();
    let directory = scratch.path();
    configure(directory);
    let database = database(directory);
    let mut program = Program::start(directory, &database, true);
    let site = Site::prepare(program.address, program.token.as_deref().unwrap());
    let (address, size) = (Arc::new(Mutex::new(program.address)), Arc::new(Mutex::new(0)));
    let (is_over, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let found = Arc::new(AtomicUsize::new(0));
    let agents: Vec<_> = (0..AGENTS)
        .map(|_| {
            let (site, address, size) = (site.clone(), address.clone(), size.clone());
            let (is_over, answers, found) = (is_over.clone(), answers.clone(), found.clone());
            thread::spawn(move || {
                let mut answered = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let challenge = insist(&address, "/v1/challenges", &json!({ "purpose": Purpose::Release }));
                    let job = site.job_of(Purpose::Release, serde_json::from_slice(&challenge.body).unwrap());
                    let reply = insist(&address, "/v1/releases", &json!(job.request()));
                    assert_eq!(reply.status, 200, "{reply:?}");
                    let response: ReleaseResponse = serde_json::from_slice(&reply.body).unwrap();
                    // The process that answered had found the entry when it started.
                    let was_found = response.ledger.leaf_index < *size.lock().unwrap();
                    found.fetch_add(usize::from(was_found), Ordering::Relaxed);
                    answered.push(Answered { job, response });
                    answers.fetch_add(1, Ordering::Relaxed);
                }
                answered
            })
        })
        .collect();
    let (mut before, mut kills) = (0, 0);
    // Until some have come between a commit and its answer, which is a matter of chance.
    while kills < KILLS || found.load(Ordering::Relaxed) == 0 {
        assert!(kills < 20 * KILLS, "no kill came between a commit and its answer");
        let start = Instant::now();
        while answers.load(Ordering::Relaxed) < before + AGENTS {
            assert!(start.elapsed() < PATIENCE, "no progress");
            thread::sleep(Duration::from_millis(1));
        }
        // Somewhere between two answers, each time elsewhere.
        thread::sleep(Duration::from_micros(u64::try_from(kills * 733 % 9000).unwrap()));
        program.kill();
        before = answers.load(Ordering::Relaxed);
        program = Program::start(directory, &database, false);
        *size.lock().unwrap() = log_size(program.address);
        *address.lock().unwrap() = program.address;
        kills += 1;
    }
    is_over.store(true, Ordering::Relaxed);
    let answered: Vec<_> = agents.into_iter().flat_map(|agent| agent.join().unwrap()).collect();
    // The same request once more gets the same key, from a process that has nothing of it in memory.
    let site = Site { address: program.address, ..site };
    for Answered { job, response, .. } in answered.iter().rev().take(20) {
        let again = site.post("/v1/releases", &json!(job.request()));
        // Evidence that is made again is other evidence.
        assert_eq!(again.problem(), "challenge.spent");
        assert_eq!(job.open(&site, response, &site.file), PLAINTEXT);
    }
    program.kill();
    let (decisions, _) = decisions(&database, ORIGIN);
    let entries: BTreeMap<u64, _> = decisions.into_iter().collect();
    let mut challenges = BTreeSet::new();
    for decision in entries.values() {
        assert!(challenges.insert(decision.challenge.random), "a challenge stands twice");
    }
    for Answered { response, .. } in &answered {
        let decision = entries.get(&response.ledger.leaf_index);
        assert!(decision.is_some(), "what was released stands in the ledger");
        let decision = decision.unwrap();
        assert_eq!(decision.release_id, response.release_id);
        assert_eq!(decision.release.as_ref().unwrap().terms, response.terms.0);
    }
    assert_eq!(entries.len(), answered.len(), "every entry was answered");
    let found = found.load(Ordering::Relaxed);
    println!("{kills} kills, {} releases, {found} of them found after a kill", answered.len());
}

#[test]
fn no_key_without_its_entry_on_sqlite() {
    killed_again_and_again(|directory| format!("sqlite:{}", directory.join("prooftrail.db").display()));
}

#[test]
fn no_key_without_its_entry_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    killed_again_and_again(|_| postgres.url("postgres"));
}
