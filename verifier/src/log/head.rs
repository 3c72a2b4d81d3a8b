//! The head of a log as the store keeps it, and when it may be believed. In: a head, the database that it was read from,
//! and what was signed before; out: nothing, or the reason to freeze. docs/ledger.md, section "Freezing".
//!
//! A log that signs a second root for a size it signed before has forked, and nothing repairs that. So every doubt about
//! the database ends here, before a signature.

use std::io;

use prooftrail_ledger::{Checkpoint, Frontier, Hash};

use super::finding::Finding;

/// Which database a log is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DatabaseIdentity {
    /// Random, made with the log.
    pub id: [u8; 16],
    /// PostgreSQL's, made with the cluster; 0 on SQLite.
    pub system_identifier: i64,
    /// PostgreSQL's, one more after each promotion or point-in-time recovery; 0 on SQLite.
    pub timeline: i64,
}

/// The head of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// Size, root, and what appending needs.
    pub frontier: Frontier,
    /// The time of the last entry, in milliseconds since the Unix epoch.
    pub time: u64,
    /// How often the log was taken up again after its database moved.
    pub recovery_epoch: u64,
    /// The database in which the last entry was committed.
    pub database: DatabaseIdentity,
}

impl Head {
    /// The number of entries.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }
}

/// A head as it was read, with the identity of the database that answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredHead {
    /// The head.
    pub head: Head,
    /// The database's own identity now. `id` is the head's.
    pub live: DatabaseIdentity,
}

/// What was signed or promised before, outside the database: by the guard file, by this process, by a cosigner.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// The number of entries.
    pub size: u64,
    /// The root at that size.
    pub root: Hash,
    /// Where, if whoever remembers knows.
    pub place: Option<Place>,
}

/// The database and the recovery epoch in which something was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The recovery epoch.
    pub recovery_epoch: u64,
    /// The database.
    pub database: DatabaseIdentity,
}

impl Signed {
    /// The head that was signed.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        let place = Place { recovery_epoch: head.recovery_epoch, database: head.database };
        Self { size: head.size(), root: head.root(), place: Some(place) }
    }
}

impl From<&Checkpoint> for Signed {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self { size: checkpoint.size(), root: checkpoint.root(), place: None }
    }
}

/// Whether the database still has what was signed. `root_then` is the root that it has recorded for `signed.size`.
///
/// # Errors
/// [`Freeze`].
pub fn check_extends(stored: &StoredHead, signed: &Signed, root_then: Option<Hash>) -> Result<(), Freeze> {
    let head = &stored.head;
    if let Some(place) = signed.place {
        if place.database.id != head.database.id {
            return Err(Freeze::OtherDatabase);
        }
        if head.recovery_epoch < place.recovery_epoch {
            return Err(Freeze::EpochRolledBack { have: head.recovery_epoch, need: place.recovery_epoch });
        }
    }
    if head.size() < signed.size {
        return Err(Freeze::RolledBack { have: head.size(), need: signed.size });
    }
    match root_then {
        Some(root) if root == signed.root => Ok(()),
        _ => Err(Freeze::OtherRoot { size: signed.size }),
    }
}

/// Whether the database is the one in which the last entry was committed. It is not after a restore into a new cluster
/// or a promotion: entries may be missing, and only an operator can say that none are.
///
/// # Errors
/// [`Freeze::DatabaseMoved`].
pub fn check_in_place(stored: &StoredHead) -> Result<(), Freeze> {
    if stored.live == stored.head.database {
        return Ok(());
    }
    Err(Freeze::DatabaseMoved { have: stored.live, need: stored.head.database })
}

/// Why nothing more is signed or appended until an operator has looked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Freeze {
    /// Something was signed for this log, but the database does not have the log.
    #[error("the database has no such log, and {size} entries of it were signed")]
    NoLog {
        /// The size that was signed.
        size: u64,
    },
    /// The guard file is another log's.
    #[error("the guard file is that of the log {have}")]
    OtherOrigin {
        /// The origin in the guard file.
        have: String,
    },
    /// The log in this database was made apart from the one that was signed.
    #[error("this is not the database in which the log was signed")]
    OtherDatabase,
    /// Entries that were signed are missing: a backup was restored, or a lagging replica promoted.
    #[error("the database has {have} entries, and {need} were signed: it was rolled back")]
    RolledBack {
        /// The database's size.
        have: u64,
        /// The size that was signed.
        need: u64,
    },
    /// The database's recovery epoch is behind the one that was signed in.
    #[error("the database is in recovery epoch {have}, and something was signed in {need}: it was rolled back")]
    EpochRolledBack {
        /// The database's epoch.
        have: u64,
        /// The epoch that was signed in.
        need: u64,
    },
    /// The tree had another root at a size that was signed, or none.
    #[error("at {size} entries the database does not have the root that was signed")]
    OtherRoot {
        /// The size.
        size: u64,
    },
    /// The database answers with another identity than when the last entry was committed.
    #[error(
        "the database has system identifier {} and timeline {}, and the last entry was committed under {} and {}",
        have.system_identifier, have.timeline, need.system_identifier, need.timeline
    )]
    DatabaseMoved {
        /// The identity now.
        have: DatabaseIdentity,
        /// The identity under which the last entry was committed.
        need: DatabaseIdentity,
    },
    /// Nothing outside the database confirms its head: there is no guard file and no cosigner was heard.
    #[error(
        "nothing confirms that {size} entries are all: there is no guard file, and no cosigner or mirror was asked"
    )]
    Unconfirmed {
        /// The database's size.
        size: u64,
    },
    /// Another file stands where the open database was: what is written now is lost.
    #[error("the database file was replaced while it was open")]
    FileReplaced,
    /// The guard file could not be written, so nothing may be signed.
    #[error("the guard file could not be written: {0}")]
    Guard(io::ErrorKind),
    /// The database holds a head without its row of the table of checkpoints, or the reverse.
    #[error("the database contradicts itself about the head at {size} entries")]
    Contradiction {
        /// The size of the head.
        size: u64,
    },
    /// The log can grow no further, or a checkpoint of it cannot be written.
    #[error("the log at {size} entries cannot be signed")]
    Unsignable {
        /// The size of the head.
        size: u64,
    },
    /// The scrubber has found what was committed to be otherwise now.
    #[error("the scrubber found that what was committed has changed: {finding}")]
    Scrubbed {
        /// What it found first.
        finding: Box<Finding>,
    },
}

impl Freeze {
    /// The code by which scripts know it. It never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoLog { .. } => "ledger.frozen.no_log",
            Self::OtherOrigin { .. } => "ledger.frozen.other_origin",
            Self::OtherDatabase => "ledger.frozen.other_database",
            Self::RolledBack { .. } => "ledger.frozen.rolled_back",
            Self::EpochRolledBack { .. } => "ledger.frozen.epoch_rolled_back",
            Self::OtherRoot { .. } => "ledger.frozen.other_root",
            Self::DatabaseMoved { .. } => "ledger.frozen.database_moved",
            Self::Unconfirmed { .. } => "ledger.frozen.unconfirmed",
            Self::FileReplaced => "ledger.frozen.file_replaced",
            Self::Guard(_) => "ledger.frozen.guard",
            Self::Contradiction { .. } => "ledger.frozen.contradiction",
            Self::Unsignable { .. } => "ledger.frozen.unsignable",
            Self::Scrubbed { .. } => "ledger.frozen.scrubbed",
        }
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_ledger::{Frontier, Hash};

    use super::{DatabaseIdentity, Freeze, Head, Signed, StoredHead, check_extends, check_in_place};

    const HERE: DatabaseIdentity = DatabaseIdentity { id: [7; 16], system_identifier: 71, timeline: 1 };

    fn head(size: u8) -> Head {
        let mut frontier = Frontier::new();
        (0..size).for_each(|entry| frontier.append(Hash::of_leaf(&[entry])).unwrap());
        Head { frontier, time: 9, recovery_epoch: 3, database: HERE }
    }

    #[test]
    fn what_was_signed_must_still_be_there() {
        let stored = StoredHead { head: head(5), live: HERE };
        let root = head(4).root();
        let of = |edit: fn(&mut Head)| {
            let mut head = head(4);
            edit(&mut head);
            Signed::of(&head)
        };
        for (signed, root_then, expected) in [
            (of(|_| ()), Some(root), Ok(())),
            (of(|head| head.recovery_epoch = 2), Some(root), Ok(())),
            (of(|head| head.database.timeline = 9), Some(root), Ok(())), // another replica has recovered since
            (of(|head| head.recovery_epoch = 4), Some(root), Err(Freeze::EpochRolledBack { have: 3, need: 4 })),
            (of(|head| head.database.id = [8; 16]), Some(root), Err(Freeze::OtherDatabase)),
            (of(|_| ()), Some(head(3).root()), Err(Freeze::OtherRoot { size: 4 })),
            (of(|_| ()), None, Err(Freeze::OtherRoot { size: 4 })),
            (Signed::of(&head(6)), None, Err(Freeze::RolledBack { have: 5, need: 6 })),
            (Signed { place: None, ..Signed::of(&head(6)) }, None, Err(Freeze::RolledBack { have: 5, need: 6 })),
        ] {
            assert_eq!(check_extends(&stored, &signed, root_then), expected, "{signed:?}");
        }
    }

    #[test]
    fn the_database_must_be_where_it_was() {
        assert_eq!(check_in_place(&StoredHead { head: head(5), live: HERE }), Ok(()));
        for live in [DatabaseIdentity { timeline: 2, ..HERE }, DatabaseIdentity { system_identifier: 72, ..HERE }] {
            let expected = Err(Freeze::DatabaseMoved { have: live, need: HERE });
            assert_eq!(check_in_place(&StoredHead { head: head(5), live }), expected);
        }
    }
}
