//! A disk that is full: releases are refused and say so, readiness says so, nothing that was returned is missing, and when
//! there is room again everything goes on by itself.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use prooftrail_protocol::{Purpose, wire::ReleaseResponse};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::{
    agent::{Job, PLAINTEXT, Site},
    crash::{ORIGIN, Program, configure, try_send},
    http::{self, Reply},
    release::decisions,
    scratch::Scratch,
};

/// Releases until the disk must have noticed: SQLite writes into room that it has before it takes more.
const MOST: usize = 300;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn ask(site: &Site, request: &Value) -> Reply {
    try_send(site.address, &http::request("POST", "/v1/releases", None, Some(request))).unwrap()
}

fn ready(site: &Site) -> (u16, Vec<String>) {
    let reply = http::send(site.address, &http::request("GET", "/readyz", None, None));
    let reasons = reply.json()["reasons"].as_array().unwrap().clone();
    (reply.status, reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect())
}

/// Takes the room of a service's database away, and gives it back.
fn out_of_room(program: &Program, database: impl Fn() -> String, take: impl Fn(), give: impl Fn()) {
    let site = Site::prepare(program.address, program.token.as_deref().unwrap());
    let mut granted: Vec<(Job, ReleaseResponse)> = Vec::new();
    let mut refused: Vec<(Job, Value)> = Vec::new();
    let mut grant = |job: Job, reply: &Reply| granted.push((job, serde_json::from_slice(&reply.body).unwrap()));
    for _ in 0..3 {
        let job = site.job(Purpose::Release);
        let reply = ask(&site, &json!(job.request()));
        assert_eq!(reply.status, 200, "{reply:?}");
        grant(job, &reply);
    }
    assert_eq!(ready(&site), (200, vec![]));

    take();
    let mut number = 0;
    while refused.len() < 3 {
        number += 1;
        assert!(number < MOST, "the disk was never full");
        // A challenge needs no room.
        let job = site.job(Purpose::Release);
        let request = json!(job.request());
        let reply = ask(&site, &request);
        if reply.status == 200 {
            grant(job, &reply);
            continue;
        }
        let code = reply.problem();
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(["ledger.unavailable", "ledger.unknown"].contains(&code.as_str()), "{code}");
        assert!(reply.header("retry-after").is_some());
        assert!(!String::from_utf8_lossy(&reply.body).contains("sealed"));
        refused.push((job, request));
    }
    // Nobody is sent here meanwhile, the process is not restarted for it, and what can be read is read.
    assert_eq!(ready(&site), (503, vec!["ledger.unavailable".to_owned()]));
    for path in ["/healthz", "/ledger/checkpoint"] {
        assert_eq!(http::send(site.address, &http::request("GET", path, None, None)).status, 200, "{path}");
    }
    assert_eq!(decisions(&database(), ORIGIN).0.len(), granted.len(), "entries are those of the releases");

    give();
    let start = Instant::now();
    while ready(&site).0 != 200 {
        assert!(start.elapsed() < PATIENCE, "not ready again");
        thread::sleep(Duration::from_millis(50));
    }
    // The same requests, byte for byte, are good.
    let count = refused.len();
    for (job, request) in refused {
        let reply = ask(&site, &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        granted.push((job, serde_json::from_slice(&reply.body).unwrap()));
    }
    let (decisions, _) = decisions(&database(), ORIGIN);
    assert_eq!(decisions.len(), granted.len());
    for (job, response) in &granted {
        assert_eq!(job.open(&site, response, &site.file), PLAINTEXT);
        let (_, decision) = decisions.iter().find(|(index, _)| *index == response.ledger.leaf_index).unwrap();
        assert_eq!(decision.release.as_ref().unwrap().terms, response.terms.0);
    }
    println!("{} releases, {count} of them refused before", granted.len());
}

#[test]
fn a_limit_on_files_is_a_full_disk() {
    let scratch = Scratch::new();
    configure(scratch.path());
    let database = format!("sqlite:{}", scratch.path().join("prooftrail.db").display());
    // By default the signal of a file that grows too large ends a process.
    let wrapper = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];
    let program = Program::start_under(&wrapper, scratch.path(), &database, true).unwrap();
    let process = Pid::from_child(&program.child);
    let limit = |bytes| {
        prlimit(Some(process), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    };
    // Less than the database and its journal have; the guard file needs less.
    out_of_room(&program, || database.clone(), || limit(Some(4096)), || limit(None));
    program.kill();
}

#[test]
fn a_file_system_without_room_is_a_full_disk() {
    let scratch = Scratch::new();
    configure(scratch.path());
    let disk = scratch.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let path = disk.to_str().unwrap();
    let database = format!("sqlite:{path}/prooftrail.db");
    // A file system of its own, which nobody else sees, and which is gone with the process.
    let mount = "mount -t tmpfs -o size=16m tmpfs \"$1\" && shift && exec \"$@\"";
    let wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", path];
    let program = match Program::start_under(&wrapper, scratch.path(), &database, true) {
        Ok(program) => program,
        Err(said) => return println!("skipped: no file system can be mounted here: {said}"),
    };
    let inside = format!("/proc/{}/root{path}", program.child.id());
    let filler = Path::new(&inside).join("filler");
    let fill = || {
        let mut file = File::create(&filler).unwrap();
        for size in [64 * 1024, 1] {
            let error = loop {
                if let Err(error) = file.write_all(&vec![0; size]) {
                    break error;
                }
            };
            assert_eq!(error.kind(), ErrorKind::StorageFull);
        }
    };
    // SQLite would follow the link to a place of the same name out here: it is given a copy.
    let copied = || {
        for end in ["", "-wal"] {
            let name = format!("prooftrail.db{end}");
            fs::copy(Path::new(&inside).join(&name), scratch.path().join(&name)).unwrap();
        }
        let _ = fs::remove_file(scratch.path().join("prooftrail.db-shm"));
        format!("sqlite:{}", scratch.path().join("prooftrail.db").display())
    };
    out_of_room(&program, copied, fill, || fs::remove_file(&filler).unwrap());
    program.kill();
}
