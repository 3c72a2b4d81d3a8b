//! Values that a claim may be compared with, each with the time in which it counts; sorted, so that a lookup costs a
//! binary search however many values there are.

use std::cmp::Ordering;

use prooftrail_result::{
    Timestamp,
    claims::{ClaimType, Value},
};

/// When a reference value counts: from `not_before`, and until just before `retire_at`.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Window {
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) retire_at: Option<Timestamp>,
}

impl Window {
    /// Whether the value counts at that instant.
    pub(crate) fn is_active(self, at: Timestamp) -> bool {
        !self.begins_after(at) && !self.is_retired(at)
    }

    /// Whether the value does not count yet.
    pub(crate) fn begins_after(self, at: Timestamp) -> bool {
        self.not_before.is_some_and(|not_before| at < not_before)
    }

    /// Whether the value counts no more.
    pub(crate) fn is_retired(self, at: Timestamp) -> bool {
        self.retire_at.is_some_and(|retire_at| retire_at <= at)
    }

    /// The last instant at which the value counts.
    fn last_instant(self) -> Timestamp {
        self.retire_at.map_or(Timestamp::MAX, just_before)
    }

    /// The last instant before the value begins to count, where that is still to come.
    fn last_instant_before(self, at: Timestamp) -> Timestamp {
        self.not_before.filter(|not_before| at < *not_before).map_or(Timestamp::MAX, just_before)
    }
}

/// The instant before an instant; time counts milliseconds.
fn just_before(instant: Timestamp) -> Timestamp {
    Timestamp::from_unix_millis(instant.unix_millis() - 1).unwrap_or(instant)
}

/// A value and its time.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) window: Window,
    /// The bytes that a written text spells, for claims that are hex of one vendor and text of another.
    pub(crate) is_decoded_form: bool,
}

/// Values of one type, sorted.
#[derive(Clone, Debug)]
pub(crate) struct ValueSet {
    entries: Box<[Entry]>,
}

impl ValueSet {
    /// Sorts values of one type. The same value may stand there several times, with several windows.
    pub(crate) fn new(claim_type: ClaimType, values: impl IntoIterator<Item = (Value, Window)>) -> Self {
        let mut entries = Vec::new();
        for (value, window) in values {
            if let (ClaimType::HexOrText, Value::Text(text)) = (claim_type, &value)
                && let Ok(bytes) = ClaimType::Hex(0).read(text)
            {
                entries.push(Entry { value: bytes, window, is_decoded_form: true });
            }
            entries.push(Entry { value, window, is_decoded_form: false });
        }
        entries.sort_by(|a, b| order(&a.value, &b.value).then_with(|| a.window.cmp(&b.window)));
        entries.dedup_by(|a, b| order(&a.value, &b.value).is_eq() && a.window == b.window);
        Self { entries: entries.into() }
    }

    /// The values as they were written, in order.
    pub(crate) fn written(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_decoded_form)
    }

    /// Where the value counts at that instant: the last instant at which it still does.
    pub(crate) fn admits(&self, value: &Value, at: Timestamp) -> Option<Timestamp> {
        self.equal_to(value).filter(|window| window.is_active(at)).map(Window::last_instant).max()
    }

    /// Where the value does not count at that instant: the last instant at which it still does not.
    pub(crate) fn stays_out_until(&self, value: &Value, at: Timestamp) -> Option<Timestamp> {
        let mut until = Timestamp::MAX;
        for window in self.equal_to(value) {
            if window.is_active(at) {
                return None;
            }
            until = until.min(window.last_instant_before(at));
        }
        Some(until)
    }

    /// Whether a list has every value that counts at that instant.
    pub(crate) fn is_covered_by(&self, members: &[Value], at: Timestamp) -> Covered {
        let mut last_active = None;
        let mut until = Timestamp::MAX;
        for Entry { value, window, .. } in &self.entries {
            let is_member = || members.iter().any(|member| member.is_same(value));
            if window.is_active(at) {
                if !is_member() {
                    return Covered::No;
                }
                last_active = last_active.max(Some(window.last_instant()));
            } else if window.begins_after(at) && !is_member() {
                until = until.min(window.last_instant_before(at));
            }
        }
        last_active.map_or(Covered::NothingActive, |last_active| Covered::Until(until.min(last_active)))
    }

    /// The windows of the entries that are the same to a policy.
    fn equal_to(&self, value: &Value) -> impl Iterator<Item = Window> {
        let start = self.entries.partition_point(|entry| order(&entry.value, value).is_lt());
        let rest = self.entries.get(start..).unwrap_or_default();
        rest.iter().take_while(move |entry| order(&entry.value, value).is_eq()).map(|entry| entry.window)
    }
}

/// How a list stands to the values that count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Covered {
    /// It has all of them, until then.
    Until(Timestamp),
    /// It lacks one.
    No,
    /// No value counts at that instant, so nothing is said.
    NothingActive,
}

/// A total order over values in which those that are the same to a policy are equal. Values of different types are
/// ordered by type, lists member by member.
pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) | (Value::Mask(a), Value::Mask(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Hex(a), Value::Hex(b)) => a.cmp(b),
        (Value::Time(a) | Value::TimeMillis(a), Value::Time(b) | Value::TimeMillis(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let members = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            members.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The place of a value's type in the order.
const fn rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) => 1,
        Value::Text(_) => 2,
        Value::Hex(_) => 3,
        Value::Mask(_) => 4,
        Value::Time(_) | Value::TimeMillis(_) => 5,
        Value::List(_) => 6,
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_result::{
        Timestamp,
        claims::{ClaimType, Value},
    };

    use super::{Covered, ValueSet, Window};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds).unwrap()
    }

    fn before(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1000 - 1).unwrap()
    }

    fn window(not_before: Option<i64>, retire_at: Option<i64>) -> Window {
        Window { not_before: not_before.map(at), retire_at: retire_at.map(at) }
    }

    fn texts(values: &[(&str, Option<i64>, Option<i64>)]) -> ValueSet {
        let values = values.iter().map(|&(text, from, to)| (Value::from(text), window(from, to)));
        ValueSet::new(ClaimType::Text, values)
    }

    #[test]
    fn a_value_counts_from_its_beginning_until_just_before_its_retirement() {
        let set = texts(&[("a", Some(100), Some(200))]);
        for (instant, admitted) in
            [(before(100), false), (at(100), true), (before(200), true), (at(200), false), (at(201), false)]
        {
            assert_eq!(set.admits(&"a".into(), instant), admitted.then(|| before(200)), "{instant}");
            assert_eq!(set.stays_out_until(&"a".into(), instant).is_none(), admitted, "{instant}");
        }
        assert_eq!(set.stays_out_until(&"a".into(), at(50)), Some(before(100)));
        assert_eq!(set.stays_out_until(&"a".into(), at(250)), Some(Timestamp::MAX));
        assert_eq!(set.stays_out_until(&"b".into(), at(150)), Some(Timestamp::MAX));
    }

    #[test]
    fn a_rotation_overlaps_and_ends_by_itself() {
        let set = texts(&[("old", None, Some(200)), ("new", Some(100), None)]);
        for (instant, old, new) in [(50, true, false), (150, true, true), (250, false, true)] {
            assert_eq!(set.admits(&"old".into(), at(instant)).is_some(), old, "old at {instant}");
            assert_eq!(set.admits(&"new".into(), at(instant)).is_some(), new, "new at {instant}");
        }
    }

    #[test]
    fn of_several_windows_the_longest_counts() {
        let set = texts(&[("a", None, Some(100)), ("a", None, Some(300)), ("a", Some(500), None)]);
        assert_eq!(set.admits(&"a".into(), at(50)), Some(before(300)));
        assert_eq!(set.admits(&"a".into(), at(400)), None);
        assert_eq!(set.stays_out_until(&"a".into(), at(400)), Some(before(500)));
        assert_eq!(set.admits(&"a".into(), at(500)), Some(Timestamp::MAX));
    }

    #[test]
    fn values_are_found_among_many_and_only_there() {
        let value = |number: u64| (Value::Int(number * 2), Window::default());
        let set = ValueSet::new(ClaimType::Int, (0..10_000).rev().map(value));
        assert!((0..10_000).all(|number| set.admits(&Value::Int(number * 2), at(0)).is_some()));
        assert!((0..10_000).all(|number| set.admits(&Value::Int(number * 2 + 1), at(0)).is_none()));
    }

    #[test]
    fn bytes_are_found_by_their_hex_spelling_where_a_claim_may_be_either() {
        let values = ["AB01", "sha256:ab"].map(|text| (Value::from(text), Window::default()));
        let set = ValueSet::new(ClaimType::HexOrText, values.clone());
        for (value, admitted) in [
            (Value::from([0xab, 1].as_slice()), true),
            (Value::from("AB01"), true),
            (Value::from("ab01"), false),
            (Value::from("sha256:ab"), true),
            (Value::from([0xab].as_slice()), false),
        ] {
            assert_eq!(set.admits(&value, at(0)).is_some(), admitted, "{value}");
        }
        assert_eq!(set.written().count(), 2);
        assert!(ValueSet::new(ClaimType::Text, values).admits(&Value::from([0xab, 1].as_slice()), at(0)).is_none());
    }

    #[test]
    fn instants_are_the_same_with_and_without_milliseconds() {
        let set = ValueSet::new(ClaimType::Time, [(Value::Time(at(7)), Window::default())]);
        assert!(set.admits(&Value::TimeMillis(at(7)), at(0)).is_some());
        assert!(set.admits(&Value::TimeMillis(before(7)), at(0)).is_none());
    }

    #[test]
    fn a_list_covers_what_counts_now_and_until_more_counts() {
        let set = texts(&[("a", None, Some(300)), ("b", Some(100), Some(200)), ("c", Some(250), None)]);
        let list = |texts: &[&str]| texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>();
        for (members, instant, covered) in [
            (list(&["a"]), at(50), Covered::Until(before(100))),
            (list(&["a", "b"]), at(50), Covered::Until(before(250))),
            (list(&["a", "b", "c"]), at(50), Covered::Until(before(300))),
            (list(&["a"]), at(100), Covered::No),
            (list(&["a"]), at(200), Covered::Until(before(250))),
            (list(&["c"]), at(300), Covered::Until(Timestamp::MAX)),
            (list(&[]), at(300), Covered::No),
        ] {
            assert_eq!(set.is_covered_by(&members, instant), covered, "{members:?} at {instant}");
        }
        assert_eq!(texts(&[("a", None, Some(1))]).is_covered_by(&[], at(2)), Covered::NothingActive);
    }
}
