//! The relay under load and under silence: how many connections it carries, how long one may be idle, and what it says.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::agent::AGENT;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends back what it gets, on every connection; its port.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut back = stream.try_clone().unwrap();
                // A relay that hangs up is what some tests wait for.
                let _ = std::io::copy(&mut stream, &mut back);
            });
        }
    });
    port
}

/// A relay, and where it listens.
struct Relay {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Relay {
    fn start(to: u16, arguments: &[&str]) -> Self {
        let mut child = Command::new(AGENT)
            .args(["relay", "--listen", "127.0.0.1:0", "--json", "--to", &format!("127.0.0.1:{to}")])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let listening: Value = serde_json::from_str(&line).unwrap();
        let address = listening["listen"].as_str().unwrap().to_owned();
        Self { child, lines, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Stops it; what it said after it had begun to listen.
    fn stop(mut self) -> Vec<Value> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut log = String::new();
        self.lines.read_to_string(&mut log).unwrap();
        assert!(self.child.wait().unwrap().success());
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn echoed(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, text);
}

/// The outcome of each connection, by its number.
fn outcomes(events: &[Value]) -> Vec<(u64, String)> {
    let closed = events.iter().filter(|event| event["event"] == "closed");
    let mut outcomes: Vec<_> = closed
        .map(|event| (event["connection"].as_u64().unwrap(), event["outcome"].as_str().unwrap().to_owned()))
        .collect();
    outcomes.sort();
    outcomes
}

#[test]
fn a_connection_on_which_nothing_moves_is_closed_and_one_that_is_used_is_not() {
    let relay = Relay::start(echo(), &["--idle", "1"]);
    let (mut silent, mut used) = (relay.connect(), relay.connect());
    echoed(&mut silent, b"once");
    let start = Instant::now();
    // Longer than the silent one may be idle, and never that long without a byte.
    while start.elapsed() < Duration::from_millis(2500) {
        echoed(&mut used, b"again");
        thread::sleep(Duration::from_millis(100));
    }
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    echoed(&mut used, b"still there");
    drop(used);
    let events = relay.stop();
    assert_eq!(outcomes(&events), [(1, "idle".to_owned()), (2, "done".to_owned())]);
    let stopped = events.last().unwrap();
    assert_eq!((&stopped["event"], &stopped["connections"]), (&"stopped".into(), &2.into()));
    let idle = events.iter().find(|event| event["outcome"] == "idle").unwrap();
    assert_eq!((&idle["sent"], &idle["received"]), (&4.into(), &4.into()));
}

#[test]
fn no_more_connections_are_carried_than_it_was_told() {
    let relay = Relay::start(echo(), &["--connections", "2", "--idle", "60"]);
    let mut carried = [relay.connect(), relay.connect()];
    for stream in &mut carried {
        echoed(stream, b"carried");
    }
    // The third is in the listener's queue: it may write, and nobody answers.
    let mut waiting = relay.connect();
    waiting.write_all(b"waiting").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut back = [0; 7];
    let error = waiting.read(&mut back).unwrap_err();
    assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()), "{error}");
    // Those before it are not disturbed, and once one has gone, it is carried.
    let [first, mut second] = carried;
    echoed(&mut second, b"undisturbed");
    drop(first);
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    waiting.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"waiting");
    drop((second, waiting));
    let events = relay.stop();
    assert_eq!(outcomes(&events).len(), 3);
    assert!(outcomes(&events).iter().all(|(_, outcome)| outcome == "done"), "{events:?}");
}

#[test]
fn an_address_that_nobody_answers_is_said_to_be_unreachable() {
    // Bound for a moment, so that it is nobody's.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let relay = Relay::start(nobody, &["--idle", "60"]);
    let mut stream = relay.connect();
    let mut rest = Vec::new();
    // It hangs up; whether it has read what was sent makes the difference between an end and a reset.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
    assert_eq!(outcomes(&relay.stop()), [(1, "unreachable".to_owned())]);
}
