//! Intel's quote generation service: a TDREPORT goes to the host, and comes back as a quote.
//!
//! One message each way, behind its length of four bytes, big endian; inside, little endian: a header (major and minor
//! version, type, size, error code), then GET_QUOTE_REQ or GET_QUOTE_RESP. Intel's qgs_msg_lib.h, version 1.0.

use std::{io, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::blocking;
use crate::transport::Dial;

/// GET_QUOTE_REQ and GET_QUOTE_RESP.
const REQUEST: u32 = 0;
const RESPONSE: u32 = 1;

/// Version, type, size, error code.
const HEADER: usize = 16;

/// No quote comes near this.
const MAX_MESSAGE: usize = 256 << 10;

/// The host's enclaves may have to be started first.
const WITHIN: Duration = Duration::from_secs(30);

/// The port in Intel's configuration file (`port=4050`).
pub(super) fn port(configuration: &str) -> Option<u32> {
    configuration
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == "port")
        .and_then(|(_, port)| port.trim().parse().ok())
}

/// Asks the service that `dial` reaches.
pub(super) fn quote(dial: Box<dyn Dial>, report: &[u8]) -> io::Result<Vec<u8>> {
    blocking(WITHIN, async move {
        let mut stream = dial.dial().await?;
        stream.write_all(&request(report)?).await?;
        let length = usize::try_from(stream.read_u32().await?).map_err(io::Error::other)?;
        if length > MAX_MESSAGE {
            return Err(io::Error::other(format!("the quote generation service announces {length} bytes")));
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await?;
        response(&message)
    })
}

fn request(report: &[u8]) -> io::Result<Vec<u8>> {
    let length = |length: usize| u32::try_from(length).map_err(io::Error::other);
    let size = length(HEADER + 8 + report.len())?;
    let mut message = size.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 0]);
    for word in [REQUEST, size, 0, length(report.len())?, 0] {
        message.extend(word.to_le_bytes());
    }
    message.extend(report);
    Ok(message)
}

fn response(message: &[u8]) -> io::Result<Vec<u8>> {
    let word = |at: usize| message.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let size = |at: usize| word(at).and_then(|size| usize::try_from(size).ok());
    let refused = |what: String| Err(io::Error::other(format!("the quote generation service {what}")));
    match (message.get(..2), word(4), size(8), word(12)) {
        (Some([1, 0]), Some(RESPONSE), Some(length), Some(0)) if length == message.len() => {}
        (Some([1, 0]), Some(RESPONSE), _, Some(code)) if code != 0 => {
            return refused(format!("refused with {code:#x}"));
        }
        _ => return refused("answered with something else".into()),
    }
    // The selected quoting enclave's id stands before the quote.
    let quote = (|| {
        let (id, quote) = (size(HEADER)?, size(HEADER + 4)?);
        let rest = message.get(HEADER + 8..)?.get(id..)?;
        (rest.len() == quote && quote > 0).then(|| rest.to_vec())
    })();
    quote.map_or_else(|| refused("answered with no quote".into()), Ok)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixListener,
        thread,
    };

    use super::{port, quote, request, response};
    use crate::transport::Address;

    fn answer(kind: u32, code: u32, id: &[u8], quote: &[u8]) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        let (id_size, size) = (u32::try_from(id.len()).unwrap(), u32::try_from(quote.len()).unwrap());
        let length = 24 + id_size + size;
        [[1, 0, 0, 0].as_slice(), &words(&[kind, length, code, id_size, size]), id, quote].concat()
    }

    #[test]
    fn a_report_goes_out_and_a_quote_comes_back() {
        let path = std::env::temp_dir().join(format!("prooftrail-qgs-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let service = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 4 + 24 + 1024];
            stream.read_exact(&mut asked).unwrap();
            let answer = answer(1, 0, b"id", b"the quote");
            stream.write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
            asked
        });
        assert_eq!(quote(Box::new(Address::Unix(path.clone())), &[9; 1024]).unwrap(), b"the quote");
        let asked = service.join().unwrap();
        assert_eq!(asked, request(&[9; 1024]).unwrap());
        assert_eq!(asked[..28], *b"\0\0\x04\x18\x01\0\0\0\0\0\0\0\x18\x04\0\0\0\0\0\0\0\x04\0\0\0\0\0\0");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_quote_is_refused() {
        assert!(response(&answer(1, 0x12, b"", b"q")).unwrap_err().to_string().contains("refused with 0x12"));
        let good = answer(1, 0, b"", b"quote");
        assert_eq!(response(&good).unwrap(), b"quote");
        for length in 0..good.len() {
            assert!(response(&good[..length]).is_err());
        }
        for bad in [answer(0, 0, b"", b"quote"), answer(1, 0, b"", b""), [good.as_slice(), b"x"].concat()] {
            assert!(response(&bad).is_err());
        }
        let mut lies = good;
        lies[16..20].fill(0xff);
        assert!(response(&lies).is_err());
    }

    #[test]
    fn the_port_is_read_from_intels_file() {
        assert_eq!(port("# port=1\n\n port = 4050 \n"), Some(4050));
        assert_eq!(port("#port=4050\n"), None);
        assert_eq!(port("port=none"), None);
    }
}
