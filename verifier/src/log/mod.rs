//! The log: the service's side of the transparency ledger, around the pure crate `prooftrail-ledger`. In: requests; out:
//! entries that are committed, signed and provable. docs/ledger.md.
//!
//! | module | what for |
//! |---|---|
//! | [`entry`] | the bytes of a leaf |
//! | [`batch`] | requests, and what they become |
//! | [`head`] | when a database may be believed |
//! | [`guard`] | what was signed, kept outside the database |
//! | [`database`] | the log's tables |
//! | [`start`] | the checks before the first signature |
//! | [`sequencer`] | the order of entries |
//! | [`recovery`] | going on after the database moved |
//! | [`scrubber`] | whether the entries still make the roots |
//! | [`fsck`] | whether everything about the log in a database fits |
//! | [`finding`] | what does not, with its code |
//! | [`maintenance`] | tiles and the scrubber, while a process serves |
//! | [`readiness`] | whether this process may be given work, and what its answers rest on |
//! | [`tiles`] | tiles, built behind the head |
//! | [`http`] | the ledger's routes |
//! | [`remote`] | a log on a server, anybody's, read and checked |
//! | [`prove`] | proofs made from tiles |

mod append;
pub mod batch;
pub mod database;
pub mod finding;
pub mod fsck;
pub mod guard;
pub mod head;
pub mod http;
pub mod maintenance;
pub mod prove;
pub mod readiness;
mod rebuild;
pub mod recovery;
mod releaser;
pub mod remote;
pub mod scrubber;
pub mod sequencer;
pub mod start;
pub mod tiles;

pub use prooftrail_provenance::entry;
pub use releaser::SignedHead;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// Now, in milliseconds since the Unix epoch. It may be wrong, and it may go back.
    fn now(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the edge: whatever is below takes the clock as an argument")]
    fn now(&self) -> u64 {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }
}
