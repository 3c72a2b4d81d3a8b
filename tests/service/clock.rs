//! A service whose clock is wrong: challenges end, clocks go back, and what was once done is not done twice.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use prooftrail::{
    log::{Clock, SystemClock, database::LogDatabase, entry::Entry},
    store::{Access, Store},
};
use prooftrail_protocol::{Purpose, wire::ReleaseResponse};
use serde_json::json;

use crate::{
    agent::{EXECUTABLE, PLAINTEXT, Site, policy},
    postgres::Postgres,
    release::{decisions, start_by},
    running::Service,
    scratch::Scratch,
};

/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// The machine's clock, set wrong by so many milliseconds.
#[derive(Default)]
struct Wrong(AtomicI64);

impl Wrong {
    fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::Relaxed);
    }
}

impl Clock for Wrong {
    fn now(&self) -> u64 {
        SystemClock.now().saturating_add_signed(self.0.load(Ordering::Relaxed))
    }
}

/// On each engine, a service that can be stopped and started again, with its clock.
fn on_each(test: impl Fn(&Scratch, Option<&str>, &str)) {
    let scratch = Scratch::new();
    test(&scratch, None, &format!("sqlite:{}", scratch.path().join("data/prooftrail.db").display()));
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.url("postgres");
    test(&Scratch::new(), Some(&url), &url);
}

/// A service with its clock, and a site on it.
fn begin(scratch: &Scratch, database: Option<&str>) -> (Arc<Wrong>, Service, Site) {
    let clock = Arc::new(Wrong::default());
    let service = start_by(clock.clone(), scratch.path(), database, |_| {});
    let site = Site::prepare(service.address, &service.token);
    (clock, service, site)
}

/// The times of the log's entries, in their order.
fn entry_times(url: &str, origin: &str) -> Vec<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(Store::open(url, Access::Inspect).await.unwrap());
        let log = LogDatabase::open(store.clone(), origin).await.unwrap().unwrap();
        let entries = log.entries(0, u64::MAX).await.unwrap();
        store.close().await;
        entries.iter().map(|entry| Entry::decode(entry).unwrap().time).collect()
    })
}

#[test]
fn a_challenge_ends() {
    on_each(|scratch, database, url| {
        let (clock, _service, site) = begin(scratch, database);
        let job = site.job(Purpose::Release);
        let request = json!(job.request());
        // Five minutes after it was made, it is good no more; nothing of the evidence was looked at, and nothing entered.
        clock.set(5 * MINUTE);
        let reply = site.post("/v1/releases", &request);
        assert_eq!((reply.status, reply.problem().as_str()), (422, "challenge.expired"));
        assert_eq!(decisions(url, site.origin.as_str()).0.len(), 0);
        // An hour later it is the same, for an appraisal as well.
        clock.set(60 * MINUTE);
        let appraisal = json!({
            "challenge": job.challenge, "policy": "proofs", "suite": "hpke-x25519-hkdfsha256-aes256gcm",
            "recipient": job.recipient.public(), "proof_key": job.proof_key.public(),
            "statement": request["statement"], "evidence": request["evidence"],
        });
        assert_eq!(site.post("/v1/appraisals", &appraisal).problem(), "challenge.expired");
        // Whoever asks for another is served.
        clock.set(0);
        site.release(&site.job(Purpose::Release));
    });
}

#[test]
fn a_clock_that_goes_back_between_challenge_and_release_loses_nothing() {
    on_each(|scratch, database, url| {
        let (clock, _service, site) = begin(scratch, database);
        let job = site.job(Purpose::Release);
        let request = json!(job.request());
        // Replicas' clocks differ by so much; more than a minute is no longer that.
        clock.set(-2 * MINUTE);
        let reply = site.post("/v1/releases", &request);
        assert_eq!((reply.status, reply.problem().as_str()), (422, "challenge.times"));
        // The challenge is still good once the clock is right, or nearly.
        clock.set(-MINUTE / 2);
        let reply = site.post("/v1/releases", &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        let opened: ReleaseResponse = serde_json::from_slice(&reply.body).unwrap();
        clock.set(0);
        assert_eq!(job.open(&site, &opened, &site.file), PLAINTEXT);
        assert_eq!(decisions(url, site.origin.as_str()).0.len(), 1);
    });
}

#[test]
fn a_clock_that_goes_back_between_entries_leaves_their_order() {
    on_each(|scratch, database, url| {
        let (clock, _service, site) = begin(scratch, database);
        let mut indices = Vec::new();
        for millis in [0, 2 * MINUTE, -MINUTE, MINUTE / 2, -3 * MINUTE, 0] {
            clock.set(millis);
            // Challenge and release are of one clock, however wrong: evidence may be five minutes ahead of it.
            let opened = site.release(&site.job(Purpose::Release));
            indices.push(opened.ledger.leaf_index);
        }
        assert!(indices.is_sorted());
        let times = entry_times(url, site.origin.as_str());
        assert!(times.is_sorted(), "{times:?}");
        // The two minutes ahead stand in the entries until time has caught up; the records say what the clock said.
        let (decisions, _) = decisions(url, site.origin.as_str());
        let recorded: Vec<_> = decisions.iter().map(|(_, decision)| decision.at.unix_millis()).collect();
        assert_eq!(recorded.len(), indices.len());
        assert!(recorded[2] < recorded[1] && recorded[4] < recorded[3], "{recorded:?}");
        let at = |index: u64| times[usize::try_from(index).unwrap()];
        assert_eq!((at(indices[2]), at(indices[5])), (at(indices[1]), at(indices[1])));
    });
}

#[test]
fn a_challenge_that_was_spent_stays_spent_when_its_answer_is_forgotten_and_the_clock_goes_back() {
    on_each(|scratch, database, url| {
        let (clock, service, site) = begin(scratch, database);
        let job = site.job(Purpose::Release);
        let request = json!(job.request());
        assert_eq!(site.post("/v1/releases", &request).status, 200);
        drop(service);
        // What the upkeep does once the challenge has ended.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let forgotten = runtime.block_on(async {
            let store = Store::open(url, Access::Serve).await.unwrap();
            let later = i64::try_from(SystemClock.now()).unwrap() + 6 * MINUTE;
            let forgotten = prooftrail::service::release::answers::forget_ended(&store, later).await.unwrap();
            store.close().await;
            forgotten
        });
        assert_eq!(forgotten, 1);
        // A new process, with a clock by which the challenge has not ended: the log takes its id once and for ever.
        clock.set(-MINUTE / 2);
        let service = start_by(clock, scratch.path(), database, |_| {});
        let site = Site { address: service.address, ..site };
        let reply = site.post("/v1/releases", &request);
        assert_eq!((reply.status, reply.problem().as_str()), (409, "challenge.spent"));
        assert_eq!(site.post("/v1/releases", &json!(job.request())).problem(), "challenge.spent");
        assert_eq!(decisions(url, site.origin.as_str()).0.len(), 1);
        site.release(&site.job(Purpose::Release));
        // What is in force is, whatever the clock says.
        site.put_in_force(&policy("proofs", EXECUTABLE, "again", ""));
        site.release(&site.job(Purpose::Release));
    });
}
