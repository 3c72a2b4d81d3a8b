//! `prover-agent run`.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use prooftrail_protocol::{KeyName, Origin, ReleasePublic, limits, wire::base64url};

use super::{Ended, SHIM, output::Output};
use crate::{
    child::WitnessChannel,
    collect::{Collectors, Settings},
    harden::harden,
    run::{Event, Finished, Options, RunError, run},
    service::{Service, ServiceError},
    transport::{
        Address, ServiceUrl, UrlError,
        http::{Client, Limits},
        retry::Patience,
    },
};

/// Attest, open a witness, run a command on it, register what came out.
///
/// The command is confined before the hardware signs what it is: no network, no attestation device, no privileges, no core
/// files. It reads the witness on its standard input (or at {witness}), and leaves the proof at --proof-out (or {proof}).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
In the command's arguments {witness} stands for the witness's file in memory (--witness-as memfd), {proof} for --proof-out.
Exit status: 0 registered with a proof; 1 the service, or a check of its answer, refused; 2 usage, I/O, or no service;
3 the command failed, and the record says so.

Examples:
  prover-agent run --service https://release.example.com --via vsock:3:8443 --release-key 3q2-7w… \\
    --key solvency --witness witness.age --proof-out proof.json -- /usr/bin/prover --out {proof}
  prover-agent run --service https://release.example.com --release-key 3q2-7w… --key solvency \\
    --witness witness.age --witness-as memfd --proof-out proof.json --system groth16-bn254 --vk vk.json \\
    --public public.json --json -- /usr/bin/prover --witness {witness} --out {proof}")]
pub(super) struct Args {
    /// The service, as https://NAME or https://NAME:PORT.
    #[arg(long, value_name = "URL")]
    service: String,
    /// Reach it here instead: vsock:CID:PORT, unix:PATH or HOST:PORT. TLS still ends here, with the service's name.
    #[arg(long, value_name = "ADDRESS")]
    via: Option<Address>,
    /// Trust this authority (PEM), and no other, for the service's certificate.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Accept http:// : who carries the bytes can then read and delay them, though not open the witness.
    #[arg(long)]
    insecure_http: bool,
    /// The service's release key (base64url or hexadecimal): what it did not sign is not opened.
    #[arg(long, value_name = "PUB", value_parser = parse_release_key)]
    release_key: ReleasePublic,
    /// Ask no other log's service.
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<Origin>,
    /// Open only what was released under this policy (SHA-384, hexadecimal).
    #[arg(long, value_name = "SHA384", value_parser = parse_sha384)]
    policy_digest: Option<[u8; 48]>,
    /// The witness key.
    #[arg(long, value_name = "NAME")]
    key: KeyName,
    /// The witness, sealed to that key (age).
    #[arg(long, value_name = "FILE")]
    witness: PathBuf,
    /// How the command gets the witness.
    #[arg(long, value_name = "HOW", value_enum, default_value_t = As::Stdin)]
    witness_as: As,
    /// Where the command leaves the proof; nothing may be there before.
    #[arg(long, value_name = "FILE")]
    proof_out: PathBuf,
    /// The proof is what the command writes to standard output; it is put at --proof-out.
    #[arg(long)]
    proof_from_stdout: bool,
    /// The proof system.
    #[arg(long)]
    system: Option<String>,
    /// The verifying key.
    #[arg(long, value_name = "FILE", requires = "system")]
    vk: Option<PathBuf>,
    /// The public inputs; the command may write them.
    #[arg(long, value_name = "FILE", requires = "system")]
    public: Option<PathBuf>,
    /// Hand this variable of the agent's environment to the command, which gets no other. Its name is attested.
    #[arg(long = "env", value_name = "NAME")]
    environment: Vec<String>,
    /// A folder that the command may write in, beside the proof's.
    #[arg(long, value_name = "FOLDER")]
    writable: Vec<PathBuf>,
    /// A GPU's device node for the command.
    #[arg(long = "device", value_name = "NODE")]
    devices: Vec<PathBuf>,
    /// Leave the command the network. The statement then lacks `no_network`.
    #[arg(long)]
    allow_network: bool,
    /// Pass so many bytes of the command's standard error on. A prover may print its witness there, and whoever reads the
    /// agent's output then reads it.
    #[arg(long, value_name = "BYTES", num_args = 0..=1, default_missing_value = "65536", default_value_t = 0)]
    forward_stderr: usize,
    /// Which evidence to collect, where the machine's own is not all: settings in TOML (docs/agent.md).
    #[arg(long, value_name = "FILE")]
    collect: Option<PathBuf>,
    /// Seconds that the service gets for one answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Ask the service so many times: the same bytes each time, with pauses in between.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
    /// Seconds that the command gets.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    limit: u64,
    /// Print the events as JSON lines.
    #[arg(long)]
    json: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// How the command gets the witness.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum As {
    /// On its standard input.
    Stdin,
    /// As a sealed file in memory.
    Memfd,
}

fn parse_release_key(text: &str) -> Result<ReleasePublic, String> {
    let bytes = hex::decode(text).or_else(|_| base64url::decode(text, "release key", 64)).map_err(|e| e.to_string())?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| "not 32 bytes".to_owned())?;
    ReleasePublic::from_bytes(&bytes).map_err(|error| error.to_string())
}

fn parse_sha384(text: &str) -> Result<[u8; 48], String> {
    hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| "not 96 hexadecimal digits".to_owned())
}

impl Args {
    /// What to collect.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        settings(self.collect.as_deref())
    }

    pub(super) fn run(self, output: &mut Output, collectors: &Collectors) -> anyhow::Result<Ended> {
        let json = self.json;
        for message in harden().context("cannot harden this process")? {
            tell(output, json, &Event::Warning { message })?;
        }
        if self.forward_stderr > 0 {
            let message = "the command's standard error is passed on; it may print its witness".to_owned();
            tell(output, json, &Event::Warning { message })?;
        }
        let service = Service::new(self.client()?, Patience { attempts: self.attempts, ..Patience::default() });
        let options = self.options()?;
        let mut printed = Ok(());
        let finished = run(&options, &service, collectors, SHIM, &mut |event| {
            if printed.is_ok() {
                printed = tell(output, json, event);
            }
        });
        printed?;
        match finished {
            Ok(Finished::Proof) => {
                if !json {
                    output.line(format!("registered the proof at {}", options.proof_out.display()))?;
                }
                Ok(Ended::Well)
            }
            Ok(Finished::CommandFailed) => {
                if !json {
                    output.line("the command failed; the record says so")?;
                }
                Ok(Ended::CommandFailed)
            }
            Err(error) => refused_or_failed(output, json, error),
        }
    }

    /// The client, by the service's URL.
    fn client(&self) -> anyhow::Result<Client> {
        let url = ServiceUrl::parse(&self.service, self.insecure_http).map_err(|error| match error {
            UrlError::Insecure => anyhow::anyhow!("--service {error} (see --insecure-http)"),
            error => anyhow::anyhow!("--service {error}"),
        })?;
        let authority = self.ca.as_ref().map(|path| fs::read(path).with_context(|| path.display().to_string()));
        let dial = url.dial(self.via.clone(), authority.transpose()?.as_deref())?;
        let limits = Limits {
            connect: Duration::from_secs(10),
            exchange: Duration::from_secs(self.timeout),
            body: limits::RESPONSE_BYTES,
        };
        Ok(Client::new(dial, url.host().to_owned(), limits))
    }

    #[expect(clippy::disallowed_methods, reason = "the edge: the variables that the command is to have, by name")]
    fn options(self) -> anyhow::Result<Options> {
        let mut environment = BTreeMap::new();
        for name in self.environment {
            let value = env::var(&name).with_context(|| format!("--env {name}"))?;
            environment.insert(name, value);
        }
        Ok(Options {
            key: self.key,
            release_key: self.release_key,
            origin: self.origin,
            policy_digest: self.policy_digest,
            witness: self.witness,
            channel: match self.witness_as {
                As::Stdin => WitnessChannel::Stdin,
                As::Memfd => WitnessChannel::Memfd,
            },
            proof_out: self.proof_out,
            proof_from_stdout: self.proof_from_stdout,
            system: self.system,
            vk: self.vk,
            public: self.public,
            command: self.command,
            environment,
            search: env::var("PATH").unwrap_or_default(),
            writable: self.writable,
            devices: self.devices,
            network: self.allow_network,
            forward_stderr: self.forward_stderr,
            limit: Duration::from_secs(self.limit),
        })
    }
}

/// The settings of a file, or the defaults.
pub(super) fn settings(file: Option<&Path>) -> anyhow::Result<Settings> {
    file.map_or_else(|| Ok(Settings::default()), |file| Settings::read(file).map_err(anyhow::Error::msg))
        .context("--collect")
}

fn tell(output: &mut Output, json: bool, event: &Event) -> anyhow::Result<()> {
    if json {
        return output.json(event);
    }
    output.progress(&event.to_string());
    Ok(())
}

/// A refusal is an answer; everything else is a failure.
fn refused_or_failed(output: &mut Output, json: bool, error: RunError) -> anyhow::Result<Ended> {
    let (code, reasons) = match &error {
        RunError::Service(ServiceError::Refused(problem)) => (problem.code.clone(), problem.reasons.clone()),
        RunError::NotOpened(refused) => (refused.code().to_owned(), Vec::new()),
        RunError::Challenge(_) => ("open.challenge".to_owned(), Vec::new()),
        _ => return Err(error.into()),
    };
    if json {
        let refused = serde_json::json!({
            "event": "refused", "code": code, "detail": error.to_string(), "reasons": reasons,
        });
        output.json(&refused)?;
    } else {
        output.line(format!("refused: {error}"))?;
        for reason in reasons {
            output.line(format!("  {}: {}", reason.code, reason.detail))?;
        }
    }
    Ok(Ended::Refused)
}
