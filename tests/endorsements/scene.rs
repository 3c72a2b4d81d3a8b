//! Vendors, a clock that a test sets, and evidence of machines whose vendors they are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use prooftrail::{
    endorsements::{Places, Source},
    log::Clock,
};
use prooftrail_evidence::{AwsLc, Endorsements, Wanted, wanted};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_simulator::{
    intel::Vendor,
    snp::{Line, Platform},
    vendors::{Conduct, Vendors},
};
use prooftrail_trust_roots::RootSet;

/// What the keys of the simulated vendors come from.
pub(crate) const SEED: &str = "endorsements";

pub(crate) const DAY: i64 = 24 * 3600;

/// 2026-06-01T12:00:00Z.
pub(crate) const AT: i64 = 1_780_315_200;

/// A clock in seconds since the Unix epoch, which stands.
#[derive(Debug)]
pub(crate) struct Set(AtomicI64);

impl Set {
    pub(crate) fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(seconds)))
    }

    pub(crate) fn to(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for Set {
    fn now(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap() * 1000
    }
}

pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).unwrap()
}

pub(crate) fn platform() -> Platform {
    Platform::new(SEED, Line::Milan)
}

/// The roots of the simulated vendors.
pub(crate) fn roots() -> RootSet {
    let mut roots = RootSet::from_certificate(platform().root_der());
    roots.extend(RootSet::from_certificate(Vendor::new(SEED, AT).root_der()));
    roots
}

/// Vendors at a time.
pub(crate) fn vendors(at: i64) -> Vendors {
    Vendors::start(vec![platform()], SEED, at)
}

/// Where they have what.
pub(crate) fn places(vendors: &Vendors) -> Places {
    let url = vendors.url();
    Places { intel_root_crl: format!("{url}/IntelSGXRootCA.der"), amd: url.clone(), intel: url, ..Places::default() }
}

/// A source that asks them, with a cache.
pub(crate) fn source(vendors: &Vendors, clock: &Arc<Set>, cache: Option<&std::path::Path>) -> Arc<Source> {
    Source::open(places(vendors), roots(), clock.clone(), Duration::from_secs(1), cache).unwrap()
}

/// A report of the platform, and all that it needs.
pub(crate) fn report(at: i64) -> (Vec<u8>, Vec<Wanted>) {
    let platform = platform();
    let report = platform.report();
    let bytes = report.build(&platform.vcek(&report, at).key);
    let wants = wanted(Kind::AmdSevSnp, &bytes, &Endorsements::default(), None, &AwsLc).unwrap();
    (bytes, wants)
}

/// A quote of a guest, and all that it needs.
pub(crate) fn quote(at: i64) -> (Vec<u8>, Vec<Wanted>) {
    let bytes = Vendor::new(SEED, at).td_quote().build();
    let wants = wanted(Kind::IntelTdx, &bytes, &Endorsements::default(), None, &AwsLc).unwrap();
    (bytes, wants)
}

/// Every way in which a vendor fails, and the codes of it.
pub(crate) fn failing() -> [(Conduct, &'static str); 8] {
    [
        (Conduct::Down, "endorsements.unreachable"),
        (Conduct::Slow(Duration::from_secs(5)), "endorsements.timed_out"),
        (Conduct::Failing, "endorsements.status"),
        (Conduct::Throttling(Some(3000)), "endorsements.throttled"),
        (Conduct::Garbage, "endorsements.refused"),
        (Conduct::Lying, "endorsements.refused"),
        (Conduct::Forging, "endorsements.refused"),
        (Conduct::Endless, "endorsements.too_long"),
    ]
}
