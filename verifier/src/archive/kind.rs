//! Two tables of data: what is archived and how long it may be, and how long records are kept.

/// What a blob is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Evidence as it was sent.
    Evidence,
    /// An endorsement that an appraisal used: certificate, CRL, TCB information, reference values.
    Endorsement,
    /// The text of a policy.
    Policy,
    /// The result of an appraisal.
    Result,
    /// What an agent says it is about to run.
    Statement,
    /// The context that evidence is bound to.
    Context,
    /// A proof.
    Proof,
    /// A verification key.
    VerificationKey,
    /// A proof's public inputs.
    PublicInputs,
    /// A report.
    Report,
    /// A checkpoint, cosignature or token of time.
    Checkpoint,
    /// A catalogue of reference values.
    Catalogue,
}

/// Every kind with its number in the store, its name, and the most bytes it may have. Numbers are never used again.
const KINDS: [(Kind, i64, &str, usize); 12] = [
    (Kind::Evidence, 1, "evidence", 1 << 20),
    (Kind::Endorsement, 2, "endorsement", 4 << 20),
    (Kind::Policy, 3, "policy", 1 << 20),
    (Kind::Result, 4, "result", 1 << 20),
    (Kind::Statement, 5, "statement", 64 << 10),
    (Kind::Context, 6, "context", 64 << 10),
    (Kind::Proof, 7, "proof", 16 << 20),
    (Kind::VerificationKey, 8, "verification-key", 16 << 20),
    (Kind::PublicInputs, 9, "public-inputs", 4 << 20),
    (Kind::Report, 10, "report", 32 << 20),
    (Kind::Checkpoint, 11, "checkpoint", 64 << 10),
    (Kind::Catalogue, 12, "catalogue", 4 << 20),
];

/// The longest blob in bytes, whatever its kind.
pub const MAX_BLOB_BYTES: usize = 32 << 20;

/// The longest record in bytes.
pub const MAX_RECORD_BYTES: usize = 256 << 10;

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }

    /// Its name, as the API and reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |(_, _, name, _)| name)
    }

    /// The most bytes that a blob of this kind may have.
    #[must_use]
    pub fn max_bytes(self) -> usize {
        self.row().map_or(0, |(.., max)| *max)
    }

    pub(super) fn number(self) -> i64 {
        self.row().map_or(0, |(_, number, ..)| *number)
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        KINDS.iter().find(|(_, known, ..)| *known == number).map(|(kind, ..)| *kind)
    }

    fn row(self) -> Option<&'static (Self, i64, &'static str, usize)> {
        KINDS.iter().find(|(kind, ..)| *kind == self)
    }
}

/// How long a record, and with it the blobs it refers to, is kept at least.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Retention {
    /// Ninety days.
    Short,
    /// Seven years.
    Standard,
    /// For ever.
    Permanent,
}

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Every class with its number in the store, its name, and its length in milliseconds. Seven years have at most two leap
/// days.
const CLASSES: [(Retention, i64, &str, Option<u64>); 3] = [
    (Retention::Short, 1, "short", Some(90 * DAY)),
    (Retention::Standard, 2, "standard", Some((7 * 365 + 2) * DAY)),
    (Retention::Permanent, 3, "permanent", None),
];

impl Retention {
    /// Every class.
    pub fn all() -> impl Iterator<Item = Self> {
        CLASSES.iter().map(|(class, ..)| *class)
    }

    /// Its name, as configuration and reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |(_, _, name, _)| name)
    }

    /// The first instant at which a record of `time` may be erased, both in milliseconds since the Unix epoch.
    #[must_use]
    pub fn end(self, time: u64) -> Option<u64> {
        self.row().and_then(|(.., length)| *length).map(|length| time.saturating_add(length))
    }

    pub(super) fn number(self) -> i64 {
        self.row().map_or(0, |(_, number, ..)| *number)
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        CLASSES.iter().find(|(_, known, ..)| *known == number).map(|(class, ..)| *class)
    }

    fn row(self) -> Option<&'static (Self, i64, &'static str, Option<u64>)> {
        CLASSES.iter().find(|(class, ..)| *class == self)
    }
}

#[cfg(test)]
mod tests {
    use super::{CLASSES, DAY, KINDS, Kind, MAX_BLOB_BYTES, Retention};

    #[test]
    fn numbers_and_names_stand_for_one_thing_each() {
        for (place, (kind, number, name, max)) in KINDS.iter().enumerate() {
            assert!(KINDS[..place].iter().all(|other| other.0 != *kind && other.1 != *number && other.2 != *name));
            assert_eq!((Kind::from_number(*number), kind.as_str(), kind.number()), (Some(*kind), *name, *number));
            assert!((1..=MAX_BLOB_BYTES).contains(max));
        }
        for (place, (class, number, name, _)) in CLASSES.iter().enumerate() {
            assert!(CLASSES[..place].iter().all(|other| other.0 != *class && other.1 != *number && other.2 != *name));
            assert_eq!((Retention::from_number(*number), class.number()), (Some(*class), *number));
        }
        assert_eq!((Kind::from_number(0), Retention::from_number(0)), (None, None));
    }

    #[test]
    fn retention_ends_when_its_class_says() {
        assert_eq!(Retention::Short.end(5), Some(90 * DAY + 5));
        // 22 November 2026 to 22 November 2033, with the leap days of 2028 and 2032.
        assert_eq!(Retention::Standard.end(1_795_305_600_000), Some(2_016_230_400_000));
        assert_eq!(Retention::Standard.end(u64::MAX), Some(u64::MAX));
        assert_eq!(Retention::Permanent.end(0), None);
    }
}
