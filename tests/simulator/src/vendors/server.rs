//! HTTP/1.1 by hand, as far as vendors need it: GET, one answer a connection. In: what answers a target; out: an address.

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

/// A server that is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// Answers each request, of which it is told the target and whether it has the header `metadata: true`.
    #[expect(clippy::expect_used, reason = "a test's machine has ports")]
    pub(super) fn start(answer: impl Fn(&str, bool) -> Reply + Send + Sync + 'static) -> Self {
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

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str, bool) -> Reply) -> std::io::Result<()> {
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
    let target = head.strip_prefix("GET ").and_then(|rest| rest.split(' ').next());
    let is_from_a_guest = head.to_ascii_lowercase().contains("\r\nmetadata: true\r\n");
    let reply = target.map_or(Reply::status(405), |target| answer(target, is_from_a_guest));
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
