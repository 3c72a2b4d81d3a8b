//! The scrubber: reads every entry again and makes the tree anew. In: a log; out: what was found, or the first thing
//! that is not as it was committed. It changes nothing, may stop anywhere, and goes on from where it stopped.

use prooftrail_ledger::{Frontier, Hash};

use super::{
    database::{LogDatabase, LogStore},
    entry::{Entry, EntryError},
};
use crate::store::StoreError;

/// How many entries are read at once.
const CHUNK: u64 = 4096;

/// What the scrubber has read, in order; a new one begins at the genesis entry.
#[derive(Clone, Debug, Default)]
pub struct Scrubber {
    frontier: Frontier,
    time: u64,
    checkpoints: u64,
}

impl Scrubber {
    /// The tree of the entries read so far.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The number of checkpoints that were compared.
    #[must_use]
    pub const fn checkpoints(&self) -> u64 {
        self.checkpoints
    }

    /// Reads from where it stopped to the head, as it is when this begins.
    ///
    /// # Errors
    /// [`Finding`].
    pub async fn run(&mut self, log: &LogDatabase) -> Result<(), Finding> {
        let head = log.head().await?.ok_or(Finding::NoLog)?.head;
        while self.frontier.size() < head.size() {
            let start = self.frontier.size();
            let end = head.size().min(start.saturating_add(CHUNK));
            let entries = log.entries(start, end).await?;
            let mut checkpoints = log.checkpoints(start + 1, end).await?.into_iter().peekable();
            for bytes in &entries {
                self.append(bytes)?;
                if let Some((size, root)) = checkpoints.next_if(|(size, _)| *size == self.frontier.size()) {
                    if root != self.frontier.root() {
                        return Err(Finding::Root { size, stored: root, computed: self.frontier.root() });
                    }
                    self.checkpoints += 1;
                }
            }
            if self.frontier.size() != end {
                return Err(Finding::Missing { index: self.frontier.size() });
            }
        }
        if self.frontier != head.frontier {
            let (stored, computed) = (head.root(), self.frontier.root());
            return Err(Finding::Root { size: head.size(), stored, computed });
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Finding> {
        let index = self.frontier.size();
        let entry = Entry::decode(bytes).map_err(|reason| Finding::Entry { index, reason })?;
        if entry.time < self.time {
            return Err(Finding::Time { index });
        }
        self.time = entry.time;
        self.frontier.append(Hash::of_leaf(bytes)).map_err(|_| Finding::Missing { index })
    }
}

/// What is not as it was committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// There is no such log.
    #[error("the database has no such log")]
    NoLog,
    /// The entries do not make the root that was committed.
    #[error("at {size} entries the root is {computed}, and {stored} was committed")]
    Root {
        /// The size.
        size: u64,
        /// The root that was committed.
        stored: Hash,
        /// The root that the entries make.
        computed: Hash,
    },
    /// An entry is not there.
    #[error("the entry {index} is missing")]
    Missing {
        /// Its index.
        index: u64,
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
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
