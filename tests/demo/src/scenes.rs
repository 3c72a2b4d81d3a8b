//! The scenes: what each shows, the evidence it makes, the command it runs, and the verdict that must come out.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use prooftrail_simulator::{
    cbor::Item,
    edit::Edit,
    key::{Key, SignatureEdit},
    nitro::{Document, Hypervisor},
};

/// The nonce that the verifier gave the enclave.
const NONCE: &[u8] = b"a nonce that nobody has used before";

/// Plays every scene; fails where a verdict is not the one announced.
pub(crate) fn play() -> anyhow::Result<()> {
    let stage = Stage::set()?;
    say("Prooftrail: the main job on simulated hardware. The hypervisor is simulated, the verifier is not.\n");

    stage.scene(
        "An approved image in an enclave, with our nonce, under a policy that pins the image.",
        "good",
        0,
        |_| {},
    )?;
    stage.scene("The same image in debug mode: its memory can be read from outside.", "debug", 1, |document| {
        document.debug();
    })?;
    stage.scene("Another image, on hardware that is just as genuine.", "other-image", 1, |document| {
        document.pcr(0, &[0x5a; 48]);
    })?;
    stage.scene("Yesterday's document, replayed: it carries another nonce.", "replayed", 1, |document| {
        document.nonce(b"yesterday's nonce");
    })?;
    stage.scene("One digit of the document changed on the way.", "altered", 1, |document| {
        document.envelope.signature = Some(SignatureEdit::Bytes(Edit::FlipBit { offset: 40, bit: 0 }));
    })?;
    stage.scene("A root of the attacker's own, under the same name.", "impostor", 1, |document| {
        if let Some(root) = document.chain.first_mut() {
            root.key = Key::p384("the attacker's root");
        }
    })?;

    say("\n== What a file is, in words, for whoever was handed one.");
    stage.prooftrail(&["explain", &stage.path("good.cose"), "--root", &stage.path("manifest.toml")], 0)?;
    say("\n== What the policy leaves open. It allows simulated evidence, which no policy in earnest may: an error.");
    stage.prooftrail(&["policy", "lint", &stage.path("policy.toml"), "--root", &stage.path("manifest.toml")], 1)?;
    say(&format!("\nEvery verdict was as announced. The files are in {}.", stage.folder.display()));
    Ok(())
}

/// The simulated machine, and the folder where everything stands.
struct Stage {
    hypervisor: Hypervisor,
    folder: PathBuf,
    now_ms: u64,
}

impl Stage {
    #[expect(clippy::disallowed_methods, reason = "the edge: simulated hardware makes evidence now")]
    fn set() -> anyhow::Result<Self> {
        let folder =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from).join("demo");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let stage = Self { hypervisor: Hypervisor::new("demo"), folder, now_ms };
        stage.write("simulated-nitro-root.der", &stage.hypervisor.root_der())?;
        stage.write("manifest.toml", stage.hypervisor.root_manifest().as_bytes())?;
        stage.write("policy.toml", stage.policy()?.as_bytes())?;
        Ok(stage)
    }

    /// The policy, pinned to the image that the hypervisor runs.
    fn policy(&self) -> anyhow::Result<String> {
        let mut document = self.hypervisor.document(self.now_ms);
        let pcr0 = document.pcrs_mut().iter().find_map(|(index, value)| match (index, value) {
            (Item::Unsigned(0), Item::Bytes(pcr0)) => Some(hex::encode(pcr0)),
            _ => None,
        });
        let pcr0 = pcr0.context("every document has PCR0")?;
        Ok(format!(
            r#"prooftrail_policy = 1
name = "demo-prover"
rationale = "Only the audited prover may open the witness."
allow_simulated = true                                  # the demo has no other hardware

[freshness]
max_age = "5m"

[[platform]]
name = "nitro"
primary = "aws-nitro"

[[rule]]
id = "image"
claim = "nitro.pcr0"
operator = "in"
reference = "prover-images"
rationale = "PCR0 covers the whole image: kernel, command line and application."
controls = ["SOC2 CC6.1"]

[[rule]]
id = "certified-instance"
claim = "nitro.pcr4_matches_instance"
operator = "equals"
value = true
rationale = "The enclave runs on the instance that its certificate names."
controls = ["SOC2 CC6.6"]

[[reference]]
name = "prover-images"

[[reference.value]]
value = "{pcr0}"
note = "the demo's image"
"#
        ))
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        fs::write(self.folder.join(name), bytes).with_context(|| format!("cannot write {}", self.path(name)))
    }

    /// Makes a document, changed as the scene is about, and appraises it.
    fn scene(&self, about: &str, name: &str, status: i32, change: impl FnOnce(&mut Document)) -> anyhow::Result<()> {
        say(&format!("\n== {about}"));
        let mut document = self.hypervisor.document(self.now_ms);
        document.nonce(NONCE);
        change(&mut document);
        let file = format!("{name}.cose");
        self.write(&file, &document.build())?;
        let (document, policy, manifest) = (self.path(&file), self.path("policy.toml"), self.path("manifest.toml"));
        let nonce = hex::encode(NONCE);
        self.prooftrail(
            &[
                "appraise",
                &document,
                "--kind",
                "aws-nitro",
                "--policy",
                &policy,
                "--root",
                &manifest,
                "--nonce",
                &nonce,
            ],
            status,
        )
    }

    /// Runs ourselves as `prooftrail`, with the command line shown first.
    fn prooftrail(&self, arguments: &[&str], status: i32) -> anyhow::Result<()> {
        say(&format!("$ prooftrail {}", arguments.join(" ")));
        let ended = Command::new(env::current_exe()?).arg0("prooftrail").args(arguments).status()?;
        say(&format!("exit status {}", ended.code().unwrap_or(-1)));
        ensure!(ended.code() == Some(status), "this should have ended with status {status}");
        Ok(())
    }
}

/// A line for whoever watches.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if standard output is gone.
    let _ = writeln!(io::stdout(), "{text}");
}
