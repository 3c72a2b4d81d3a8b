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
        let mut start = self.command("pg_ctl");
        start.arg("-D").arg(self.data()).args(["-w", "-s", "-o", &options, "-l"]).arg(&log).arg("start");
        let output = start.output().unwrap();
        assert!(output.status.success(), "{}", fs::read_to_string(log).unwrap_or_default());
    }

    /// Stops it in good order.
    pub(crate) fn down(&self) {
        run(self.command("pg_ctl").arg("-D").arg(self.data()).args(["-w", "-s", "-m", "fast", "stop"]));
    }

    /// Kills the server and every process of it, as the machine's memory running out would. Returns how many there were.
    pub(crate) fn kill(&self) -> usize {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let postmaster = file.lines().next().unwrap().to_owned();
        // Stopped first, it can neither reap the others nor start new ones while they are being listed.
        stop(&postmaster);
        let mut processes = children(&postmaster);
        processes.push(postmaster);
        signal("KILL", &processes);
        // A server that still holds the shared memory keeps the next one from starting.
        while processes.iter().any(|process| is_running(process)) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        // Whoever inherited the dead may not have noticed yet, and then these files seem to name a running server.
        fs::remove_file(self.data().join("postmaster.pid")).unwrap();
        fs::remove_file(self.scratch.path().join(".s.PGSQL.5432.lock")).unwrap();
        processes.len()
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

/// Stops a process, and waits until it stands still.
pub(crate) fn stop(process: &str) {
    signal("STOP", &[process.to_owned()]);
    while is_running(process) && !state(process).starts_with('T') {
        std::thread::yield_now();
    }
}

/// Sends a signal to processes, some of which may have ended.
pub(crate) fn signal(name: &str, processes: &[String]) {
    let _ = Command::new("kill").arg(format!("-{name}")).args(processes).output();
}

fn children(parent: &str) -> Vec<String> {
    let tasks = format!("/proc/{parent}/task/{parent}/children");
    fs::read_to_string(tasks).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// Whether a process is there and not only waits for its parent to notice its end.
fn is_running(process: &str) -> bool {
    !matches!(state(process).chars().next(), None | Some('Z' | 'X'))
}

/// The letter by which the kernel names a process's state, and what follows it; empty if there is no such process.
fn state(process: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(')').map(|(_, state)| state.trim_start().to_owned()).unwrap_or_default()
}
