//! The source by itself: each way in which a vendor fails, single flight, replays, ends, restarts.

use std::{sync::Arc, time::Duration};

use prooftrail::endorsements::{Failure, Source, source::Gathered};
use prooftrail_evidence::{
    AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, RevocationMode, authenticate,
};
use prooftrail_result::Kind;
use prooftrail_simulator::{
    snp::{Line, Platform},
    vendors::{Conduct, Vendors},
};

use crate::{
    scene::{AT, DAY, SEED, Set, failing, places, quote, report, roots, source, timestamp, vendors},
    scratch::Scratch,
};

fn names(gathered: &Gathered) -> Vec<String> {
    gathered.kept.iter().map(|kept| kept.wanted.to_string()).collect()
}

/// What was gathered makes the evidence authentic, with revocation checked.
fn vouches(kind: Kind, evidence: &[u8], gathered: &Gathered, at: i64) {
    let endorsements = Endorsements::of(&AwsLc, gathered.kept.iter().flat_map(|kept| &kept.files)).unwrap();
    let required = RevocationMode::Required;
    let context = Context {
        crypto: &AwsLc,
        roots: &roots(),
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation { amazon: required, amd: required, intel: required, nvidia: required },
        at: timestamp(at),
        expected: Expected::default(),
    };
    authenticate(kind, evidence, &context).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vendors_answer_vouches_for_evidence() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    let source = source(&vendors, &clock, None);
    for (kind, (evidence, wants)) in [(Kind::AmdSevSnp, report(AT)), (Kind::IntelTdx, quote(AT))] {
        assert!(wants.iter().all(|wanted| source.at_hand(wanted).is_none()));
        let gathered = source.gather(&wants).await;
        assert_eq!(gathered.failures, []);
        vouches(kind, &evidence, &gathered, AT);
        assert!(wants.iter().all(|wanted| source.at_hand(wanted).is_some()));
    }
    // A cache inside a data centre has lists in hex; Turin's certificates have other line ends.
    let url = vendors.url();
    let mut places = places(&vendors);
    places.intel_root_crl = format!("{url}/sgx/certification/v4/rootcacrl");
    let turin = Vendors::start(vec![Platform::new(SEED, Line::Turin)], SEED, AT);
    places.amd = turin.url();
    let mut roots = roots();
    roots.extend(prooftrail_trust_roots::RootSet::from_certificate(Platform::new(SEED, Line::Turin).root_der()));
    let source = Source::open(places, roots, clock, Duration::from_secs(1), None).unwrap();
    let wants = ["intel-root-crl", "amd-turin-vcek-chain", "amd-turin-vlek-chain", "amd-turin-vcek-crl"];
    let gathered = source.gather(&wants.map(|name| name.parse().unwrap())).await;
    assert_eq!((names(&gathered), gathered.failures), (wants.map(str::to_owned).to_vec(), Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_has_its_code_and_leaves_nothing() {
    for (conduct, code) in failing() {
        let (vendors, clock) = (vendors(AT), Set::at(AT));
        vendors.conduct(conduct);
        let source = source(&vendors, &clock, None);
        let wants = [report(AT).1, quote(AT).1].concat();
        let gathered = source.gather(&wants).await;
        assert_eq!(names(&gathered), [""; 0], "{conduct:?}");
        for (wanted, failure) in &gathered.failures {
            assert_eq!(failure.code(), code, "{conduct:?}, {wanted}: {failure}");
            let json = failure.to_json(wanted);
            assert_eq!(json["code"], code);
            assert!(json["detail"].as_str().unwrap().starts_with(&wanted.to_string()));
        }
        assert_eq!(gathered.failures.len(), wants.len());
        assert!(wants.iter().all(|wanted| source.at_hand(wanted).is_none()));
        // Nobody is asked again at once.
        let asked = vendors.asked("/");
        let again = source.gather(&wants).await;
        assert!(again.failures.iter().all(|(_, failure)| failure.code() == code), "{conduct:?}: {again:?}");
        assert_eq!(vendors.asked("/"), asked, "{conduct:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_asks_for_a_moment_gets_it() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    vendors.conduct(Conduct::ThrottlingOnce(1));
    let source = source(&vendors, &clock, None);
    let (evidence, wants) = report(AT);
    let gathered = source.gather(&wants).await;
    assert_eq!(gathered.failures, []);
    vouches(Kind::AmdSevSnp, &evidence, &gathered, AT);
    assert_eq!(vendors.asked("/crl"), 2);
    // A vendor that names no time is given ten seconds; whoever asks learns that, and the fetch goes on without them.
    vendors.conduct(Conduct::Throttling(None));
    let gathered = source.gather(&["amd-milan-vlek-crl".parse().unwrap()]).await;
    let [(_, Failure::Throttled { wait })] = gathered.failures.as_slice() else { panic!("{gathered:?}") };
    assert!(*wait > Duration::from_secs(1) && *wait <= Duration::from_secs(10), "{wait:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_at_once_waits_for_one_fetch() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    vendors.conduct(Conduct::Slow(Duration::from_millis(300)));
    let source = source(&vendors, &clock, None);
    let (_, wants) = report(AT);
    let askers: Vec<_> = (0..20)
        .map(|_| {
            let (source, wants) = (source.clone(), wants.clone());
            tokio::spawn(async move { source.gather(&wants).await })
        })
        .collect();
    for asker in askers {
        assert_eq!(asker.await.unwrap().failures, []);
    }
    for part in ["/vcek/v1/Milan/crl", "/vcek/v1/Milan/cert_chain", "blSPL="] {
        assert_eq!(vendors.asked(part), 1, "{part}");
    }
    // A fetch goes on when whoever asked has left.
    let quoted = quote(AT).1;
    let left = tokio::time::timeout(Duration::from_millis(50), source.gather(&quoted)).await;
    assert!(left.is_err());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(quoted.iter().all(|wanted| source.at_hand(wanted).is_some()));
    assert_eq!(vendors.asked("tdx"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_what_was_seen_is_refused_and_what_was_seen_stays() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    let scratch = Scratch::new();
    let wants = [report(AT).1, quote(AT).1].concat();
    let renewed: Vec<_> = wants.iter().filter(|wanted| wanted.is_renewed()).cloned().collect();
    assert_eq!(renewed.len(), 5);
    let first = source(&vendors, &clock, Some(scratch.path()));
    assert_eq!(first.gather(&wants).await.failures, []);
    vendors.conduct(Conduct::Replaying);
    let replayed = |gathered: &Gathered| {
        assert_eq!(gathered.failures.len(), renewed.len(), "{gathered:?}");
        for (wanted, failure) in &gathered.failures {
            assert!(matches!(failure, Failure::Replayed { .. }), "{wanted}: {failure}");
        }
    };
    replayed(&first.gather(&renewed).await);
    assert!(wants.iter().all(|wanted| first.at_hand(wanted).is_some()), "what was seen is still in force");
    // A restart remembers, and so does a service whose list has ended.
    let second = source(&vendors, &clock, Some(scratch.path()));
    replayed(&second.gather(&renewed).await);
    let pck: [_; 1] = ["intel-pck-platform-crl".parse().unwrap()];
    clock.to(AT + 22 * DAY);
    let third = source(&vendors, &clock, Some(scratch.path()));
    assert!(third.at_hand(&pck[0]).is_none(), "it ended just now");
    vendors.set_time(AT + 6 * DAY);
    assert!(matches!(third.gather(&pck).await.failures[0].1, Failure::Refused(_)), "older, and ended as well");
    vendors.conduct(Conduct::Honest);
    vendors.set_time(AT + 22 * DAY);
    let fourth = source(&vendors, &clock, Some(scratch.path()));
    assert_eq!(fourth.gather(&pck).await.failures, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_needs_no_vendor_until_something_ends() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    let scratch = Scratch::new();
    let ((evidence, wants), quoted) = (report(AT), quote(AT).1);
    let all = [wants.clone(), quoted].concat();
    assert_eq!(source(&vendors, &clock, Some(scratch.path())).gather(&all).await.failures, []);
    vendors.conduct(Conduct::Down);
    let asked = vendors.asked("/");
    let again = source(&vendors, &clock, Some(scratch.path()));
    let kept: Vec<_> = all.iter().map(|wanted| again.at_hand(wanted).unwrap()).collect();
    let gathered = Gathered { kept: kept[..wants.len()].to_vec(), failures: Vec::new() };
    vouches(Kind::AmdSevSnp, &evidence, &gathered, AT);
    assert_eq!(vendors.asked("/"), asked);
    // What a disk alters, or was never whole, is left out and can be fetched again; files that no record names go.
    let objects = scratch.path().join("objects");
    let list = kept.iter().find(|kept| kept.wanted.to_string() == "amd-milan-vcek-crl").unwrap();
    let digest = prooftrail::endorsements::disk::digest(&list.files[0]);
    std::fs::write(objects.join(&digest), b"altered").unwrap();
    std::fs::write(objects.join("no-record"), b"left by a crash").unwrap();
    std::fs::write(scratch.path().join("items/intel-root-crl.json"), b"{\"name\":").unwrap();
    let damaged = source(&vendors, &clock, Some(scratch.path()));
    let missing: Vec<_> = all.iter().filter(|wanted| damaged.at_hand(wanted).is_none()).collect();
    assert_eq!(missing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["amd-milan-vcek-crl", "intel-root-crl"]);
    assert!(!objects.join("no-record").exists());
    // Each is used up to its last instant, and not after it: TCB info is in force for 20 days more, its identity for 21.
    let at_hand = |at: i64, name: &str| {
        clock.to(at);
        again.at_hand(&name.parse().unwrap()).is_some()
    };
    for (name, days) in [
        ("intel-tdx-tcb-info-90c06f000000", 20),
        ("intel-tdx-qe-identity", 21),
        ("intel-pck-platform-crl", 22),
        ("amd-milan-vcek-crl", 44),
    ] {
        assert!(at_hand(AT + days * DAY - 1, name), "{name}");
        assert!(!at_hand(AT + days * DAY, name), "{name}");
        clock.to(AT + days * DAY);
        let gathered = again.gather(&[name.parse().unwrap()]).await;
        assert_eq!(gathered.failures[0].1.code(), "endorsements.unreachable", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_is_fetched_again_before_it_ends() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    let source = source(&vendors, &clock, None);
    let wants = quote(AT).1;
    assert_eq!(source.gather(&wants).await.failures, []);
    let list = "intel-pck-platform-crl".parse().unwrap();
    let before = source.at_hand(&list).unwrap();
    source.refresh().await;
    assert_eq!(vendors.asked("pckcrl"), 1, "it is not due");
    // Two days later the vendor is down, and what is kept stays; then it is back.
    clock.to(AT + 2 * DAY);
    vendors.set_time(AT + 2 * DAY);
    assert!(source.at_hand(&list).is_some());
    vendors.conduct(Conduct::Garbage);
    source.refresh().await;
    assert_eq!(vendors.asked("pckcrl"), 2);
    assert_eq!(source.at_hand(&list).unwrap(), before);
    source.refresh().await;
    assert_eq!(vendors.asked("pckcrl"), 2, "it was put off");
    vendors.conduct(Conduct::Honest);
    clock.to(AT + 2 * DAY + 3600);
    tokio::time::sleep(Duration::from_secs(7)).await;
    source.refresh().await;
    let after = source.at_hand(&list).unwrap();
    assert!(after.admitted.age > before.admitted.age && after.files != before.files);
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_s_cache_is_asked_first_and_believed_no_more_than_others() {
    let (vendors, clock) = (vendors(AT), Set::at(AT));
    let with_thim = || {
        let mut places = places(&vendors);
        places.azure_thim = Some(vendors.url());
        Source::open(places, roots(), clock.clone(), Duration::from_secs(1), None).unwrap()
    };
    let (evidence, wants) = report(AT);
    let gathered = with_thim().gather(&wants).await;
    assert_eq!(gathered.failures, []);
    vouches(Kind::AmdSevSnp, &evidence, &gathered, AT);
    assert_eq!((vendors.asked("THIM"), vendors.asked("cert_chain"), vendors.asked("blSPL=")), (2, 0, 0));
    // Another chip's certificate is none of ours: AMD is asked then.
    let other = Vendors::start(vec![Platform::new("somebody else", Line::Milan)], SEED, AT);
    let mut places = places(&vendors);
    places.azure_thim = Some(other.url());
    let source: Arc<Source> = Source::open(places, roots(), clock.clone(), Duration::from_secs(1), None).unwrap();
    let gathered = source.gather(&wants).await;
    assert_eq!(gathered.failures, []);
    vouches(Kind::AmdSevSnp, &evidence, &gathered, AT);
    assert_eq!((other.asked("THIM"), vendors.asked("blSPL=")), (2, 1));
}
