//! One service process, failed or killed at the system calls with which a release writes. Afterwards no sealed key was
//! returned whose entry is missing, and the same request, asked again, is answered with the one release that there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use prooftrail_protocol::{Purpose, wire::ReleaseResponse};
use serde_json::{Value, json};

use crate::{
    agent::{Job, PLAINTEXT, Site},
    crash::{ORIGIN, Program, configure, try_send},
    http::{self, Reply},
    postgres::signal,
    release::decisions,
    scratch::Scratch,
};

/// The system calls of a release that can fail: of the database, its journal and the guard file.
const CALLS: [&str; 7] = ["openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "ftruncate"];

/// A release writes some fifty frames of the journal, one like the other: every so manieth is failed, and the last.
const EVERY: usize = 5;

/// Processes under strace that run at once; they mostly wait.
const AT_ONCE: usize = 4;

fn database(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("prooftrail.db").display())
}

/// A run under strace, to its end.
struct Run {
    _scratch: Scratch,
    directory: std::path::PathBuf,
    trace: String,
    /// When the release was asked for, in seconds since the Unix epoch.
    asked_at: f64,
    /// What was asked, and what was answered; none if the process had died before it could be asked.
    asked: Option<(Job, Value, Option<Reply>)>,
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Starts a copy of the service in `pristine` under strace, asks it for one release, and kills it.
fn run(pristine: &Path, site: &Site, options: &[String]) -> Run {
    let scratch = Scratch::new();
    let directory = scratch.path().join("d");
    assert!(Command::new("cp").arg("-a").arg(pristine).arg(&directory).status().unwrap().success());
    configure(&directory);
    let trace = scratch.path().join("trace");
    let mut wrapper: Vec<String> = ["strace", "-f", "-qq", "-ttt", "-o"].map(str::to_owned).into();
    wrapper.push(trace.display().to_string());
    wrapper.extend(options.iter().cloned());
    // Only these files: a fault in what wakes a thread would show nothing but a process that waits.
    let data = directory.join("prooftrail-data");
    let files = ["", "-wal", "-shm", "-journal"].map(|end| directory.join(format!("prooftrail.db{end}")));
    let guards = [data.join("guard"), data.join("guard.new"), data.clone(), directory.clone()];
    for file in files.iter().chain(&guards) {
        wrapper.extend(["-P".to_owned(), file.display().to_string()]);
    }
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut asked_at = f64::MAX;
    let asked = match Program::start_under(&wrapper, &directory, &database(&directory), false) {
        // A fault on the way up.
        Err(_) => None,
        Ok(mut program) => {
            let challenge = http::request("POST", "/v1/challenges", None, Some(&json!({ "purpose": "release" })));
            let asked = try_send(program.address, &challenge).filter(|reply| reply.status == 200).map(|challenge| {
                let job = site.job_of(Purpose::Release, serde_json::from_slice(&challenge.body).unwrap());
                let request = json!(job.request());
                asked_at = seconds();
                let asking = http::request("POST", "/v1/releases", None, Some(&request));
                let reply = try_send(program.address, &asking);
                (job, request, reply)
            });
            // The process that strace runs; strace ends with it.
            let strace = program.child.id();
            let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap_or_default();
            let children: Vec<String> = children.split_whitespace().map(str::to_owned).collect();
            if !children.is_empty() {
                signal("KILL", &children);
            }
            program.child.wait().unwrap();
            asked
        }
    };
    Run { _scratch: scratch, directory, trace: fs::read_to_string(trace).unwrap(), asked_at, asked }
}

/// Which calls a release makes, and as which of its thread's: what strace counts by.
fn targets(run: &Run) -> BTreeSet<(&'static str, usize)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut targets = BTreeSet::new();
    for line in run.trace.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(time), Some(rest)) = (words.next(), words.next(), words.next()) else { continue };
        let Some(call) = CALLS.into_iter().find(|call| rest.starts_with(&format!("{call}("))) else { continue };
        let count = counts.entry((thread, call)).or_default();
        *count += 1;
        if time.parse::<f64>().is_ok_and(|time| time >= run.asked_at) {
            targets.insert((call, *count));
        }
    }
    let frames: Vec<_> = targets.iter().copied().filter(|(call, _)| *call == "pwrite64").collect();
    let kept: BTreeSet<_> = frames.iter().step_by(EVERY).chain(frames.last()).copied().collect();
    targets.retain(|target| target.0 != "pwrite64" || kept.contains(target));
    targets
}

/// After a fault: the service starts, and gives the one release of that challenge, which stands in the ledger.
fn recheck(run: &Run, site: &Site, before: usize, context: &str) {
    let url = database(&run.directory);
    let program = Program::start_under(&[], &run.directory, &url, false);
    let program = program.unwrap_or_else(|said| panic!("{context}: {said}"));
    let site = Site { address: program.address, ..site.clone() };
    if let Some((job, request, reply)) = &run.asked {
        let answered = reply.as_ref().filter(|reply| {
            assert!([200, 503].contains(&reply.status), "{context}: {reply:?}");
            reply.status == 200
        });
        let again = site.post("/v1/releases", request);
        assert_eq!(again.status, 200, "{context}: {again:?}");
        let again: ReleaseResponse = serde_json::from_slice(&again.body).unwrap();
        assert_eq!(job.open(&site, &again, &site.file), PLAINTEXT, "{context}");
        if let Some(answered) = answered {
            let first: ReleaseResponse = serde_json::from_slice(&answered.body).unwrap();
            assert_eq!(
                (first.sealed.0, first.terms, first.signature, first.ledger.leaf_index),
                (again.sealed.0, again.terms.clone(), again.signature, again.ledger.leaf_index),
                "{context}"
            );
        }
        let (decisions, _) = decisions(&url, ORIGIN);
        assert_eq!(decisions.len(), before + 1, "{context}: one challenge, one entry");
        let (index, decision) = decisions.last().unwrap();
        assert_eq!(*index, again.ledger.leaf_index, "{context}");
        assert_eq!(decision.release.as_ref().unwrap().terms, again.terms.0, "{context}");
    }
    site.release(&site.job(Purpose::Release));
    program.kill();
}

#[test]
fn a_release_survives_a_fault_at_any_system_call() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: no strace on this machine");
        return;
    }
    let scratch = Scratch::new();
    let pristine = &scratch.path().join("pristine");
    fs::create_dir(pristine).unwrap();
    configure(pristine);
    let mut program = Program::start(pristine, &database(pristine), true);
    let site = &Site::prepare(program.address, program.token.as_deref().unwrap());
    site.release(&site.job(Purpose::Release));
    // Told to stop, it leaves a database without a journal.
    signal("TERM", &[program.child.id().to_string()]);
    program.child.wait().unwrap();
    let before = decisions(&database(pristine), ORIGIN).0.len();
    assert_eq!(before, 1);

    let calm = run(pristine, site, &["-e".to_owned(), format!("trace={}", CALLS.join(","))]);
    let (.., reply) = calm.asked.as_ref().unwrap();
    assert_eq!(reply.as_ref().unwrap().status, 200);
    let targets = targets(&calm);
    let always = ["openat", "write", "pwrite64", "fsync", "rename"];
    for call in always {
        assert!(targets.iter().any(|(target, _)| *target == call), "a release must {call}: {targets:?}");
    }
    let faults: Vec<_> = targets
        .iter()
        .flat_map(|(call, number)| {
            ["error=EIO", "signal=KILL"].map(|fault| (call, format!("inject={call}:{fault}:when={number}")))
        })
        .collect();
    let (mut hits, mut refused, mut lost): (BTreeMap<String, usize>, usize, usize) = Default::default();
    for some in faults.chunks(AT_ONCE) {
        let runs: Vec<_> = std::thread::scope(|scope| {
            let start = |(call, inject): &(&&str, String)| {
                let options = ["-e".to_owned(), format!("trace={call}"), "-e".to_owned(), inject.clone()];
                scope.spawn(move || {
                    let run = run(pristine, site, &options);
                    // A run that took another way, and so met no fault, shows nothing.
                    let is_hit = run.trace.contains("(INJECTED)")
                        || run.asked.as_ref().is_none_or(|(.., reply)| reply.is_none());
                    recheck(&run, site, before, options.last().unwrap());
                    (run, is_hit)
                })
            };
            let threads: Vec<_> = some.iter().map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for ((_, inject), (run, is_hit)) in some.iter().zip(runs) {
            let kind = inject.split_once(":when").map_or(inject.as_str(), |(kind, _)| kind);
            *hits.entry(kind.to_owned()).or_default() += usize::from(is_hit);
            match run.asked {
                Some((_, _, Some(reply))) => refused += usize::from(reply.status != 200),
                Some((_, _, None)) => lost += 1,
                None => {}
            }
        }
    }
    println!("faults at {} calls: {hits:?}; {refused} releases refused, {lost} answers lost", targets.len());
    for call in always {
        for fault in ["error=EIO", "signal=KILL"] {
            assert!(hits.get(&format!("inject={call}:{fault}")).is_some_and(|hits| *hits > 0), "no {call}: {hits:?}");
        }
    }
    assert!(refused > 0 && lost > 0, "faults must have come between a request and its answer");
}
