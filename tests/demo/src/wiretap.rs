//! Somebody on the wire between an agent and the service: carries every byte, and keeps what the agent sent.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use anyhow::Context;

/// A wiretap. It listens until the demo ends.
pub(crate) struct Wiretap {
    /// Where agents are led to it.
    pub(crate) address: SocketAddr,
    /// What each connection sent.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Wiretap {
    /// On the way to `service`.
    pub(crate) fn start(service: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                // A connection that breaks is the agent's trouble, who says so.
                thread::spawn(move || drop(carry(&stream, service, &kept)));
            }
        });
        Ok(Self { address, heard })
    }

    /// The body of the first request to `path` that came by.
    pub(crate) fn body(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let heard = self.heard.lock().map_err(|_| anyhow::anyhow!("the wiretap broke"))?;
        let start = format!("POST {path} HTTP/1.1\r\n");
        let request = heard.iter().find(|request| request.starts_with(start.as_bytes()));
        let request = request.with_context(|| format!("nobody asked for {path}"))?;
        let end = request.windows(4).position(|window| window == b"\r\n\r\n").context("the head ends")?;
        Ok(request.get(end + 4..).unwrap_or_default().to_vec())
    }
}

/// Carries both directions; each connection has one request, which the agent ends by closing.
fn carry(agent: &TcpStream, service: SocketAddr, kept: &Mutex<Vec<Vec<u8>>>) -> io::Result<()> {
    let service = TcpStream::connect(service)?;
    let (mut from_service, mut to_agent) = (service.try_clone()?, agent.try_clone()?);
    let back = thread::spawn(move || {
        let carried = io::copy(&mut from_service, &mut to_agent);
        let _ = to_agent.shutdown(Shutdown::Write);
        carried
    });
    let mut block = [0; 16 << 10];
    let place = {
        let mut kept = kept.lock().map_err(|_| broke())?;
        kept.push(Vec::new());
        kept.len() - 1
    };
    loop {
        let count = (&*agent).read(&mut block)?;
        let read = block.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        if let Some(sent) = kept.lock().map_err(|_| broke())?.get_mut(place) {
            sent.extend_from_slice(read);
        }
        (&service).write_all(read)?;
    }
    service.shutdown(Shutdown::Write)?;
    drop(back.join());
    Ok(())
}

fn broke() -> io::Error {
    io::Error::other("the wiretap broke")
}
