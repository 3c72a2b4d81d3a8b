//! What is kept in memory, and never goes back. In: what was fetched; out: what is in force. Of what a vendor publishes anew
//! from time to time, the youngest is remembered even when it has ended: something older that comes later is a replay, where
//! its vendor dates it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prooftrail_evidence::{Admitted, EndorsementFile, Wanted};
use prooftrail_result::Timestamp;

use super::{Kept, failure::Failure, jitter};

/// The most things that are kept; some dozen kilobytes each at most, mostly a few.
pub const MAX_ITEMS: usize = 2048;

const DAY: u64 = 24 * 3600;

/// How often what a vendor renews is asked for again: a list that is in force for weeks may be replaced any day.
const RENEWED_EVERY: Duration = Duration::from_secs(DAY);

/// How long before its end the rest is asked for again.
const BEFORE_END: Duration = Duration::from_secs(30 * DAY);

/// What nobody has used for so long is not asked for again, in seconds.
const FORGOTTEN_AFTER: i64 = 7 * 24 * 3600;

#[derive(Clone, Debug)]
struct Item {
    kept: Arc<Kept>,
    used: Timestamp,
    /// When it is to be asked for again.
    due: Timestamp,
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<HashMap<Wanted, Item>>);

impl Shelf {
    /// What is wanted, if it is here and in force.
    pub fn get(&self, wanted: &Wanted, now: Timestamp) -> Option<Arc<Kept>> {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let item = items.get_mut(wanted).filter(|item| item.kept.is_in_force(now))?;
        item.used = now;
        Some(item.kept.clone())
    }

    /// Keeps something that was fetched, or found on disk, used last at `used`.
    ///
    /// # Errors
    /// [`Failure::Replayed`] if a younger one was here.
    pub fn put(&self, kept: Kept, used: Timestamp, now: Timestamp) -> Result<Arc<Kept>, Failure> {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = items.get(&kept.wanted)
            && kept.wanted.is_dated()
            && kept.admitted.age < before.kept.admitted.age
        {
            let (have, need) = (age(kept.admitted), age(before.kept.admitted));
            return Err(Failure::Replayed { have, need });
        }
        if items.len() >= MAX_ITEMS && !items.contains_key(&kept.wanted) {
            // What is renewed carries the memory of how young it was, so it goes last.
            let oldest = items.iter().min_by_key(|(wanted, item)| (wanted.is_renewed(), item.used));
            if let Some(oldest) = oldest.map(|(wanted, _)| wanted.clone()) {
                items.remove(&oldest);
            }
        }
        let due = due(&kept, now);
        let kept = Arc::new(kept);
        items.insert(kept.wanted.clone(), Item { kept: kept.clone(), used, due });
        Ok(kept)
    }

    /// The certificates that showed that something is signed, whether or not it has ended.
    pub fn issuers(&self, wanted: &Wanted) -> Vec<EndorsementFile> {
        let items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        items.get(wanted).map(|item| item.kept.issuers.clone()).unwrap_or_default()
    }

    /// When something was last used, if it is here.
    pub fn used(&self, wanted: &Wanted) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(wanted).map(|item| item.used)
    }

    /// What is to be asked for again, of what is in use.
    pub fn due(&self, now: Timestamp) -> Vec<Wanted> {
        let items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let in_use = |item: &Item| now <= item.used.saturating_add_seconds(FORGOTTEN_AFTER);
        items.iter().filter(|(_, item)| item.due <= now && in_use(item)).map(|(wanted, _)| wanted.clone()).collect()
    }

    /// Puts off asking again for something that was not to be had.
    pub fn put_off(&self, wanted: &Wanted, now: Timestamp) {
        let mut items = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = items.get_mut(wanted) {
            item.due = later(now, jitter::about(Duration::from_secs(300)));
        }
    }

    /// How many things are here.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// When something is to be asked for again: before it ends, with time left for failures.
fn due(kept: &Kept, now: Timestamp) -> Timestamp {
    let left = kept.admitted.until.unix_seconds().saturating_sub(now.unix_seconds());
    let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
    let wait = if kept.wanted.is_renewed() {
        jitter::about(RENEWED_EVERY).min(left.saturating_sub(jitter::about(left / 4)))
    } else {
        left.saturating_sub(jitter::about(BEFORE_END)).max(jitter::about(RENEWED_EVERY))
    };
    later(now, wait)
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add_seconds(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX))
}

/// How old something is, for people.
fn age(admitted: Admitted) -> String {
    match admitted.age {
        (0, issued) => format!("issued {issued}"),
        (round, issued) => format!("evaluation data number {round}, issued {issued}"),
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_evidence::{Admitted, Tee, Wanted};
    use prooftrail_result::Timestamp;

    use super::{Failure, Kept, MAX_ITEMS, Shelf};

    const DAY: i64 = 24 * 3600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_780_315_200 + seconds).unwrap()
    }

    fn kept(wanted: &str, round: u64, issued: i64, until: i64) -> Kept {
        let admitted = Admitted { age: (round, at(issued)), until: at(until) };
        let wanted = wanted.parse().unwrap();
        Kept { wanted, files: Vec::new(), issuers: Vec::new(), admitted, fetched: at(0), url: String::new() }
    }

    #[test]
    fn what_is_older_than_what_was_here_is_a_replay_even_after_its_end() {
        let shelf = Shelf::default();
        let put = |kept: Kept| shelf.put(kept, at(0), at(0)).map(|_| ());
        put(kept("amd-milan-vcek-crl", 0, 0, DAY)).unwrap();
        assert!(matches!(put(kept("amd-milan-vcek-crl", 0, -1, 9 * DAY)), Err(Failure::Replayed { .. })));
        put(kept("amd-milan-vcek-crl", 0, 0, DAY)).unwrap();
        let wanted: Wanted = "amd-milan-vcek-crl".parse().unwrap();
        assert!(shelf.get(&wanted, at(DAY)).is_some());
        assert!(shelf.get(&wanted, at(DAY + 1)).is_none() && shelf.get(&wanted, at(-1)).is_none());
        let refused = shelf.put(kept("amd-milan-vcek-crl", 0, -1, 9 * DAY), at(2 * DAY), at(2 * DAY));
        assert!(matches!(refused, Err(Failure::Replayed { .. })));
        // The round of evaluation counts before the date.
        put(kept("intel-tdx-qe-identity", 18, 0, DAY)).unwrap();
        let Err(Failure::Replayed { have, need }) = put(kept("intel-tdx-qe-identity", 17, 5, DAY)) else {
            panic!("a replay")
        };
        assert!(have.starts_with("evaluation data number 17") && need.starts_with("evaluation data number 18"));
        put(kept("intel-tdx-qe-identity", 19, -5, DAY)).unwrap();
        // A chip's certificate is minted on request: one with an earlier date is no replay.
        let vcek = format!("amd-milan-vcek-{}-1.2.3.4", "00".repeat(64));
        put(kept(&vcek, 0, 0, DAY)).unwrap();
        put(kept(&vcek, 0, -5, DAY)).unwrap();
    }

    #[test]
    fn what_is_in_use_is_asked_for_again_before_it_ends() {
        let shelf = Shelf::default();
        for (name, until) in [("amd-milan-vcek-crl", 45 * DAY), ("amd-milan-vlek-crl", DAY / 2)] {
            shelf.put(kept(name, 0, 0, until), at(0), at(0)).unwrap();
        }
        shelf.put(kept("amd-milan-vcek-chain", 0, 0, 1000 * DAY), at(0), at(0)).unwrap();
        let due = |seconds| {
            let mut due: Vec<_> = shelf.due(at(seconds)).iter().map(ToString::to_string).collect();
            due.sort();
            due
        };
        assert_eq!(due(DAY / 4), [""; 0]);
        assert_eq!(due(DAY / 2 - DAY / 20), ["amd-milan-vlek-crl"], "before its end");
        assert_eq!(due(DAY + DAY / 4), ["amd-milan-vcek-crl", "amd-milan-vlek-crl"], "daily");
        shelf.put_off(&"amd-milan-vlek-crl".parse().unwrap(), at(DAY + DAY / 4));
        assert_eq!(due(DAY + DAY / 4 + 60), ["amd-milan-vcek-crl"]);
        assert_eq!(due(8 * DAY), [""; 0], "nobody has used any of it for a week");
        let chain = "amd-milan-vcek-chain".parse().unwrap();
        assert!(shelf.get(&chain, at(990 * DAY)).is_some());
        assert_eq!(due(990 * DAY), ["amd-milan-vcek-chain"]);
    }

    #[test]
    fn a_full_shelf_drops_what_was_used_longest_ago_and_lists_last() {
        let shelf = Shelf::default();
        shelf.put(kept("amd-milan-vcek-crl", 0, 0, DAY), at(-9), at(0)).unwrap();
        let name = |number: usize| format!("amd-turin-vcek-{number:016x}-1.2.3.4.5");
        for number in 0..MAX_ITEMS {
            shelf.put(kept(&name(number), 0, 0, DAY), at(i64::try_from(number).unwrap()), at(0)).unwrap();
        }
        assert_eq!(shelf.len(), MAX_ITEMS);
        let here = |name: &str| shelf.get(&name.parse().unwrap(), at(1)).is_some();
        assert!(here("amd-milan-vcek-crl") && !here(&name(0)) && here(&name(1)) && here(&name(MAX_ITEMS - 1)));
        assert_eq!(Wanted::IntelQeIdentity { tee: Tee::Tdx }.to_string(), "intel-tdx-qe-identity");
    }
}
