//! The service as a process. In: a configuration; out: its URL and the operator's token. It ends with the demo, whatever
//! happens to that.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Stdio},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal};

use crate::stage::Stage;

/// Set for processes that are to end with the demo.
pub(crate) const TIED: &str = "DEMO_ENDS_ME";

/// A running service.
pub(crate) struct Service {
    process: Child,
    /// Where it is reached.
    pub(crate) url: String,
    /// Who may administer it.
    pub(crate) token: String,
}

impl Service {
    /// Starts it, and reads what it says of itself.
    pub(crate) fn start(stage: &Stage, configuration: &str) -> anyhow::Result<Self> {
        stage.narrator.typed(&format!("prooftrail serve --config {configuration}"));
        let mut process = stage
            .process("prooftrail")
            .args(["serve", "--config", configuration])
            .env(TIED, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(stage.path("service.log"))?)
            .spawn()?;
        let stdout = process.stdout.take().context("its standard output is a pipe")?;
        let mut service = Self { process, url: String::new(), token: String::new() };
        let mut lines = BufReader::new(stdout).lines();
        let mut line = |after: &str| -> anyhow::Result<String> {
            let line = lines.next().transpose()?.context("the service did not start; see target/demo/service.log")?;
            let (before, value) = line.split_once(after).with_context(|| format!("unexpected: {line}"))?;
            stage.narrator.output(&if value.starts_with("pt_") {
                format!("{before}{after}pt_…")
            } else {
                line.clone()
            });
            Ok(value.to_owned())
        };
        service.url = line(" at ")?;
        service.token = line(": ")?;
        Ok(service)
    }

    /// Waits until it ends: until somebody interrupts both of us.
    pub(crate) fn wait(mut self) -> anyhow::Result<()> {
        self.process.wait()?;
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let id = Pid::from_raw(i32::try_from(self.process.id())?).context("a process has an id")?;
        rustix::process::kill_process(id, Signal::TERM)?;
        let ended = self.process.wait()?;
        ensure!(ended.success(), "the service ended with {ended}; see target/demo/service.log");
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Lets this process end when the demo does, even if that is killed.
#[expect(clippy::disallowed_methods, reason = "the edge: whether it was the demo that started this process")]
pub(crate) fn end_with_the_demo() {
    if env::var_os(TIED).is_some() {
        // Without this it still ends in every case but that one.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::TERM));
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    match TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()) {
        Ok(address) => Ok(address.port()),
        Err(error) => bail!("no free port on the loopback interface: {error}"),
    }
}
