//! Releases over HTTP: evidence and statement in, a sealed key out whose entry is durable; the service is a process of its
//! own on either engine, and service, database and agents share the machine.
//!
//! The agents' evidence is made before the clock starts, because in earnest a hypervisor makes it. Every request brings a
//! document that nobody has seen; the enclaves' certificates are known after the first.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use prooftrail_protocol::Purpose;
use serde_json::json;

use crate::{
    agent::{Site, root_file},
    scratch::{Engine, engines},
};

/// Agents that ask at once, each on a connection that it keeps: as many as make 1,500 a second at 4 ms each.
const AGENTS: usize = 6;
/// Requests of each agent in a round.
const REQUESTS: usize = 300;
const ROUNDS: usize = 5;
/// Agents that ask at once where memory is measured.
const CROWD: usize = 1000;

pub fn run() {
    for engine in engines() {
        let name = if engine.server.is_some() { "postgres" } else { "sqlite" };
        let service = Service::start(&engine);
        let site = Site::prepare(service.address, &service.token);
        let site = &site;
        let round = |agents, requests| round(site, &service, agents, requests);
        round(AGENTS, REQUESTS);
        let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round(AGENTS, REQUESTS)).collect();
        rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let Round { rate, challenges, p50, p99, machine, service: alone } = rounds[ROUNDS / 2];
        print(&format!("release-http-{name}-of-1500"), rate, 1500.0);
        print(
            &format!("release-http-{name}-with-its-challenge-of-1500"),
            1.0 / (1.0 / rate + 1.0 / challenges),
            1500.0,
        );
        print(&format!("release-http-{name}-p50-of-5-ms"), 1.0 / p50.as_secs_f64(), 200.0);
        print(&format!("release-http-{name}-p99-of-5-ms"), 1.0 / p99.as_secs_f64(), 200.0);
        // Two cores that do 1,500 a second have 1,333 µs for each, of which the service is a part.
        print(&format!("release-http-{name}-machine-cpu-of-1333-us"), 1.0 / machine, 750.0);
        print(&format!("release-http-{name}-service-cpu-of-1333-us"), 1.0 / alone, 750.0);
        round(CROWD, 1);
        print(&format!("release-http-{name}-{CROWD}-at-once-of-100-mib"), 1024.0 * 100.0, service.peak_kib());
    }
}

fn print(name: &str, ours: f64, baseline: f64) {
    println!("ratio {name} {ours:.0} {baseline:.0} {:.2}", ours / baseline);
}

/// What a round showed.
#[derive(Clone, Copy)]
struct Round {
    /// Releases per second.
    rate: f64,
    /// Challenges per second.
    challenges: f64,
    /// From a request to its answer.
    p50: Duration,
    p99: Duration,
    /// Seconds of processor time for each release: of the whole machine, and of the service alone.
    machine: f64,
    service: f64,
}

/// A round: every agent gets its challenges, prepares, and asks for its releases.
fn round(site: &Site, service: &Service, agents: usize, requests: usize) -> Round {
    let (challenged, released) = (Barrier::new(agents), Barrier::new(agents + 1));
    let used = || (machine_seconds(), service.seconds());
    let (turns, before, after) = thread::scope(|scope| {
        let agents: Vec<_> = (0..agents)
            .map(|_| {
                let agent = || {
                    let mut connection = Connection::open(site.address);
                    let challenge = message("/v1/challenges", &json!({ "purpose": Purpose::Release }));
                    challenged.wait();
                    let begun = Instant::now();
                    let challenges: Vec<_> = (0..requests).map(|_| connection.ask(&challenge)).collect();
                    let challenging = begun.elapsed();
                    let asks: Vec<_> = challenges
                        .iter()
                        .map(|body| serde_json::from_slice(body).expect("a challenge"))
                        .map(|challenge| {
                            message("/v1/releases", &json!(site.job_of(Purpose::Release, challenge).request()))
                        })
                        .collect();
                    released.wait();
                    let begun = Instant::now();
                    let times = asks.iter().map(|ask| {
                        let asked = Instant::now();
                        connection.ask(ask);
                        asked.elapsed()
                    });
                    let times = times.collect();
                    (challenging, begun.elapsed(), times)
                };
                thread::Builder::new().stack_size(1 << 20).spawn_scoped(scope, agent).expect("a thread")
            })
            .collect();
        released.wait();
        let before = used();
        let turns: Vec<Turn> = agents.into_iter().map(|agent| agent.join().expect("an agent")).collect();
        (turns, before, used())
    });
    let count = (agents * requests) as f64;
    let longest = |of: fn(&Turn) -> Duration| turns.iter().map(of).max().expect("an agent").as_secs_f64();
    let (challenges, rate) = (count / longest(|turn| turn.0), count / longest(|turn| turn.1));
    let mut times: Vec<_> = turns.into_iter().flat_map(|turn| turn.2).collect();
    times.sort();
    Round {
        rate,
        challenges,
        p50: times[times.len() / 2],
        p99: times[times.len() * 99 / 100],
        machine: (after.0 - before.0) / count,
        service: (after.1 - before.1) / count,
    }
}

/// How long an agent's challenges took, how long its releases, and each of these.
type Turn = (Duration, Duration, Vec<Duration>);

/// Linux counts processor time in hundredths of a second (USER_HZ).
const TICKS: f64 = 100.0;

/// The processor time that the machine has used, all cores and all states but idle and waiting (proc(5), /proc/stat).
fn machine_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").expect("Linux says");
    let columns = stat.lines().next().expect("all cores").split_whitespace().skip(1);
    let ticks = columns.map(|column| column.parse::<f64>().expect("a number")).take(8);
    ticks.enumerate().filter(|(place, _)| ![3, 4].contains(place)).map(|(_, ticks)| ticks).sum::<f64>() / TICKS
}

/// A POST on a connection that is kept.
fn message(path: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A connection that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the service listens");
        stream.set_nodelay(true).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// Sends a request; returns the body of its answer, which must be good.
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.0.get_mut().write_all(request).expect("the service reads");
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let begin = head.len();
            assert_ne!(self.0.read_line(&mut head).expect("the service answers"), 0, "the service hung up");
            if let Some(value) = head[begin..].to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the service answers");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}{}", String::from_utf8_lossy(&body));
        body
    }
}

/// The service, as this program under another name. It ends when this is dropped.
struct Service {
    process: Child,
    address: SocketAddr,
    token: String,
}

impl Service {
    fn start(engine: &Engine) -> Self {
        let folder = engine.scratch.path();
        let root = root_file(folder);
        let configuration = format!(
            "data = 'data'\nlisten = '127.0.0.1:0'\ndatabase = '{}'\norigin = 'bench.example/release'\n\
             [roots]\nfiles = ['{}']\n[limits]\nrate_per_second = 0\n[log]\nlevel = 'warn'\n",
            engine.url,
            root.display()
        );
        fs::write(folder.join("service.toml"), configuration).expect("room on the disk");
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg0(super::SERVICE)
            .args(["serve", "--config", "service.toml"])
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut after = |before: &str| {
            let line = lines.next().expect("the service says where it is").expect("text");
            line.strip_prefix(before).expect("what it is known to say").to_owned()
        };
        let address = after("prooftrail serves at http://").parse().expect("an address");
        let token = after("operator token, shown this once: ");
        Self { process, address, token }
    }

    /// The processor time that it has used (proc(5), /proc/PID/stat, utime and stime).
    fn seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        let fields = stat.rsplit_once(')').expect("its name").1.split_whitespace();
        fields.skip(11).take(2).map(|field| field.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
    }

    /// The most memory that it ever held, in KiB.
    fn peak_kib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
