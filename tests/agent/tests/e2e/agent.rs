//! One run of the agent, as a process.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::service::Service;

pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_simulated-agent");
pub(crate) const HOSTILE: &str = env!("CARGO_BIN_EXE_hostile");
pub(crate) const WITNESS: &[u8] = b"the secret balance is 4711\n";

pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) command: Vec<String>,
}

impl Run {
    pub(crate) fn new(name: &str, service: &Service, script: &str) -> Self {
        Self::on(name, service, WITNESS, script)
    }

    pub(crate) fn on(name: &str, service: &Service, witness: &[u8], script: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("agent-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let recipient = service.witness_key.to_public();
        let recipient: &dyn age::Recipient = &recipient;
        let sealing = age::Encryptor::with_recipients(std::iter::once(recipient)).unwrap();
        let mut writer = sealing.wrap_output(fs::File::create(folder.join("witness.age")).unwrap()).unwrap();
        writer.write_all(witness).unwrap();
        writer.finish().unwrap();
        let arguments = [
            "run",
            "--insecure-http",
            "--service",
            &format!("http://127.0.0.1:{}", service.port),
            "--release-key",
            &service.release_key,
            "--key",
            "solvency",
            "--witness",
            "witness.age",
            "--proof-out",
            "proof",
            "--timeout",
            "1",
            "--json",
        ]
        .map(str::to_owned);
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        Self { folder, arguments: arguments.into(), command: command.into() }
    }

    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(AGENT);
        command.args(&self.arguments).arg("--").args(&self.command).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self) -> Ended {
        let Output { status, stdout, stderr } = self.command().output().unwrap();
        let stdout = String::from_utf8(stdout).unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        println!("{stdout}{stderr}");
        let events = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Ended { status: status.code().unwrap(), events, stdout, stderr }
    }

    pub(crate) fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }
}

pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.events.iter().map(|event| event["event"].as_str().unwrap()).filter(|name| *name != "warning").collect()
    }

    pub(crate) fn event(&self, name: &str) -> &Value {
        self.events.iter().find(|event| event["event"] == name).unwrap_or_else(|| panic!("no event {name}"))
    }
}
