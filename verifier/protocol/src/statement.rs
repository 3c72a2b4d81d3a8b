//! The statement: what the agent is about to run. Written by the measured agent, covered by the primary binding. In: the
//! agent's facts, or a stranger's bytes; out: one deterministic encoding, and the claims `job.*`.

use std::collections::BTreeSet;

use prooftrail_result::claims::{Claims, Value, cross_vendor, job};

use crate::{
    cbor::{Reader, Writer, argv_sha384},
    digest::sha384,
    limits,
    malformed::{Fault, Malformed},
};

const WHAT: &str = "statement";

/// The names of restrictions that an agent can state it enforces on the command.
pub mod sandbox {
    /// No network at all.
    pub const NO_NETWORK: &str = "no_network";
    /// No devices, in particular none that makes evidence.
    pub const NO_DEVICES: &str = "no_devices";
    /// No capability, and none to regain.
    pub const NO_CAPABILITIES: &str = "no_capabilities";
    /// No privileges beyond those it was started with.
    pub const NO_NEW_PRIVS: &str = "no_new_privs";
    /// No core dumps.
    pub const NO_CORE: &str = "no_core";
    /// A process namespace of its own.
    pub const PID_NAMESPACE: &str = "pid_namespace";
    /// Files are written where the agent said, and nowhere else.
    pub const RESTRICTED_FILES: &str = "restricted_files";
}

/// What an agent states about what it is about to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The release of the agent.
    pub agent_version: String,
    /// SHA-384 of the file that is executed.
    pub executable_sha384: [u8; 48],
    /// The arguments, the command's name first.
    pub argv: Vec<String>,
    /// The names (never values) of the variables that the command sees.
    pub environment: BTreeSet<String>,
    /// The restrictions that are enforced on the command, such as [`sandbox::NO_NETWORK`].
    pub sandbox: BTreeSet<String>,
    /// SHA-384 of the age header of the witness to be opened; absent where no witness is, or where a session opens many.
    pub witness_header_sha384: Option<[u8; 48]>,
    /// What the driver says of the mode of the machine's GPUs, whose own reports do not say it; absent where evidence of
    /// none is sent.
    pub gpu_cc_mode: Option<GpuCcMode>,
}

/// The confidential mode of GPUs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GpuCcMode {
    /// On.
    On,
    /// On, for development: the GPUs can be debugged.
    DevTools,
    /// Off.
    Off,
}

impl GpuCcMode {
    const ALL: [Self; 3] = [Self::On, Self::DevTools, Self::Off];

    /// The spelling in statements and in the claim `gpu.cc_mode`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::DevTools => "devtools",
            Self::Off => "off",
        }
    }
}

/// The names of the fields, in the deterministic order of a map's keys: shorter before longer.
mod field {
    pub(super) const ARGV: &str = "argv";
    pub(super) const SANDBOX: &str = "sandbox";
    pub(super) const ENVIRONMENT: &str = "environment";
    pub(super) const GPU_CC_MODE: &str = "gpu_cc_mode";
    pub(super) const AGENT_VERSION: &str = "agent_version";
    pub(super) const EXECUTABLE: &str = "executable_sha384";
    pub(super) const WITNESS_HEADER: &str = "witness_header_sha384";
    /// Those that every statement has.
    pub(super) const ALWAYS: [&str; 5] = [ARGV, SANDBOX, ENVIRONMENT, AGENT_VERSION, EXECUTABLE];
}

impl Statement {
    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { agent_version, executable_sha384, argv, environment, sandbox, witness_header_sha384, gpu_cc_mode } =
            self;
        let sometimes = usize::from(witness_header_sha384.is_some()) + usize::from(gpu_cc_mode.is_some());
        let mut out = Writer::map(field::ALWAYS.len() + sometimes);
        out.text(field::ARGV).texts(argv.iter().map(String::as_str));
        out.text(field::SANDBOX).texts(sandbox.iter().map(String::as_str));
        out.text(field::ENVIRONMENT).texts(environment.iter().map(String::as_str));
        if let Some(mode) = gpu_cc_mode {
            out.text(field::GPU_CC_MODE).text(mode.as_str());
        }
        out.text(field::AGENT_VERSION).text(agent_version);
        out.text(field::EXECUTABLE).bytes(executable_sha384);
        if let Some(digest) = witness_header_sha384 {
            out.text(field::WITNESS_HEADER).bytes(digest);
        }
        out.finish()
    }

    /// Reads a statement. Unknown fields are refused: a verifier that does not know a field cannot judge it.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Reader::strict(WHAT, bytes, limits::STATEMENT_BYTES, Self::read, Self::encode)?.checked()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        fn expect(reader: &mut Reader<'_>, name: &'static str) -> Result<(), Malformed> {
            if reader.text(name)? == name { Ok(()) } else { Err(reader.fault(Fault::Cbor(name))) }
        }
        let entries = reader.map(field::ALWAYS.len() + 2)?;
        expect(reader, field::ARGV)?;
        let argv = reader.texts(limits::STATEMENT_ITEMS, field::ARGV)?;
        expect(reader, field::SANDBOX)?;
        let sandbox = reader.texts(limits::STATEMENT_ITEMS, field::SANDBOX)?.into_iter().collect();
        expect(reader, field::ENVIRONMENT)?;
        let environment = reader.texts(limits::STATEMENT_ITEMS, field::ENVIRONMENT)?.into_iter().collect();
        let name = reader.text(field::AGENT_VERSION)?.to_owned();
        let gpu_cc_mode = if name == field::GPU_CC_MODE {
            let stated = reader.text(field::GPU_CC_MODE)?.to_owned();
            let mode = GpuCcMode::ALL.into_iter().find(|mode| mode.as_str() == stated);
            let mode = mode.ok_or_else(|| reader.fault(Fault::Field(field::GPU_CC_MODE)))?;
            expect(reader, field::AGENT_VERSION)?;
            Some(mode)
        } else if name == field::AGENT_VERSION {
            None
        } else {
            return Err(reader.fault(Fault::Cbor(field::AGENT_VERSION)));
        };
        let agent_version = reader.text(field::AGENT_VERSION)?.to_owned();
        expect(reader, field::EXECUTABLE)?;
        let executable_sha384 = reader.exactly(field::EXECUTABLE)?;
        let read = field::ALWAYS.len() + usize::from(gpu_cc_mode.is_some());
        let witness_header_sha384 = match entries.checked_sub(read) {
            Some(0) => None,
            Some(1) => {
                expect(reader, field::WITNESS_HEADER)?;
                Some(reader.exactly(field::WITNESS_HEADER)?)
            }
            _ => return Err(reader.fault(Fault::Cbor("map"))),
        };
        Ok(Self { agent_version, executable_sha384, argv, environment, sandbox, witness_header_sha384, gpu_cc_mode })
    }

    /// The statement itself, if its values are within what the format allows: what an agent calls before it encodes one.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn checked(self) -> Result<Self, Malformed> {
        let fault = |field| Err(Malformed::new(WHAT, Fault::Field(field)));
        let is_short_word =
            |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_short_word(&self.agent_version) {
            return fault(field::AGENT_VERSION);
        }
        if self.argv.is_empty()
            || self.argv.len() > limits::STATEMENT_ITEMS
            || self.argv.iter().any(|a| a.contains('\0'))
        {
            return fault(field::ARGV);
        }
        let is_name = |name: &String| !name.is_empty() && !name.contains(['=', '\0']);
        if self.environment.len() > limits::STATEMENT_ITEMS || !self.environment.iter().all(is_name) {
            return fault(field::ENVIRONMENT);
        }
        if self.sandbox.len() > limits::STATEMENT_ITEMS || !self.sandbox.iter().all(|name| is_short_word(name)) {
            return fault(field::SANDBOX);
        }
        let have = self.encode().len();
        if have > limits::STATEMENT_BYTES {
            return Err(Malformed::new(WHAT, Fault::TooLarge { have, max: limits::STATEMENT_BYTES }));
        }
        Ok(self)
    }

    /// SHA-384 of the encoding.
    #[must_use]
    pub fn sha384(&self) -> [u8; 48] {
        sha384(&[&self.encode()])
    }

    /// The claims `job.*`, and `gpu.cc_mode` where it is stated. `job.argv` is among them only where somebody asks for the
    /// arguments in clear; `job.argv_sha384` always is.
    #[must_use]
    pub fn claims(&self, argv_in_clear: bool) -> Claims {
        let texts = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| Value::from(text.as_str())).collect();
        let mut claims = Claims::with_capacity(8);
        claims.insert(job::AGENT_VERSION, self.agent_version.as_str());
        claims.insert(job::EXECUTABLE_SHA384, self.executable_sha384.as_slice());
        claims.insert(job::ARGV_SHA384, argv_sha384(self.argv.iter().map(String::as_str)).as_slice());
        if argv_in_clear {
            claims.insert(job::ARGV, Value::List(texts(&mut self.argv.iter())));
        }
        claims.insert(job::ENVIRONMENT, Value::List(texts(&mut self.environment.iter())));
        claims.insert(job::SANDBOX, Value::List(texts(&mut self.sandbox.iter())));
        claims.insert_if(job::WITNESS_HEADER_SHA384, self.witness_header_sha384.as_ref().map(<[u8; 48]>::as_slice));
        claims.insert_if(cross_vendor::GPU_CC_MODE, self.gpu_cc_mode.map(GpuCcMode::as_str));
        claims
    }
}
