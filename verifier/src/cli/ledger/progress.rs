//! How far a long check has come, on standard error, for whoever watches a terminal. Scripts see nothing of it.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::Instant;

/// Nothing is shown of what takes less.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is shown anew.
const INTERVAL: Duration = Duration::from_millis(500);

/// A line that is written over and over.
pub(super) struct Progress {
    next: Option<Instant>,
    shown: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        let next = io::stderr().is_terminal().then(|| Instant::now() + PATIENCE);
        Self { next, shown: false }
    }

    /// Shows that `done` of `all` entries have been read.
    pub(super) fn show(&mut self, done: u64, all: u64) {
        let now = Instant::now();
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        self.next = Some(now + INTERVAL);
        self.shown = true;
        let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
        // A terminal that has gone away is no reason to stop.
        let _ = write!(io::stderr(), "\r{done} of {all} entries ({percent} %)");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = writeln!(io::stderr());
        }
    }
}
