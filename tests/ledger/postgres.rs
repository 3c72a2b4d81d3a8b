//! A PostgreSQL server that lasts as long as a test, with the settings that a ledger demands. In: the server's binaries,
//! from PATH or from where Debian keeps them; out: a URL, or the text `skipped: …` where there are none.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::scratch::Scratch;

/// A running server. It is killed, and its files removed, when this is dropped.
pub(crate) struct Postgres {
    binaries: PathBuf,
    scratch: Scratch,
}

impl Postgres {
    /// Starts a server on a socket of its own.
    pub(crate) fn start() -> Option<Self> {
        let Some(binaries) = find() else {
            println!("skipped: no PostgreSQL server binaries (initdb, pg_ctl) on this machine");
            return None;
        };
        let server = Self { binaries, scratch: Scratch::new() };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(server.scratch.path()));
        } else {
            fs::set_permissions(server.scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let data = server.data();
        let options = ["-U", "postgres", "-A", "trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"];
        run(server.command("initdb").arg("-D").arg(data).args(options));
        server.up(&[]);
        Some(server)
    }

    /// Starts it again, with further settings such as `fsync=off`.
    pub(crate) fn up(&self, settings: &[&str]) {
        let socket = self.scratch.path().display();
        let mut options = format!("-k {socket} -c listen_addresses='' -c max_connections=60");
        settings.iter().for_each(|setting| options.push_str(&format!(" -c {setting}")));
        let log = self.scratch.path().join("log");
        run(self
            .command("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .args(["-w", "-s", "-o", &options, "-l"])
            .arg(log)
            .arg("start"));
    }

    /// Stops it in good order.
    pub(crate) fn down(&self) {
        run(self.command("pg_ctl").arg("-D").arg(self.data()).args(["-w", "-s", "-m", "fast", "stop"]));
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.scratch.path().display())
    }

    /// Where its files are.
    pub(crate) fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// One of its programs, run as a user that it agrees to run as.
    fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            // It may be dead already, by the test's own hand.
            let _ = self.command("pg_ctl").arg("-D").arg(self.data()).args(["-s", "-m", "immediate", "stop"]).output();
        }
    }
}

fn find() -> Option<PathBuf> {
    let has_both = |directory: &Path| directory.join("initdb").is_file() && directory.join("pg_ctl").is_file();
    #[expect(clippy::disallowed_methods, reason = "tests find the server's binaries by the environment")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    debian.into_iter().rev().chain(std::env::split_paths(&path)).find(|directory| has_both(directory))
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).stdout == b"0\n"
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
