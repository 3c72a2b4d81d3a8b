//! Directories and databases that last as long as a test. In: nothing; out: a path, or a database on each engine.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::postgres::Postgres;

/// A directory that is removed when the test ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty directory. Its path is short: sockets are put in it.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let name = format!("prooftrail-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // A test that was killed has left its own behind, and the process id has come round.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The URL of a SQLite database in it.
    pub(crate) fn sqlite(&self, name: &str) -> String {
        format!("sqlite:{}", self.0.join(name).display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind, it harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An empty database on each engine that this machine has.
pub(crate) fn engines() -> Vec<Engine> {
    let scratch = Scratch::new();
    let lite = Engine { url: scratch.sqlite("ledger.db"), scratch, server: None };
    let pg = Postgres::start().map(|server| Engine {
        url: server.url("postgres"),
        scratch: Scratch::new(),
        server: Some(server),
    });
    [Some(lite), pg].into_iter().flatten().collect()
}

/// An empty database, and a directory beside it.
pub(crate) struct Engine {
    /// Where the database is.
    pub url: String,
    /// For what else the test writes.
    pub scratch: Scratch,
    /// The server, if it has one.
    pub server: Option<Postgres>,
}
