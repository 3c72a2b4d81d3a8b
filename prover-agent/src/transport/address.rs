//! Addresses as the command line spells them: `HOST:PORT`, `unix:PATH`, `vsock:CID:PORT`.

use std::{fmt, path::PathBuf, str::FromStr};

use thiserror::Error;

/// Where a stream leads, or where one is listened for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// TCP.
    Tcp {
        /// Name or IP address (IPv6 without brackets).
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
    /// vsock: between an enclave and its parent instance, whose context id is 3.
    Vsock {
        /// Context id.
        cid: u32,
        /// Port.
        port: u32,
    },
}

/// Not an address.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not of the form HOST:PORT, unix:PATH or vsock:CID:PORT")]
pub struct AddressError;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(AddressError) } else { Ok(Self::Unix(path.into())) };
        }
        let (rest, port) = text.rsplit_once(':').ok_or(AddressError)?;
        if let Some(cid) = rest.strip_prefix("vsock:") {
            let number = |text: &str| text.parse().map_err(|_| AddressError);
            return Ok(Self::Vsock { cid: number(cid)?, port: number(port)? });
        }
        let host = match rest.strip_prefix('[') {
            Some(host) => host.strip_suffix(']').filter(|host| host.contains(':')),
            None => Some(rest).filter(|host| !host.contains(':')),
        };
        // Half a vsock address is no host of that name.
        let host = host.filter(|host| !["", "vsock", "unix"].contains(host)).ok_or(AddressError)?.to_owned();
        Ok(Self::Tcp { host, port: port.parse().map_err(|_| AddressError)? })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(out, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(out, "{host}:{port}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
            Self::Vsock { cid, port } => write!(out, "vsock:{cid}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, AddressError};

    #[test]
    fn each_spelling_is_read_and_written_alike() {
        for text in ["localhost:443", "127.0.0.1:1", "[::1]:8080", "unix:/run/relay.sock", "vsock:3:8443"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("vsock:3:8443".parse(), Ok(Address::Vsock { cid: 3, port: 8443 }));
        for text in [
            "",
            "host",
            ":1",
            "host:",
            "host:65536",
            "::1:80",
            "[host]:1",
            "unix:",
            "vsock:3",
            "vsock:x:1",
            "vsock:3:-1",
        ] {
            assert_eq!(text.parse::<Address>(), Err(AddressError), "{text}");
        }
    }
}
