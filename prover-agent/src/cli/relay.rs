//! `prover-agent relay`.

use std::time::Duration;

use super::{Ended, output::Output};
use crate::{
    relay::{Capacity, RelayEvent, relay},
    transport::{Address, Listener},
};

/// Forward an enclave's connections to one address, on its parent instance.
///
/// The relay carries bytes and understands none of them: TLS ends inside the enclave, and nothing here is trusted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An interrupt (or the end of --for) stops it: what is under way is finished first. Exit status: 0 stopped, 2 usage or I/O.

Examples:
  prover-agent relay --listen vsock:4294967295:8443 --to release.example.com:443
  prover-agent relay --listen unix:/run/relay.sock --to 127.0.0.1:8080 --json")]
pub(super) struct Args {
    /// Where to listen: vsock:CID:PORT, HOST:PORT or unix:PATH.
    #[arg(long, value_name = "ADDRESS")]
    listen: Address,
    /// The one address to forward to.
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// Connections at a time.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Close a connection on which nothing moves for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    idle: u64,
    /// Stop after so many seconds.
    #[arg(long = "for", value_name = "SECONDS")]
    lifetime: Option<u64>,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let capacity = Capacity {
            connections: self.connections.into(),
            idle: Duration::from_secs(self.idle),
            connect: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        };
        let lifetime = self.lifetime.map(Duration::from_secs);
        let stop = async move {
            let ended = async {
                match lifetime {
                    Some(lifetime) => tokio::time::sleep(lifetime).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = interrupted() => {}
                () = ended => {}
            }
        };
        let json = self.json;
        // The runtime has one thread: events are printed one after the other.
        let log = move |event: RelayEvent| {
            let mut output = Output::stdout();
            // A log that nobody can take any more stops no connection.
            let _ = if json { output.json(&event) } else { output.line(event.to_string()) };
            let _ = output.finish();
        };
        runtime.block_on(async {
            let listener = Listener::bind(&self.listen).await?;
            relay(listener, self.to.clone(), capacity, stop, log).await
        })?;
        output.finish()?;
        Ok(Ended::Well)
    }
}

/// An interrupt, or the request to terminate.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
