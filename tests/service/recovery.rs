//! A ledger that was recovered: what was promised before is void, what was entered before stands.

use std::sync::Arc;

use prooftrail::{
    log::{
        Clock, SystemClock,
        database::LogDatabase,
        entry::Commitment,
        guard::{GuardFile, GuardStore},
        recovery::recover,
    },
    store::{Access, Store},
};
use prooftrail_ledger::{Checkpoint, Note, VerifierKey};
use prooftrail_protocol::Purpose;
use serde_json::json;

use crate::{
    agent::{PLAINTEXT, Site, header_of},
    http::Reply,
    postgres::Postgres,
    release::{decisions, start},
    scratch::Scratch,
};

fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.problem())
}

/// What an operator's recovery does, on a log that nobody serves or that others serve meanwhile.
fn recovered(url: &str, origin: &str, guard: Option<&std::path::Path>, seen: &[Checkpoint]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(url, Access::Serve).await.unwrap());
        let log = LogDatabase::open(store.clone(), origin).await.unwrap().unwrap();
        let file = guard.map(|guard| GuardFile::open(guard).unwrap());
        let known = file.as_ref().and_then(|file| file.read().unwrap());
        let record = Commitment::new([9; 32]);
        let (head, now) = recover(&log, origin, known.as_ref(), seen, record, SystemClock.now()).await.unwrap();
        assert_eq!(head.recovery_epoch, 1);
        if let Some(file) = file {
            file.write(&now).unwrap();
        }
        store.close().await;
    });
}

fn challenges_and_sessions_end(scratch: &Scratch, database: Option<&str>, url: &str) {
    let service = start(scratch.path(), database, |_| {});
    let site = Site::prepare(service.address, &service.token);
    let session = site.job(Purpose::Session);
    let opened = site.release(&session);
    let answered = json!(session.request());
    let waiting = site.job(Purpose::Release);
    let request = json!(waiting.request());
    let header = header_of(&site.file).to_vec();
    drop(service);
    recovered(url, site.origin.as_str(), Some(&scratch.path().join("data/guard")), &[]);

    let service = start(scratch.path(), database, |_| {});
    let site = Site { address: service.address, ..site };
    // A challenge of before, whether it was spent or not.
    for request in [&request, &answered] {
        assert_eq!(refused(&site.post("/v1/releases", request)), (422, "challenge.void".to_owned()));
    }
    // A session of before: no further witness, and no proof.
    let path = format!("/v1/releases/{}", opened.release_id);
    let further = json!(session.further(opened.release_id, 1, &header));
    assert_eq!(refused(&site.post(&path, &further)).1, "release.session_ended");
    let record = session.record(&opened, opened.release_id, 0);
    assert_eq!(refused(&site.post("/v1/proofs", &json!(session.registration(&record)))).1, "release.session_ended");
    // What was entered stands where it stood, and new challenges are of the new epoch.
    let challenge = site.challenge(Purpose::Release);
    assert_eq!(challenge.recovery_epoch, 1);
    let job = site.job_of(Purpose::Release, challenge);
    let again = site.release(&job);
    assert_eq!(job.open(&site, &again, &site.file), PLAINTEXT);
    let (decisions, _) = decisions(url, site.origin.as_str());
    let indices: Vec<_> = decisions.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, [opened.ledger.leaf_index, again.ledger.leaf_index]);
    let epochs: Vec<_> = decisions.iter().map(|(_, decision)| decision.challenge.recovery_epoch).collect();
    assert_eq!(epochs, [0, 1]);
    assert_eq!(again.ledger.leaf_index, opened.ledger.leaf_index + 2, "the recovery's own entry is between");
}

#[test]
fn a_recovery_ends_challenges_and_sessions_and_loses_nothing() {
    let scratch = Scratch::new();
    let url = format!("sqlite:{}", scratch.path().join("data/prooftrail.db").display());
    challenges_and_sessions_end(&scratch, None, &url);
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.url("postgres");
    challenges_and_sessions_end(&Scratch::new(), Some(&url), &url);
}

#[test]
fn a_recovery_beside_a_running_replica_voids_what_it_was_about_to_release() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.url("postgres");
    let scratch = Scratch::new();
    let service = start(scratch.path(), Some(&url), |_| {});
    let site = Site::prepare(service.address, &service.token);
    let opened = site.release(&site.job(Purpose::Release));
    let requests: Vec<_> = (0..4).map(|_| json!(site.job(Purpose::Release).request())).collect();
    let note = site.call("GET", "/ledger/checkpoint", None).body;
    let known = site.call("GET", "/.well-known/prooftrail", None).json();
    let key = VerifierKey::parse(known["log_key"].as_str().unwrap()).unwrap();
    let seen = Checkpoint::parse(Note::parse(&note).unwrap().verify(&[&key]).unwrap().text()).unwrap();
    recovered(&url, site.origin.as_str(), None, &[seen]);
    // The replica may not know of it yet: then it is the transaction of the entry that refuses.
    for request in &requests {
        assert_eq!(refused(&site.post("/v1/releases", request)), (422, "challenge.void".to_owned()));
    }
    let again = site.release(&site.job_of(Purpose::Release, of_epoch_one(&site)));
    let (decisions, _) = decisions(&url, site.origin.as_str());
    let indices: Vec<_> = decisions.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, [opened.ledger.leaf_index, again.ledger.leaf_index]);
}

/// A challenge made by a replica that knows of the recovery.
fn of_epoch_one(site: &Site) -> prooftrail_protocol::wire::ChallengeResponse {
    let start = std::time::Instant::now();
    loop {
        let challenge = site.challenge(Purpose::Release);
        if challenge.recovery_epoch == 1 {
            return challenge;
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "the replica never learnt of the recovery");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
