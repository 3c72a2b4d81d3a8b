//! The parent instance's part: it forwards bytes from one listener to one address, and understands none of them. TLS ends
//! inside the enclave; the relay is not trusted and holds no secret.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::Semaphore,
    task::JoinSet,
    time::Instant,
};

use crate::transport::{Address, BoxStream, Dial, Listener};

/// How much a relay carries.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Connections at a time; more wait in the listener's queue.
    pub connections: usize,
    /// A connection on which nothing moves for so long is closed.
    pub idle: Duration,
    /// Reaching the address.
    pub connect: Duration,
    /// What is under way when the relay is told to stop gets so long to finish.
    pub drain: Duration,
}

/// What there is to log. Counts and outcomes only: the bytes are nobody's business.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RelayEvent {
    /// Listening.
    Listening {
        /// Where.
        listen: String,
        /// Where to.
        forward: String,
    },
    /// A connection ended.
    Closed {
        /// Its number.
        connection: u64,
        /// Bytes from the enclave.
        sent: u64,
        /// Bytes to the enclave.
        received: u64,
        /// `done`, `idle`, `unreachable` or `broken`.
        outcome: &'static str,
    },
    /// The listener failed once.
    NotAccepted {
        /// Why.
        reason: String,
    },
    /// Stopped.
    Stopped {
        /// Connections in all.
        connections: u64,
        /// Bytes from enclaves.
        sent: u64,
        /// Bytes to enclaves.
        received: u64,
    },
}

impl fmt::Display for RelayEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { listen, forward } => write!(out, "listening on {listen}, forwarding to {forward}"),
            Self::Closed { connection, sent, received, outcome } => {
                write!(out, "connection {connection}: {outcome}, {sent} bytes out, {received} bytes in")
            }
            Self::NotAccepted { reason } => write!(out, "not accepted: {reason}"),
            Self::Stopped { connections, sent, received } => {
                write!(out, "stopped after {connections} connections, {sent} bytes out, {received} bytes in")
            }
        }
    }
}

/// Totals, shared by the connections.
#[derive(Debug, Default)]
struct Totals {
    sent: AtomicU64,
    received: AtomicU64,
}

/// Relays until `stop` completes; then accepts nothing more and lets what is under way finish.
///
/// # Errors
/// The listener's address is gone.
pub async fn relay(
    listener: Listener,
    to: Address,
    capacity: Capacity,
    stop: impl Future<Output = ()>,
    log: impl Fn(RelayEvent) + Clone + Send + Sync + 'static,
) -> io::Result<()> {
    log(RelayEvent::Listening { listen: listener.address()?.to_string(), forward: to.to_string() });
    let to = Arc::new(to);
    let totals = Arc::new(Totals::default());
    let places = Arc::new(Semaphore::new(capacity.connections));
    let mut carried = JoinSet::new();
    let mut number = 0;
    tokio::pin!(stop);
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&places).acquire_owned() => place.map_err(io::Error::other)?,
        };
        let stream = tokio::select! {
            () = &mut stop => break,
            stream = listener.accept() => stream,
        };
        while carried.try_join_next().is_some() {}
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                log(RelayEvent::NotAccepted { reason: error.to_string() });
                // Out of descriptors, most likely: leave time for some to come back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        number += 1;
        let (to, totals, log) = (Arc::clone(&to), Arc::clone(&totals), log.clone());
        carried.spawn(async move {
            let (sent, received, outcome) = carry(stream, &to, capacity).await;
            totals.sent.fetch_add(sent, Ordering::Relaxed);
            totals.received.fetch_add(received, Ordering::Relaxed);
            log(RelayEvent::Closed { connection: number, sent, received, outcome });
            drop(place);
        });
    }
    drop(listener);
    let drained = async { while carried.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(capacity.drain, drained).await;
    log(RelayEvent::Stopped {
        connections: number,
        sent: totals.sent.load(Ordering::Relaxed),
        received: totals.received.load(Ordering::Relaxed),
    });
    Ok(())
}

async fn carry(enclave: BoxStream, to: &Address, capacity: Capacity) -> (u64, u64, &'static str) {
    let Ok(Ok(service)) = tokio::time::timeout(capacity.connect, to.dial()).await else {
        return (0, 0, "unreachable");
    };
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    let moved = tokio::sync::watch::Sender::new(());
    let (enclave_reads, enclave_writes) = tokio::io::split(enclave);
    let (service_reads, service_writes) = tokio::io::split(service);
    let both = async {
        tokio::try_join!(
            pump(enclave_reads, service_writes, &sent, &moved),
            pump(service_reads, enclave_writes, &received, &moved)
        )
    };
    let idle = async {
        let mut seen = moved.subscribe();
        loop {
            let until = Instant::now() + capacity.idle;
            if tokio::time::timeout_at(until, seen.changed()).await.is_err() {
                return;
            }
        }
    };
    let outcome = tokio::select! {
        done = both => if done.is_ok() { "done" } else { "broken" },
        () = idle => "idle",
    };
    (sent.load(Ordering::Relaxed), received.load(Ordering::Relaxed), outcome)
}

async fn pump(
    mut from: ReadHalf<BoxStream>,
    mut to: WriteHalf<BoxStream>,
    count: &AtomicU64,
    moved: &tokio::sync::watch::Sender<()>,
) -> io::Result<()> {
    let mut block = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut block).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(block.get(..read).unwrap_or_default()).await?;
        count.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
        moved.send_replace(());
    }
}
