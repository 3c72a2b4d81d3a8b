//! How the agent reaches the service: TCP, a Unix socket or vsock, and TLS over any of them, which ends inside the TEE.
//!
//! Whoever carries the bytes (the parent instance's relay) is not trusted. [`Dial`] makes a stream; [`http`] speaks over it;
//! [`retry`] says what is tried again.

mod address;
pub mod http;
mod listener;
pub mod retry;
mod tls;
mod url;

use std::{future::Future, io, pin::Pin};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_vsock::{VsockAddr, VsockStream};

pub use self::{
    address::{Address, AddressError},
    listener::Listener,
    tls::{Tls, TlsError},
    url::{ServiceUrl, UrlError},
};

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A stream of any kind.
pub type BoxStream = Box<dyn Stream>;

/// A stream that is being made.
pub type Dialling<'a> = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send + 'a>>;

/// What makes streams to one place.
pub trait Dial: Send + Sync {
    /// Makes one.
    fn dial(&self) -> Dialling<'_>;
}

impl Dial for Address {
    fn dial(&self) -> Dialling<'_> {
        Box::pin(async move {
            let stream: BoxStream = match self {
                Self::Tcp { host, port } => {
                    let stream = TcpStream::connect((host.as_str(), *port)).await?;
                    stream.set_nodelay(true)?;
                    Box::new(stream)
                }
                Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
                Self::Vsock { cid, port } => Box::new(VsockStream::connect(VsockAddr::new(*cid, *port)).await?),
            };
            Ok(stream)
        })
    }
}
