//! Requests that no client would make: each gets a problem that says why, none gets a 500, and none is remembered.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    http::{self, Reply, connect, read_all, send},
    running::Service,
    scratch::Scratch,
};

/// A request to the tokens' route with `fields` in its head and `body` behind it.
fn post(token: &str, fields: &str, body: &str) -> Vec<u8> {
    let head = "POST /v1/tokens HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ";
    format!("{head}{token}\r\n{fields}\r\n{body}").into_bytes()
}

#[test]
fn what_is_broken_gets_a_problem_that_says_why() {
    let service = Service::start(|config| config.limits.body_seconds = 1);
    let token = &service.token;
    let json = "content-type: application/json\r\n";
    let with =
        |fields: &str, body: &str| post(token, &format!("{json}{fields}content-length: {}\r\n", body.len()), body);
    let plain = |method: &str, path: &str| http::request(method, path, None, None);
    let two = post(token, "authorization: Bearer x\r\n", "");
    let deep = format!("{}1{}", "[".repeat(8000), "]".repeat(8000));
    for (bytes, status, code) in [
        (plain("GET", "/"), 404, "route.unknown"),
        (plain("GET", "/v1/nothing/here"), 404, "route.unknown"),
        (plain("GET", "/%00%ff/../.."), 404, "route.unknown"),
        (plain("PUT", "/healthz"), 405, "route.method"),
        (plain("BREW", "/v1/tokens"), 405, "route.method"),
        (plain("GET", "/healthz?x=1"), 400, "request.query"),
        (plain("GET", "/ledger/tile/0/000%2e"), 400, "ledger.tile.path"),
        (plain("GET", "/ledger/tile/0/999"), 404, "ledger.tile.off_edge"),
        (plain("GET", "/v1/tokens"), 401, "auth.required"),
        (two, 401, "auth.scheme"),
        (http::request("GET", "/v1/tokens?project=a&project=b", Some(token), None), 400, "request.query"),
        (with("", "{"), 400, "request.json"),
        (with("", &deep), 400, "request.json"),
        (with("", "{\"label\":\"\u{0}\"}"), 400, "request.json"),
        (with("", ""), 400, "request.json"),
        (with("", &" ".repeat(16 * 1024 + 1)), 413, "request.too_large"),
        (post(token, &format!("{json}content-length: 18446744073709551615\r\n"), ""), 413, "request.too_large"),
        (post(token, "content-length: 2\r\n", "{}"), 415, "request.media_type"),
        (post(token, "content-type: text/html\r\ncontent-length: 2\r\n", "{}"), 415, "request.media_type"),
        (with("content-encoding: gzip\r\n", "{}"), 415, "request.media_type"),
        (post(token, &format!("{json}content-length: 10\r\n"), "{"), 408, "request.slow"),
    ] {
        let reply = send(service.address, &bytes);
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        assert_eq!((reply.status, reply.problem().as_str()), (status, code), "{shown}");
        if status == 405 {
            assert!(reply.header("allow").is_some_and(|allow| !allow.is_empty()));
        }
    }
    assert_eq!(service.call_as(None, "GET", "/readyz", None).status, 200);
}

#[test]
fn an_endless_body_is_not_read_to_its_end() {
    let service = Service::start(|_| {});
    let mut stream = connect(service.address);
    let head = post(&service.token, "content-type: application/json\r\ntransfer-encoding: chunked\r\n", "");
    stream.write_all(&head).unwrap();
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
    // For a moment the server takes what is on its way, so that its answer arrives; then it hangs up.
    let patience = Instant::now() + Duration::from_secs(30);
    while stream.write_all(chunk.as_bytes()).is_ok() {
        assert!(Instant::now() < patience, "still being read after half a minute");
    }
    // The answer may be lost to the reset that ends a connection on which more was sent; if it came, it is the problem.
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    if !bytes.is_empty() {
        assert_eq!(Reply::parse(&bytes).problem(), "request.too_large");
    }
    assert_eq!(service.call_as(None, "GET", "/healthz", None).status, 200);
}

/// What cannot be read as HTTP at all is answered below the routes: a bare status, and the connection is closed.
#[test]
fn what_is_not_http_is_refused_and_a_slow_head_is_not_waited_for() {
    let service = Service::start(|config| config.limits.head_seconds = 1);
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1000));
    let smuggled =
        "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    for bytes in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", &long, &many, smuggled] {
        let reply = send(service.address, bytes.as_bytes());
        assert!((400..500).contains(&reply.status), "{bytes:.40}: {reply:?}");
    }
    // A body whose framing breaks ends the connection, as a rule before anything can be said about it.
    let mut broken = connect(service.address);
    let fields = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
    broken.write_all(&post(&service.token, fields, "zz\r\n")).unwrap();
    let mut answer = Vec::new();
    let _ = broken.read_to_end(&mut answer);
    assert!(answer.is_empty() || Reply::parse(&answer).status == 400);
    let mut slow = connect(service.address);
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhos").unwrap();
    let reply = Reply::parse(&read_all(&mut slow));
    assert_eq!(reply.status, 408);
    assert_eq!(service.call_as(None, "GET", "/healthz", None).status, 200);
}

#[test]
fn whoever_asks_too_often_waits() {
    let service = Service::start(|config| {
        config.limits.rate_per_second = 1;
        config.limits.rate_burst = 5;
    });
    let replies: Vec<_> = (0..8).map(|_| service.call_as(None, "GET", "/healthz", None)).collect();
    assert!(replies[..5].iter().all(|reply| reply.status == 200));
    let refused = replies.last().unwrap();
    assert_eq!((refused.status, refused.problem().as_str()), (429, "rate.exceeded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
}

#[test]
fn nothing_of_a_stranger_is_in_the_metrics_but_counts() {
    let service = Service::start(|_| {});
    send(service.address, &http::request("GET", "/secret-path-of-a-stranger", None, None));
    send(service.address, &http::request("FROBNICATE", "/healthz", None, None));
    service.call("GET", "/v1/tokens", None);
    let metrics = service.call_as(None, "GET", "/metrics", None);
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(text.contains("prooftrail_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1"), "{text}");
    assert!(text.contains("method=\"other\""));
    for hidden in ["secret-path", "FROBNICATE", &service.token] {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

/// How many bad requests, of every kind above, before each of two looks at the memory.
const REQUESTS: [usize; 2] = [10_000, 100_000];

/// RSS after 100,000 bad requests ≤ 1.2 × RSS after 10,000. Minutes; `cargo nextest run --run-ignored all bad_requests`.
#[test]
#[ignore = "sends 100,000 requests"]
fn bad_requests_leave_nothing_behind() {
    let scratch = Scratch::new();
    let mut service = Command::new(env!("CARGO_BIN_EXE_prooftrail"));
    service.args(["serve", "--listen", "127.0.0.1:0", "--json", "--data"]).arg(scratch.path().join("data"));
    service.env_clear().env("PROOFTRAIL_LIMITS__RATE_PER_SECOND", "0").env("PROOFTRAIL_LOG__LEVEL", "error");
    let mut service = service.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address: SocketAddr = said["url"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
    let token = said["operator_token"].as_str().unwrap();
    let rss = || {
        let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let mut sent = 0;
    let [early, late] = REQUESTS.map(|count| {
        while sent < count {
            let bytes = match sent % 7 {
                0 => http::request("GET", &format!("/nothing/{sent}"), None, None),
                1 => http::request("GET", "/v1/tokens", Some(&format!("pt_{sent:043}")), None),
                2 => http::request("GET", &format!("/healthz?{sent}=1"), None, None),
                3 => post(token, "content-type: application/json\r\ncontent-length: 1\r\n", "{"),
                4 => post(token, "content-type: application/json\r\ncontent-length: 99999999\r\n", "{"),
                5 => format!("GET /{sent} HTTP/9.{sent}\r\n\r\n").into_bytes(),
                _ => http::request(&format!("M{sent}"), "/readyz", None, None),
            };
            let status = http::send_and_leave(address, &bytes);
            assert!((400..500).contains(&status), "{status}");
            sent += 1;
        }
        std::thread::sleep(Duration::from_secs(1));
        rss()
    });
    println!("RSS after {} bad requests: {early} KiB; after {}: {late} KiB", REQUESTS[0], REQUESTS[1]);
    service.kill().unwrap();
    service.wait().unwrap();
    assert!(late * 10 <= early * 12, "{early} KiB, then {late} KiB");
}
