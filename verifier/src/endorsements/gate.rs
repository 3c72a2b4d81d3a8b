//! Who may be asked again when. In: what came of questions; out: leave to ask, or the failure that still stands. A host that
//! is in trouble, or that asks us to wait, is left alone as a whole; something that a host does not have, or has only as a
//! forgery, is left alone by itself. Waits double with each failure, with some chance in them, and end with a success.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prooftrail_evidence::Wanted;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{failure::Failure, jitter};

/// How long a vendor that names no time is not asked: AMD's service lets one question pass in ten seconds.
pub const THROTTLED: Duration = Duration::from_secs(10);

/// The longest wait that a vendor may ask of us.
const LONGEST_THROTTLE: Duration = Duration::from_secs(3600);

/// The first wait after a host was in trouble, and the longest.
const HOST_WAITS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// The first wait after one thing could not be had, and the longest.
const THING_WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// How many things that could not be had are remembered.
const MAX_THINGS: usize = 4096;

/// Questions in flight to one host.
const AT_ONCE: usize = 2;

/// A wait that has not ended.
#[derive(Clone, Debug)]
struct Wait {
    until: Instant,
    failures: u32,
    failure: Failure,
}

impl Wait {
    fn next(before: Option<&Self>, failure: &Failure, (first, longest): (Duration, Duration)) -> Self {
        let failures = before.map_or(0, |wait| wait.failures).saturating_add(1);
        let doubled = first.saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX)).min(longest);
        let wait = match failure {
            // Exactly as asked, and never sooner.
            Failure::Throttled { wait } => (*wait).clamp(Duration::from_secs(1), LONGEST_THROTTLE),
            _ => jitter::about(doubled),
        };
        Self { until: Instant::now() + wait, failures, failure: failure.clone() }
    }

    /// The failure, while it stands.
    fn standing(&self) -> Option<Failure> {
        let left = self.until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(match &self.failure {
            Failure::Throttled { .. } => Failure::Throttled { wait: left },
            other => other.clone(),
        })
    }
}

/// What is known of hosts and things that failed.
#[derive(Debug, Default)]
pub struct Gate {
    hosts: Mutex<HashMap<String, Host>>,
    things: Mutex<HashMap<Wanted, Wait>>,
}

#[derive(Debug)]
struct Host {
    wait: Option<Wait>,
    at_once: Arc<Semaphore>,
}

impl Gate {
    /// The failure of something that still stands.
    ///
    /// # Errors
    /// That failure.
    pub fn check(&self, wanted: &Wanted) -> Result<(), Failure> {
        let things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        things.get(wanted).and_then(Wait::standing).map_or(Ok(()), Err)
    }

    /// Waits for a host to have room for one more question.
    ///
    /// # Errors
    /// The host's failure that still stands.
    pub async fn enter(&self, host: &str) -> Result<OwnedSemaphorePermit, Failure> {
        let at_once = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            // Hosts are configured, or stand in a policy, so there are few.
            let new = || Host { wait: None, at_once: Arc::new(Semaphore::new(AT_ONCE)) };
            hosts.entry(host.to_owned()).or_insert_with(new).at_once.clone()
        };
        let permit = at_once.acquire_owned().await.map_err(|_| Failure::Busy)?;
        // Whoever was before us may have found it in trouble.
        self.host_failure(host).map_or(Ok(permit), Err)
    }

    fn host_failure(&self, host: &str) -> Option<Failure> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).and_then(|host| host.wait.as_ref()).and_then(Wait::standing)
    }

    /// Notes how a host answered.
    pub fn note_host(&self, host: &str, failure: Option<&Failure>) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get_mut(host) {
            let failure = failure.filter(|failure| failure.is_the_vendors());
            // Nobody asks while a failure stands, so that this question was under way already: it is the same trouble.
            let stands = host.wait.as_ref().is_some_and(|wait| wait.standing().is_some());
            if stands && failure.is_some_and(|failure| !matches!(failure, Failure::Throttled { .. })) {
                return;
            }
            host.wait = failure.map(|failure| Wait::next(host.wait.as_ref(), failure, HOST_WAITS));
        }
    }

    /// Notes what came of asking for something.
    pub fn note(&self, wanted: &Wanted, failure: Option<&Failure>) {
        let mut things = self.things.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = failure.filter(|failure| !failure.is_the_vendors() && **failure != Failure::Busy);
        let Some(failure) = failure else {
            things.remove(wanted);
            return;
        };
        if things.len() >= MAX_THINGS && !things.contains_key(wanted) {
            let now = Instant::now();
            things.retain(|_, wait| wait.until > now);
            let first = things.iter().min_by_key(|(_, wait)| wait.until).map(|(wanted, _)| wanted.clone());
            if let Some(first) = first.filter(|_| things.len() >= MAX_THINGS) {
                things.remove(&first);
            }
        }
        let wait = Wait::next(things.get(wanted), failure, THING_WAITS);
        things.insert(wanted.clone(), wait);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prooftrail_evidence::Wanted;

    use super::{Failure, Gate, MAX_THINGS};

    fn thing(number: usize) -> Wanted {
        let number = u32::try_from(number).unwrap().to_be_bytes();
        Wanted::IntelTcbInfo {
            tee: prooftrail_evidence::Tee::Tdx,
            fmspc: [0, 0, number[0], number[1], number[2], number[3]],
        }
    }

    #[tokio::test]
    async fn a_host_that_asks_us_to_wait_is_left_alone_as_a_whole() {
        let gate = Gate::default();
        let permit = gate.enter("kds").await.unwrap();
        gate.note_host("kds", Some(&Failure::Throttled { wait: Duration::from_secs(30) }));
        drop(permit);
        let Err(Failure::Throttled { wait }) = gate.enter("kds").await else { panic!("it must wait") };
        assert!(wait > Duration::from_secs(28) && wait <= Duration::from_secs(30));
        assert!(gate.enter("pcs").await.is_ok(), "another host is not concerned");
        gate.note_host("kds", None);
        assert!(gate.enter("kds").await.is_ok());
        // A vendor that asks for no time at all is not asked at once, nor one that asks for ever, never.
        for (asked, least, most) in [(0, 0.9, 1.0), (u64::MAX / 2, 3599.0, 3600.0)] {
            gate.note_host("kds", Some(&Failure::Throttled { wait: Duration::from_secs(asked) }));
            let Err(Failure::Throttled { wait }) = gate.enter("kds").await else { panic!("it must wait") };
            assert!(wait.as_secs_f64() > least && wait.as_secs_f64() <= most, "{wait:?}");
        }
        // What is wrong with one thing is not the host's trouble.
        gate.note_host("kds", Some(&Failure::NotFound));
        assert!(gate.enter("kds").await.is_ok());
        gate.note_host("kds", Some(&Failure::Status(503)));
        assert_eq!(gate.enter("kds").await.err(), Some(Failure::Status(503)));
    }

    #[tokio::test]
    async fn questions_that_fail_together_are_one_trouble() {
        let gate = Gate::default();
        let _permits = [gate.enter("ocsp").await.unwrap(), gate.enter("ocsp").await.unwrap()];
        for _ in 0..2 {
            gate.note_host("ocsp", Some(&Failure::Unreachable("reset".to_owned())));
        }
        let wait = gate.hosts.lock().unwrap()["ocsp"].wait.clone().unwrap();
        assert_eq!(wait.failures, 1);
        // What fails when it is asked again is another.
        if let Some(wait) = &mut gate.hosts.lock().unwrap().get_mut("ocsp").unwrap().wait {
            wait.until = super::Instant::now();
        }
        assert!(gate.host_failure("ocsp").is_none());
        gate.note_host("ocsp", Some(&Failure::TimedOut));
        assert_eq!(gate.hosts.lock().unwrap()["ocsp"].wait.as_ref().unwrap().failures, 2);
        // How long a vendor itself asks us to wait counts whenever it says so.
        gate.note_host("ocsp", Some(&Failure::Throttled { wait: Duration::from_secs(90) }));
        assert!(matches!(gate.host_failure("ocsp"), Some(Failure::Throttled { .. })));
    }

    #[test]
    fn what_a_vendor_does_not_have_is_remembered_within_bounds() {
        let gate = Gate::default();
        gate.note(&thing(0), Some(&Failure::NotFound));
        assert_eq!(gate.check(&thing(0)), Err(Failure::NotFound));
        gate.note(&thing(0), None);
        assert_eq!(gate.check(&thing(0)), Ok(()));
        gate.note(&thing(0), Some(&Failure::TimedOut));
        assert_eq!(gate.check(&thing(0)), Ok(()), "that is the host's");
        for number in 0..=MAX_THINGS {
            gate.note(&thing(number), Some(&Failure::NotFound));
        }
        assert_eq!(gate.things.lock().unwrap().len(), MAX_THINGS);
        assert_eq!(gate.check(&thing(MAX_THINGS)), Err(Failure::NotFound));
    }
}
