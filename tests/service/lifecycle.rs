//! The program itself: what it makes on its first start, says once, keeps to itself, and does when it is told to stop.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use crate::{
    http::{self, Reply},
    scratch::Scratch,
};

fn program(scratch: &Scratch) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    command.env_clear().current_dir(scratch.path()).arg("serve").args(["--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A start that is expected to fail, with what it says.
fn refused(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(2), "{}", String::from_utf8_lossy(&stderr));
    assert!(stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

struct Started {
    child: Child,
    address: SocketAddr,
    lines: BufReader<std::process::ChildStdout>,
}

fn start(command: &mut Command) -> Started {
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let Some(url) = line.trim().strip_prefix("prooftrail serves at http://") else {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        panic!("{line:?}: {said}");
    };
    Started { child, address: url.parse().unwrap(), lines }
}

impl Started {
    fn get(&self, path: &str) -> Reply {
        http::send(self.address, &http::request("GET", path, None, None))
    }

    /// Sends a signal; returns what was printed after the first line, what was logged, and the exit status.
    fn end(mut self, signal: &str) -> (String, String, Option<i32>) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let (mut printed, mut logged) = (String::new(), String::new());
        self.lines.read_to_string(&mut printed).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut logged).unwrap();
        (printed, logged, self.child.wait().unwrap().code())
    }
}

fn size(checkpoint: &Reply) -> u64 {
    String::from_utf8_lossy(&checkpoint.body).lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_first_start_makes_everything_and_shows_one_token_once() {
    let scratch = Scratch::new();
    let first = start(&mut program(&scratch));
    assert_eq!(first.get("/readyz").status, 200);
    assert_eq!(size(&first.get("/ledger/checkpoint")), 1);
    let keys = first.get("/.well-known/prooftrail").json();
    let (printed, logged, code) = first.end("TERM");
    assert_eq!(code, Some(0), "{logged}");
    let token = printed.trim().strip_prefix("operator token, shown this once: ").unwrap();
    assert!(token.starts_with("pt_") && !logged.contains(token));
    let data = scratch.path().join("prooftrail-data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for key in ["log.key", "release.key", "fleet.key", "encryption.key"] {
        assert_eq!(mode(&data.join(key)), 0o600, "{key}");
    }
    for file in fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "{}", file.display());
    }

    let mut again = program(&scratch);
    let again = start(again.env("PROOFTRAIL_LOG__FORMAT", "json").env("PROOFTRAIL_LOG__LEVEL", "trace"));
    assert_eq!(again.get("/.well-known/prooftrail").json(), keys);
    let asked = http::send(again.address, &http::request("GET", "/v1/tokens", Some(token), None));
    assert_eq!(asked.status, 200);
    assert!((400..500).contains(&http::send_and_leave(again.address, b"GET / HTTP/9.9\r\n\r\n")));
    let (printed, logged, code) = again.end("INT");
    assert!(!logged.contains("actix_http"), "strangers write to the log");
    assert_eq!((printed.as_str(), code), ("", Some(0)));
    assert!(logged.contains("\"route\":\"/v1/tokens\"") && !logged.contains(&token[3..]), "{logged}");
    for line in logged.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string());
    }

    let lost = start(program(&scratch).arg("--new-operator-token"));
    let (printed, _, _) = lost.end("TERM");
    assert!(printed.contains("operator token"));
}

#[test]
fn a_killed_service_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let first = start(&mut program(&scratch));
    let before = first.get("/ledger/checkpoint").body;
    let (_, _, code) = first.end("KILL");
    assert_eq!(code, None);
    let again = start(&mut program(&scratch));
    assert_eq!(again.get("/ledger/checkpoint").body, before);
    again.end("TERM");
}

#[test]
fn a_log_is_not_begun_twice() {
    let scratch = Scratch::new();
    start(&mut program(&scratch)).end("TERM");
    let data = scratch.path().join("prooftrail-data");
    let remove = |names: &[&str]| {
        for name in names {
            let _ = fs::remove_file(data.join(name));
        }
    };
    remove(&["prooftrail.db", "prooftrail.db-wal", "prooftrail.db-shm"]);
    assert!(refused(&mut program(&scratch)).contains("the log is frozen"));
    remove(&["guard"]);
    assert!(refused(&mut program(&scratch)).contains("--create-log"));
    start(program(&scratch).arg("--create-log")).end("TERM");
}

#[test]
fn a_configuration_that_is_not_meant_is_refused_before_anything_is_made() {
    let scratch = Scratch::new();
    let said = refused(program(&scratch).env("PROOFTRAIL_LISTNE", "127.0.0.1:1"));
    assert!(said.contains("PROOFTRAIL_LISTNE"), "{said}");
    let mut open = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    open.env_clear().current_dir(scratch.path()).args(["serve", "--listen", "0.0.0.0:0"]);
    assert!(refused(&mut open).contains("loopback"));
    fs::write(scratch.path().join("bad.toml"), "[limits]\nconections = 1\n").unwrap();
    let said = refused(program(&scratch).args(["--config", "bad.toml"]));
    assert!(said.contains("bad.toml") && said.contains("conections"), "{said}");
    assert!(!scratch.path().join("prooftrail-data").exists());
    let mut second = start(&mut program(&scratch));
    assert!(refused(&mut program(&scratch)).contains("another process serves"));
    assert!(second.child.try_wait().unwrap().is_none());
    second.end("TERM");
}

#[test]
fn a_hangup_has_files_read_again_and_stops_nothing() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("endorsements");
    fs::create_dir(&folder).unwrap();
    let mut command = program(&scratch);
    let started = start(command.env("PROOFTRAIL_ENDORSEMENTS__FOLDER", &folder));
    let hangup = || {
        let sent = Command::new("kill").args(["-HUP", &started.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert_eq!(started.get("/readyz").status, 200);
    };
    hangup();
    fs::write(folder.join("half-written.crl"), b"-----BEGIN").unwrap();
    hangup();
    let (_, logged, code) = started.end("TERM");
    assert_eq!(code, Some(0), "{logged}");
    let lines: Vec<_> = logged.lines().filter(|line| line.contains("endorsements")).collect();
    let [good, bad] = lines.as_slice() else { panic!("{logged}") };
    assert!(good.contains("endorsements read again") && good.contains("files=0"), "{good}");
    assert!(bad.contains("ERROR") && bad.contains("half-written.crl"), "{bad}");
}
