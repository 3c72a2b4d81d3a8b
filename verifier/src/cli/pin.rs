//! `prooftrail pin`: reference values from build artefacts, computed without the hardware.

mod ovmf;

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Subcommand;
use prooftrail_evidence::{AwsLc, nitro_extended};
use prooftrail_proofs::{KeyWeakness, ProofSystem, VerifyingKey};
use prooftrail_protocol::cbor::argv_sha384;
use sha2::{Digest, Sha384};

use super::{
    Ended, files,
    output::{Output, plain},
};
use crate::pin::eif;

/// Reference values from build artefacts.
#[derive(Debug, Subcommand)]
#[expect(
    clippy::enum_variant_names,
    reason = "every command's enum is called so, and this subcommand measures a command"
)]
pub(super) enum Command {
    /// PCR0, PCR1, PCR2 and, of a signed image, PCR8 of an AWS Nitro enclave image file.
    #[command(after_help = "\
Exit status: 0 measured, 2 not an image in order, or I/O.

Examples:
  prooftrail pin eif prover.eif
  prooftrail pin eif prover.eif --policy-reference prover >> prover.policy.toml")]
    Eif {
        /// The image.
        file: PathBuf,
        /// Print [[reference]] tables for a policy, under this name, instead.
        #[arg(long, value_name = "NAME", conflicts_with = "json")]
        policy_reference: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// MEASUREMENT of SEV-SNP guests that are started with an OVMF image.
    Ovmf(ovmf::Ovmf),
    /// PCR3 of an AWS Nitro enclave whose parent instance runs under an IAM role.
    #[command(after_help = "\
Example:
  prooftrail pin role arn:aws:iam::123456789012:role/prover")]
    Role {
        /// The role's ARN, letter for letter.
        #[arg(value_parser = parse_role)]
        arn: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The claims of a command that an agent will run: its program and its arguments.
    #[command(after_help = "\
Example:
  prooftrail pin command --program build/prover -- prover prove --pk proving.key --out proof")]
    Command {
        /// The program, as it will stand in the image.
        #[arg(long, value_name = "FILE")]
        program: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// The arguments as the agent is given them, the command's name first, placeholders and all.
        #[arg(last = true, required = true, value_name = "ARGUMENT")]
        argv: Vec<String>,
    },
    /// The digest of a circuit's verifying key, for the proofs that a policy allows.
    #[command(after_help = "\
Exit status: 0 a key in order, 1 a key under which anyone can forge proofs, 2 not a key, or I/O.

Example:
  prooftrail pin vk verification_key.json --system groth16-bn254")]
    Vk {
        /// The key: snarkjs' verification_key.json.
        file: PathBuf,
        /// The proof system.
        #[arg(long, value_name = "SYSTEM")]
        system: ProofSystem,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) fn run(self, output: &mut Output) -> anyhow::Result<Ended> {
        let (file, policy_reference, json) = match self {
            Self::Eif { file, policy_reference, json } => (file, policy_reference, json),
            Self::Ovmf(command) => return command.run(output),
            Self::Role { arn, json } => return role(output, &arn, json),
            Self::Command { program, json, argv } => return command(output, &program, &argv, json),
            Self::Vk { file, system, json } => return verifying_key(output, &file, system, json),
        };
        let measured = measure(&file).with_context(|| format!("cannot measure {}", file.display()))?;
        if json {
            output.json(&measured)?;
        } else if let Some(name) = policy_reference {
            output.line(measured.to_policy_toml(&name).trim_end())?;
        } else {
            print(output, &measured)?;
        }
        Ok(Ended::Well)
    }
}

/// A role's ARN: the partition may be another one, and a role may stand under a path.
fn parse_role(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("arn:aws").and_then(|rest| rest.split_once(":iam::"));
    let is_role = rest.and_then(|(_, rest)| rest.split_once(":role/")).is_some_and(|(account, name)| {
        account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()) && !name.is_empty()
    });
    is_role.then(|| text.to_owned()).ok_or_else(|| "not of the form arn:aws:iam::123456789012:role/NAME".to_owned())
}

/// What the hypervisor extends PCR3 with is the ARN itself.
fn role(output: &mut Output, arn: &str, json: bool) -> anyhow::Result<Ended> {
    let pcr3 = hex::encode(nitro_extended(arn, &AwsLc));
    if json {
        output.json(&serde_json::json!({ "pcr3": pcr3, "role": arn }))?;
    } else {
        output.line(format!("PCR3  {pcr3}  {}", plain(arn)))?;
    }
    Ok(Ended::Well)
}

/// What a policy pins of a command: claims are the agent's statement, whatever else that says.
fn command(output: &mut Output, program: &Path, argv: &[String], json: bool) -> anyhow::Result<Ended> {
    let mut hash = Sha384::new();
    let mut file = File::open(program).with_context(|| format!("cannot read {}", program.display()))?;
    let mut block = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut block).with_context(|| format!("cannot read {}", program.display()))?;
        if count == 0 {
            break;
        }
        hash.update(block.get(..count).unwrap_or_default());
    }
    let executable = hex::encode(hash.finalize());
    let arguments = hex::encode(argv_sha384(argv.iter().map(String::as_str)));
    if json {
        output.json(&serde_json::json!({ "executable_sha384": executable, "argv_sha384": arguments, "argv": argv }))?;
    } else {
        output.line(format!("job.executable_sha384  {executable}"))?;
        output.line(format!("job.argv_sha384        {arguments}"))?;
    }
    Ok(Ended::Well)
}

fn verifying_key(output: &mut Output, path: &Path, system: ProofSystem, json: bool) -> anyhow::Result<Ended> {
    let key = VerifyingKey::parse(system, &files::read(path)?)
        .with_context(|| format!("{} is no verifying key of {}", path.display(), system.as_str()))?;
    let (digest, weakness) = (hex::encode(key.digest().as_bytes()), key.weakness());
    if json {
        output.json(&serde_json::json!({
            "system": system.as_str(), "vk_sha256": digest, "public_inputs": key.public_inputs(),
            "weakness": weakness.map(KeyWeakness::code),
        }))?;
    } else {
        output.line(format!("[[proof]]\nsystem = \"{}\"\nvk_sha256 = \"{digest}\"", system.as_str()))?;
        if let Some(weakness) = weakness {
            output.line(format!("# anyone can forge proofs under this key: {}", weakness.code()))?;
        }
    }
    Ok(if weakness.is_none() { Ended::Well } else { Ended::Refused })
}

/// Measures a file, saying how far it is where someone watches.
fn measure(path: &Path) -> anyhow::Result<eif::Measurements> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut progress = Progress::new(length);
    let measured = eif::measure(file, length, &AwsLc, &mut |done, _| progress.report(done));
    progress.clear();
    Ok(measured?)
}

fn print(output: &mut Output, measured: &eif::Measurements) -> anyhow::Result<()> {
    output.line(format!("PCR0  {}  the whole image", hex::encode(measured.pcr0)))?;
    output.line(format!("PCR1  {}  kernel and boot ramdisk", hex::encode(measured.pcr1)))?;
    output.line(format!("PCR2  {}  application", hex::encode(measured.pcr2)))?;
    match &measured.signer {
        Some(signer) => {
            output.line(format!("PCR8  {}  signer", hex::encode(signer.pcr8)))?;
            let (subject, from, to) = (plain(&signer.subject), signer.not_before, signer.not_after);
            output
                .line(format!("signed by {subject}, certificate valid {from} to {to} (not compared with any clock)"))?;
        }
        None => output.line("not signed: PCR8 will be zero")?,
    }
    for notice in measured.notices() {
        output.line(format!("note: {}", plain(&notice.to_string())))?;
    }
    Ok(())
}

/// A line on standard error that follows a long measurement, on a terminal only.
struct Progress {
    length: u64,
    shown: Option<u64>,
}

impl Progress {
    /// Below this, it is done before anyone looks: 64 MiB.
    const WORTH_SHOWING: u64 = 64 << 20;

    fn new(length: u64) -> Self {
        let shown = (length >= Self::WORTH_SHOWING && io::stderr().is_terminal()).then_some(u64::MAX);
        Self { length, shown }
    }

    fn report(&mut self, done: u64) {
        let percent = done.saturating_mul(100) / self.length.max(1);
        if self.shown.is_some_and(|shown| shown != percent) {
            self.shown = Some(percent);
            // A terminal that is gone needs no progress.
            let _ = write!(io::stderr(), "\rmeasuring … {percent} %");
        }
    }

    fn clear(&self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
