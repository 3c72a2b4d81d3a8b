//! One run: confine, challenge, attest, open, feed, hash, register, wipe.
//!
//! In: options, devices, and a place to tell events; out: a record in the ledger, also where the command failed. The order
//! is the point: the command is confined before anything is signed about it, the hardware signs before the service is asked,
//! the release is checked before anything is opened, and the record is made when nothing of the command is left.

mod event;
mod outcome;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use prooftrail_protocol::{
    Ask, Context, KeyName, Malformed, Offer, OpenError, Origin, ProofKey, ProofRecord, Purpose, RecipientKey,
    ReleasePublic, SealingSuite, Statement, limits,
    rand_core::UnwrapErr,
    wire::{Bytes, ChallengeRequest, ChallengeResponse, ProofOutcome, ProofResponse, ReleaseRequest, ReleaseResponse},
};
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::event::Event;
use self::outcome::{Document, Documents};
use crate::{
    child::{Child, ChildError, Executable, ExecutableError, Plan, Streams, WitnessChannel},
    clock,
    collect::{CollectError, Collectors},
    service::{Service, ServiceError},
    witness::Witness,
};

/// The placeholder in the arguments for the proof's file.
pub const PROOF_PLACEHOLDER: &str = "{proof}";

/// The status of a command whose time ran out, as timeout(1) has it.
const OUT_OF_TIME: u8 = 124;

/// The status of a command that ended well and left no proof.
const WITHOUT_PROOF: u8 = 125;

/// What to run, on what, for whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The witness key.
    pub key: KeyName,
    /// The service's release key: nothing that it did not sign is opened.
    pub release_key: ReleasePublic,
    /// The log's origin, where it is pinned too.
    pub origin: Option<Origin>,
    /// The policy that must have been satisfied, where it is pinned too.
    pub policy_digest: Option<[u8; 48]>,
    /// The sealed witness: an age file.
    pub witness: PathBuf,
    /// How the command gets it.
    pub channel: WitnessChannel,
    /// Where the command leaves the proof. Nothing may be there before.
    pub proof_out: PathBuf,
    /// The proof is what the command writes to standard output, and is put there by the agent.
    pub proof_from_stdout: bool,
    /// The proof system.
    pub system: Option<String>,
    /// The verifying key's document.
    pub vk: Option<PathBuf>,
    /// The document of public inputs, which the command may write.
    pub public: Option<PathBuf>,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The whole environment of the command.
    pub environment: BTreeMap<String, String>,
    /// Where a program named without a path is looked for.
    pub search: String,
    /// Folders that the command may write in, beside the proof's.
    pub writable: Vec<PathBuf>,
    /// Device nodes that it may use.
    pub devices: Vec<PathBuf>,
    /// May it use the network?
    pub network: bool,
    /// So much of its standard error is passed on.
    pub forward_stderr: usize,
    /// It gets so long.
    pub limit: Duration,
}

/// Why a run ended without a record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// A file, or the machine.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The reason.
        source: io::Error,
    },
    /// What the options ask for cannot be.
    #[error("{0}")]
    Usage(String),
    /// The program.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// The child.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The devices.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The service.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// What the service answered is not what was asked, or not signed.
    #[error("the release is not opened: {0}")]
    NotOpened(#[from] OpenError),
    /// The service answered for another log or without the key.
    #[error("the challenge is not used: {0}")]
    Challenge(&'static str),
    /// A statement or record that the format does not allow.
    #[error(transparent)]
    Format(#[from] Malformed),
    /// No chance: getrandom(2) failed.
    #[error("the machine gives no random bytes: {0}")]
    Chance(getrandom::Error),
}

/// How a run ended whose record was registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Finished {
    /// With a proof.
    Proof,
    /// The command failed; the record says so.
    CommandFailed,
}

/// Runs. `shim` is this program's own file (see [`Child::start`]); call it from the main thread.
///
/// # Errors
/// See [`RunError`]. A command that failed is no error: its record is registered.
pub fn run(
    options: &Options,
    service: &Service,
    collectors: &Collectors,
    shim: &str,
    tell: &mut dyn FnMut(&Event),
) -> Result<Finished, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io_error("tokio"))?;

    let witness = Witness::open(&options.witness).map_err(io_error(options.witness.display()))?;
    let program = options.command.first().ok_or_else(|| RunError::Usage("no command".to_owned()))?;
    let executable = Executable::open(program, &options.search)?;
    let plan = plan(options)?;
    let keep_stdout = if options.proof_from_stdout { limits::PROOF_BYTES + 1 } else { 0 };
    let streams = Streams { keep_stdout, forward_stderr: options.forward_stderr };
    let child = Child::start(shim, &executable, &plan, streams)?;
    let sandbox: Vec<_> = child.enforced().iter().map(|item| item.name()).collect();
    tell(&Event::Confined {
        executable_sha384: hex::encode(executable.sha384()),
        sandbox: sandbox.clone(),
        missing: child.missing().to_vec(),
    });
    let statement = Statement {
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        executable_sha384: executable.sha384(),
        argv: options.command.clone(),
        environment: options.environment.keys().cloned().collect(),
        sandbox: sandbox.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
        witness_header_sha384: Some(witness.header_sha384()),
        gpu_cc_mode: collectors.gpu_cc_mode(),
    }
    .checked()?;

    let recipient = RecipientKey::generate(&mut UnwrapErr(getrandom::SysRng));
    let proof_key = proof_key()?;
    let asked =
        Asked { options, statement: &statement, witness: &witness, recipient: &recipient, proof_key: &proof_key };
    let (file_key, release) = runtime.block_on(asked.release(service, collectors, tell))?;
    drop(recipient);

    let (header_sha384, started) = (witness.header_sha384(), clock::now());
    let (sender, receiver) = mpsc::channel();
    let ended = child.run(
        move |to: &mut dyn Write| {
            let digest = witness.open_into(&file_key, to)?;
            // Nobody waits for it where the run has failed already.
            let _ = sender.send(digest);
            Ok(())
        },
        options.limit,
    )?;
    let ended_at = clock::now().max(started);
    // A command whose time ran out may have left part of the witness unread.
    let witness_sha256 = match receiver.try_recv() {
        Ok(digest) => digest,
        Err(_) => outcome::sha256_of(&options.witness).map_err(io_error(options.witness.display()))?,
    };

    let documents = if ended.exit == 0 && !ended.timed_out {
        if options.proof_from_stdout {
            outcome::write_proof(&options.proof_out, &ended.stdout, ended.stdout_bytes)
                .map_err(io_error(options.proof_out.display()))?;
        }
        Documents::read(options)?
    } else {
        Documents::default()
    };
    let exit_status = match (ended.timed_out, ended.exit, &documents.proof) {
        (true, ..) => OUT_OF_TIME,
        (_, 0, Some(_)) => 0,
        (_, 0, None) => WITHOUT_PROOF,
        (_, status, _) => u8::try_from(status).unwrap_or(u8::MAX),
    };
    tell(&Event::Ended {
        exit_status,
        millis: ended_at.unix_millis() - started.unix_millis(),
        stdout_bytes: ended.stdout_bytes,
        stderr_bytes: ended.stderr_bytes,
    });
    let has_proof = documents.proof.is_some();
    let of = |document: &Option<Document>| document.as_ref().filter(|_| has_proof).map(|document| document.sha256);
    let record = ProofRecord {
        release_leaf_hash: release.ledger.leaf_hash(),
        session: release.release_id,
        sequence: 0,
        statement_sha384: statement.sha384(),
        witness_header_sha384: header_sha384,
        witness_sha256,
        system: options.system.clone(),
        vk_sha256: of(&documents.vk),
        public_sha256: of(&documents.public),
        proof_sha256: of(&documents.proof),
        exit_status,
        started,
        ended: ended_at,
    }
    .checked()?;
    let request = documents.request(release.release_id, proof_key.sign(&record));
    drop(proof_key);
    let registered: ProofResponse = runtime.block_on(service.post("/v1/proofs", "proof", &request))?;
    tell(&Event::Registered {
        proof_id: registered.proof_id.map(|id| hex::encode(id.0)),
        statement_id: registered.statement_id.map(|id| hex::encode(id.0)),
        verified: match registered.verified {
            ProofOutcome::Verified => "verified",
            ProofOutcome::NoProof => "no_proof",
            _ => "unsupported",
        }
        .to_owned(),
        url: registered.url,
        leaf_index: registered.ledger.leaf_index,
    });
    Ok(if has_proof { Finished::Proof } else { Finished::CommandFailed })
}

/// What a release is asked with.
struct Asked<'a> {
    options: &'a Options,
    statement: &'a Statement,
    witness: &'a Witness,
    recipient: &'a RecipientKey,
    proof_key: &'a ProofKey,
}

impl Asked<'_> {
    async fn release(
        &self,
        service: &Service,
        collectors: &Collectors,
        tell: &mut dyn FnMut(&Event),
    ) -> Result<(prooftrail_protocol::FileKey, ReleaseResponse), RunError> {
        let question = ChallengeRequest { purpose: Purpose::Release, key: Some(self.options.key.clone()) };
        let challenge: ChallengeResponse = service.post("/v1/challenges", "challenge", &question).await?;
        tell(&Event::Challenged {
            log_origin: challenge.log_origin.as_str().to_owned(),
            nonce: hex::encode(challenge.nonce.0),
            expires: challenge.expires.to_string(),
        });
        if self.options.origin.as_ref().is_some_and(|pinned| *pinned != challenge.log_origin) {
            return Err(RunError::Challenge("it is another log's"));
        }
        let key = challenge.key.filter(|key| key.name == self.options.key);
        let context = Context {
            log_origin: challenge.log_origin,
            nonce: challenge.nonce,
            purpose: Purpose::Release,
            key: Some(key.clone().ok_or(RunError::Challenge("it names no version of the key"))?),
            suite: SealingSuite::ALL.first().copied().ok_or(RunError::Challenge("no suite"))?,
            recipient: self.recipient.public(),
            proof_key: self.proof_key.public(),
        };
        let evidence = collectors.collect(&context, self.statement)?;
        let kinds: Vec<_> = evidence.iter().map(|piece| piece.kind).collect();
        tell(&Event::Attested { kinds: kinds.iter().map(|kind| kind.as_str()).collect() });
        let question = ReleaseRequest {
            challenge: challenge.challenge,
            purpose: context.purpose,
            key: key.ok_or(RunError::Challenge("it names no version of the key"))?,
            suite: context.suite,
            recipient: context.recipient,
            proof_key: context.proof_key,
            statement: Bytes(self.statement.encode()),
            witness_header: self.witness.header().into(),
            evidence,
            endorsements: Vec::new(),
        };
        let release: ReleaseResponse = service.post("/v1/releases", "release", &question).await?;
        let ask = Ask {
            context,
            header_sha384: self.witness.header_sha384(),
            kinds,
            policy_digest: self.options.policy_digest,
        };
        let offer = Offer { terms: &release.terms.0, sealed: &release.sealed.0, signature: release.signature };
        let checked = ask.check(offer, &self.options.release_key, clock::now())?;
        // Beside the signed terms the answer says both once more; a service that contradicts itself is not believed.
        if checked.release_id() != release.release_id {
            return Err(OpenError::NotAsked("release id").into());
        }
        if checked.terms().expires != release.expires {
            return Err(OpenError::NotAsked("expiry").into());
        }
        let file_key = checked.open(self.recipient)?;
        tell(&Event::Released { release_id: release.release_id.to_string(), leaf_index: release.ledger.leaf_index });
        Ok((file_key, release))
    }
}

/// What the shim is told. Paths are made absolute, and those that the child's own `/dev` and `/run` would hide are refused.
fn plan(options: &Options) -> Result<Plan, RunError> {
    let directory = std::env::current_dir().map_err(io_error("working directory"))?;
    let absolute = |path: &Path| directory.join(path);
    let proof_out = absolute(&options.proof_out);
    if proof_out.symlink_metadata().is_ok() {
        return Err(RunError::Usage(format!("{} exists already; it would pass for the proof", proof_out.display())));
    }
    let folder_of = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
    let mut writable: Vec<_> = options.writable.iter().map(|path| absolute(path)).collect();
    if !options.proof_from_stdout {
        writable.push(folder_of(&proof_out));
    }
    writable.extend(options.public.iter().map(|path| folder_of(&absolute(path))));
    for folder in &mut writable {
        *folder = folder.canonicalize().map_err(io_error(folder.display()))?;
        if ["/dev", "/run", "/proc", "/sys"].iter().any(|hidden| folder.starts_with(hidden)) {
            return Err(RunError::Usage(format!("{} is hidden from the command", folder.display())));
        }
    }
    if let Some(device) = options.devices.iter().find(|device| !is_harmless(device)) {
        return Err(RunError::Usage(format!("{} is not given to a command", device.display())));
    }
    let proof_out =
        proof_out.to_str().ok_or_else(|| RunError::Usage("the proof's path is not UTF-8".to_owned()))?.to_owned();
    Ok(Plan {
        argv: options.command.iter().map(|argument| argument.replace(PROOF_PLACEHOLDER, &proof_out)).collect(),
        environment: options.environment.clone(),
        directory,
        writable,
        devices: options.devices.clone(),
        network: options.network,
        witness: options.channel,
    })
}

/// A GPU may be given to a command; what attests, and what leads out, may not.
fn is_harmless(device: &Path) -> bool {
    let is_gpu = |name: &str| name.starts_with("/dev/nvidia") || name.starts_with("/dev/dri/");
    device.to_str().is_some_and(|name| is_gpu(name) && !name.contains(".."))
}

fn proof_key() -> Result<ProofKey, RunError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(RunError::Chance)?;
    Ok(ProofKey::from_seed(&seed))
}

#[expect(clippy::needless_pass_by_value, reason = "`Path::display` is a value")]
fn io_error(what: impl ToString) -> impl FnOnce(io::Error) -> RunError {
    let what = what.to_string();
    move |source| RunError::Io { what, source }
}
