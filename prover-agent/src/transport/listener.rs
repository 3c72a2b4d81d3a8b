//! Listening on any of the addresses, for the relay.

use std::io;

use tokio::net::{TcpListener, UnixListener};
use tokio_vsock::{VsockAddr, VsockListener};

use super::{Address, BoxStream};

/// A socket that is listened on.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
    /// vsock.
    Vsock(VsockListener),
}

impl Listener {
    /// Listens. A vsock context id of 4294967295 is any.
    ///
    /// # Errors
    /// The machine's.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        Ok(match address {
            Address::Tcp { host, port } => Self::Tcp(TcpListener::bind((host.as_str(), *port)).await?),
            Address::Unix(path) => Self::Unix(UnixListener::bind(path)?),
            Address::Vsock { cid, port } => Self::Vsock(VsockListener::bind(VsockAddr::new(*cid, *port))?),
        })
    }

    /// Where: with the port that the system chose, if it was asked to.
    ///
    /// # Errors
    /// The machine's.
    pub fn address(&self) -> io::Result<Address> {
        Ok(match self {
            Self::Tcp(listener) => {
                let address = listener.local_addr()?;
                Address::Tcp { host: address.ip().to_string(), port: address.port() }
            }
            Self::Unix(listener) => {
                let address = listener.local_addr()?;
                Address::Unix(address.as_pathname().unwrap_or("".as_ref()).to_owned())
            }
            Self::Vsock(listener) => {
                let address = listener.local_addr()?;
                Address::Vsock { cid: address.cid(), port: address.port() }
            }
        })
    }

    /// The next stream.
    ///
    /// # Errors
    /// The machine's; the listener is still good.
    pub async fn accept(&self) -> io::Result<BoxStream> {
        Ok(match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
            Self::Vsock(listener) => Box::new(listener.accept().await?.0),
        })
    }
}
