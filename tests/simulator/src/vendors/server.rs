//! HTTP/1.1 by hand, as far as vendors need it: GET and POST, one answer a connection. In: what answers a question; out: an
//! address.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// No request of a test has more bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    /// Status, headers, body.
    Whole(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection is closed.
    Nothing,
    /// A body of no announced length that goes on until nobody reads it.
    Endless,
}

impl Reply {
    pub(super) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::Whole(200, Vec::new(), body.into())
    }

    pub(super) fn with(self, name: &'static str, value: String) -> Self {
        match self {
            Self::Whole(status, mut headers, body) => {
                headers.push((name, value));
                Self::Whole(status, headers, body)
            }
            other => other,
        }
    }

    pub(super) const fn status(status: u16) -> Self {
        Self::Whole(status, Vec::new(), Vec::new())
    }

    pub(super) fn throttled(after: Option<u32>) -> Self {
        let reply = Self::status(429);
        match after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Path and query.
    pub(super) target: &'a str,
    /// Whether it has the header `metadata: true`.
    pub(super) is_from_a_guest: bool,
    /// The body of a POST.
    pub(super) posted: Option<&'a [u8]>,
}

/// A server that is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request.
    #[expect(clippy::expect_used, reason = "a test's machine has ports")]
    pub(super) fn start(answer: impl Fn(Question<'_>) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (answer, is_over) = (Arc::new(answer), Arc::new(AtomicBool::new(false)));
        let over = is_over.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), answer) = (stream, answer.clone()) else { continue };
                // Whoever hangs up does not want to know.
                thread::spawn(move || drop(serve(stream, &*answer)));
            }
        });
        Self { address, is_over }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // It looks when somebody comes.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(Question<'_>) -> Reply) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head);
    let lower = head.to_ascii_lowercase();
    let is_from_a_guest = lower.contains("\r\nmetadata: true\r\n");
    let length = lower.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0_usize).min(MAX_HEAD_BYTES);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let target = |method: &str| head.strip_prefix(method).and_then(|rest| rest.split(' ').next());
    let reply = match (target("GET "), target("POST ")) {
        (Some(target), _) => answer(Question { target, is_from_a_guest, posted: None }),
        (_, Some(target)) => answer(Question { target, is_from_a_guest, posted: Some(&body) }),
        _ => Reply::status(405),
    };
    match reply {
        Reply::Nothing => Ok(()),
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'0'; 16 << 10])?;
            }
        }
        Reply::Whole(status, headers, body) => {
            let mut text =
                format!("HTTP/1.1 {status} Answer\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            stream.write_all(format!("{text}\r\n").as_bytes())?;
            stream.write_all(&body)
        }
    }
}
