//! What is wrong with a log. In: what was read beside what it should be; out: findings, each with a stable code, counted and
//! listed up to a bound: a log whose first entry was changed has as many wrong roots as checkpoints. docs/ledger.md,
//! section "Checking".

use std::collections::BTreeMap;

use prooftrail_ledger::{Hash, tiles::Tile};

use super::{entry::EntryError, head::Freeze};

/// Something that is not as it was committed, signed or served before.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// Entries are in no batch.
    #[error("the entries from {start} up to {end} are missing")]
    Gap {
        /// The index of the first.
        start: u64,
        /// The index after the last.
        end: u64,
    },
    /// A batch holds indices that another one has, or that cannot be.
    #[error("a batch begins at {start}, and {need} is the next index")]
    Overlap {
        /// Where the batch begins.
        start: i64,
        /// Where the batch before it ends.
        need: u64,
    },
    /// A batch reaches beyond the head.
    #[error("a batch ends at {end}, and the log has {size} entries")]
    Beyond {
        /// The index after the batch's last entry.
        end: u64,
        /// The head's size.
        size: u64,
    },
    /// The bytes of a batch are not as many entries as it says.
    #[error("the batch at {start} does not hold the {count} entries that it says")]
    Batch {
        /// The index of its first entry.
        start: u64,
        /// How many entries it says it has.
        count: u64,
    },
    /// What is stored is no entry.
    #[error("the entry {index}: {reason}")]
    Entry {
        /// Its index.
        index: u64,
        /// Why.
        reason: EntryError,
    },
    /// An entry is older than the one before it.
    #[error("the entry {index} is older than the one before it")]
    Time {
        /// Its index.
        index: u64,
    },
    /// The entries do not make the root that was committed or signed.
    #[error("at {size} entries the root is {computed}, and {stored} was committed")]
    Root {
        /// The size.
        size: u64,
        /// The root that was committed or signed.
        stored: Hash,
        /// The root that the entries make.
        computed: Hash,
    },
    /// A batch was committed without its root.
    #[error("no root is stored for {size} entries, where a batch ends")]
    NoCheckpoint {
        /// The size.
        size: u64,
    },
    /// A root is stored for a size that was never a head.
    #[error("a root is stored for {size} entries, where no batch ends")]
    StrayCheckpoint {
        /// The size.
        size: i64,
    },
    /// The head's size, root or frontier is not what the entries make.
    #[error("the head's {what} is not what the entries make")]
    Head {
        /// Which column.
        what: &'static str,
    },
    /// The head's time is not that of the last entry.
    #[error("the head's time is {have}, and the last entry's {need}")]
    HeadTime {
        /// The head's.
        have: i64,
        /// The entry's.
        need: u64,
    },
    /// A tile has other hashes than the entries make.
    #[error("{tile} has other hashes than the entries make")]
    Tile {
        /// The tile.
        tile: Tile,
    },
    /// A tile is stored where the log has none.
    #[error("a tile is stored at level {level}, index {index}, where the log has none")]
    StrayTile {
        /// Its level.
        level: i64,
        /// Its index.
        index: i64,
    },
    /// A request is said to have become an entry that the log does not have.
    #[error("a request of the project {project:?} is said to be entry {index}, which the log does not have")]
    Request {
        /// Whose.
        project: String,
        /// The index.
        index: i64,
    },
    /// Several requests are said to have become one entry.
    #[error("{requests} requests are said to be the entry {index}")]
    SharedEntry {
        /// The index.
        index: i64,
        /// How many.
        requests: i64,
    },
    /// The database does not have what the guard file says was signed.
    #[error("the guard file: {0}")]
    Guard(Freeze),
    /// A server does not have a tile or bundle that its checkpoint calls for.
    #[error("the server does not have {tile}")]
    NotServed {
        /// The tile.
        tile: Tile,
    },
    /// What a server gives for a tile or bundle cannot be one.
    #[error("what the server has for {tile} is none: {reason}")]
    NoTile {
        /// The tile.
        tile: Tile,
        /// Why.
        reason: String,
    },
    /// The tree could not be made anew to its end, so roots and tiles beyond were not compared.
    #[error("the tree could not be made anew beyond {size} entries; later roots and tiles were not compared")]
    NotRebuilt {
        /// The number of entries up to which it was.
        size: u64,
    },
}

impl Finding {
    /// The code by which scripts know it. It never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "ledger.batch.gap",
            Self::Overlap { .. } => "ledger.batch.overlap",
            Self::Beyond { .. } => "ledger.batch.beyond_head",
            Self::Batch { .. } => "ledger.batch.malformed",
            Self::Entry { .. } => "ledger.entry.malformed",
            Self::Time { .. } => "ledger.entry.time",
            Self::Root { .. } => "ledger.checkpoint.root",
            Self::NoCheckpoint { .. } => "ledger.checkpoint.missing",
            Self::StrayCheckpoint { .. } => "ledger.checkpoint.stray",
            Self::Head { .. } => "ledger.head.mismatch",
            Self::HeadTime { .. } => "ledger.head.time",
            Self::Tile { .. } => "ledger.tile.hashes",
            Self::StrayTile { .. } => "ledger.tile.stray",
            Self::Request { .. } => "ledger.request.range",
            Self::SharedEntry { .. } => "ledger.request.shared_entry",
            Self::Guard(freeze) => freeze.code(),
            Self::NotServed { .. } => "ledger.tile.missing",
            Self::NoTile { .. } => "ledger.tile.malformed",
            Self::NotRebuilt { .. } => "ledger.not_rebuilt",
        }
    }

    /// Whether it says that something was committed and is now otherwise. The others concern what is trusted for nothing
    /// and can be made anew.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        !matches!(self, Self::Tile { .. } | Self::StrayTile { .. } | Self::NotServed { .. } | Self::NoTile { .. })
    }
}

/// How many findings of one code are listed.
pub const MAX_LISTED: u64 = 100;

/// What was found: all of it counted, the first of each code listed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Findings {
    listed: Vec<Finding>,
    counts: BTreeMap<&'static str, u64>,
}

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.code()).or_default();
        *count += 1;
        if *count <= MAX_LISTED {
            self.listed.push(finding);
        }
    }

    /// Adds what was found elsewhere.
    pub fn extend(&mut self, other: Self) {
        for (code, count) in other.counts {
            *self.counts.entry(code).or_default() += count;
        }
        self.listed.extend(other.listed);
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// In the order of their discovery, at most [`MAX_LISTED`] of each code from each check.
    #[must_use]
    pub fn listed(&self) -> &[Finding] {
        &self.listed
    }

    /// How many there are of each code.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Findings, MAX_LISTED};

    #[test]
    fn all_are_counted_and_the_first_are_listed() {
        let mut findings = Findings::default();
        assert!(findings.is_empty());
        (0..1000).for_each(|index| findings.push(Finding::Time { index }));
        findings.push(Finding::Gap { start: 0, end: 1 });
        assert_eq!(findings.counts().get("ledger.entry.time"), Some(&1000));
        assert_eq!(u64::try_from(findings.listed().len()), Ok(MAX_LISTED + 1));
        assert_eq!(findings.listed().last(), Some(&Finding::Gap { start: 0, end: 1 }));
    }
}
