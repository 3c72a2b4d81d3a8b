//! Evidence: which devices this machine has, and what they are asked to sign.
//!
//! A collector is a few lines around a device. The shipped program knows devices only ([`Collectors::of_this_machine`]); a
//! simulated one exists where a demo or a test hands its own to the library.

mod azure;
mod azure_attestation;
mod gpu;
mod guests;
mod imds;
mod launcher;
mod nitro;
mod qgs;
mod settings;
mod trust_authority;
mod tsm;

use std::{fmt, fs, future::Future, io, path::Path, thread, time::Duration};

use hyper::http::request::Builder;

use prooftrail_devices::{nsm, sev_guest, tdx_guest, tpm};
use prooftrail_protocol::{
    Context, GpuCcMode, KindValue, OtherPiece, Place, Statement, place,
    wire::{Bytes, PieceOfEvidence},
};
use prooftrail_result::Kind;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::{
    azure::AzureVtpm,
    azure_attestation::AzureAttestation,
    gpu::Gpus,
    imds::Imds,
    launcher::{Launcher, SOCKET as LAUNCHER_SOCKET, TokenType},
    settings::Settings,
    trust_authority::{Appraisal, SigningAlgorithm, TrustAuthority},
    tsm::{ConfigFs, Entries, FOLDER as TSM_FOLDER, Tsm},
};
use self::{
    guests::{SevGuest, TdxGuest},
    nitro::Nitro,
};
use crate::transport::{
    Address, ServiceUrl,
    http::{Client, Limits},
};

/// Why there is no evidence.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectError {
    /// Nothing here can attest.
    #[error("this machine has no attestation device that this build supports; `prover-agent probe` says what it found")]
    NoDevice,
    /// The device gave none.
    #[error("{kind}: {reason}")]
    Device {
        /// What it would have been.
        kind: Kind,
        /// The device's reason.
        reason: String,
    },
    /// Settings were given to a program that has devices of its own.
    #[error("this program collects what it was built for; it takes no --collect")]
    Fixed,
    /// A collector was asked for a value that its kind does not carry.
    #[error("{0} evidence does not carry such a value")]
    Value(Kind),
}

/// A device that makes one kind of evidence.
pub trait Collector: Send + Sync {
    /// The kind.
    fn kind(&self) -> Kind;

    /// Evidence over a value.
    ///
    /// # Errors
    /// The device's.
    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError>;

    /// What the driver says of the mode of the GPUs whose evidence this is: no report of theirs has it.
    fn gpu_cc_mode(&self) -> Option<GpuCcMode> {
        None
    }
}

/// The devices of a machine.
#[derive(Default)]
pub struct Collectors {
    /// The CPU's, asked last: its value covers every other piece, and what is about to run.
    pub primary: Option<Box<dyn Collector>>,
    /// All others.
    pub others: Vec<Box<dyn Collector>>,
}

impl Collectors {
    /// The devices of this machine that the settings ask for; without any, the one that it has of its own.
    ///
    /// # Errors
    /// Something that they name is not there, or cannot be used so.
    pub fn of_this_machine(settings: &Settings) -> Result<Self, CollectError> {
        let others = settings.attach.iter().map(|kind| named(*kind, settings)).collect::<Result<_, _>>()?;
        let primary = match settings.primary {
            None => own().or_else(|| named(Kind::GcpConfidentialSpace, settings).ok()),
            Some(kind) => {
                if !place(kind).is_some_and(|place| !matches!(place, Place::DeviceNonce | Place::Beside)) {
                    return Err(unavailable(kind, "it cannot be primary"));
                }
                Some(named(kind, settings)?)
            }
        };
        Ok(Self { primary, others })
    }

    /// What the driver says of the GPUs' mode, where evidence of GPUs is collected.
    #[must_use]
    pub fn gpu_cc_mode(&self) -> Option<GpuCcMode> {
        self.others.iter().find_map(|other| other.gpu_cc_mode())
    }

    /// The whole set for a context and a statement: attached pieces first, the primary last.
    ///
    /// # Errors
    /// See [`CollectError`].
    pub fn collect(&self, context: &Context, statement: &Statement) -> Result<Vec<PieceOfEvidence>, CollectError> {
        let primary = self.primary.as_ref().ok_or(CollectError::NoDevice)?;
        let mut pieces = Vec::with_capacity(self.others.len() + 1);
        for other in &self.others {
            let kind = other.kind();
            let value = KindValue::attached(kind, context).ok_or(CollectError::Value(kind))?;
            pieces.push(PieceOfEvidence { kind, evidence: Bytes(other.collect(&value)?) });
        }
        let covered: Vec<_> = pieces.iter().map(|piece| OtherPiece::of(piece.kind, &piece.evidence.0)).collect();
        let kind = primary.kind();
        let value = KindValue::primary(kind, context, &statement.sha384(), covered).ok_or(CollectError::Value(kind))?;
        pieces.push(PieceOfEvidence { kind, evidence: Bytes(primary.collect(&value)?) });
        Ok(pieces)
    }
}

/// What this machine has of its own.
fn own() -> Option<Box<dyn Collector>> {
    nitro().or_else(tsm).or_else(guest_device).or_else(azure)
}

/// What makes evidence of that kind here.
fn named(kind: Kind, settings: &Settings) -> Result<Box<dyn Collector>, CollectError> {
    match kind {
        Kind::NvidiaGpu => {
            let gpus = Gpus::detect(&settings.nvidia_gpu.library).map_err(device_error(kind))?;
            Ok(Box::new(gpus.ok_or_else(|| unavailable(kind, "there is no driver, or no GPU"))?))
        }
        Kind::GcpConfidentialSpace => {
            let space = &settings.confidential_space;
            if !space.socket.exists() {
                return Err(unavailable(kind, "there is no launcher"));
            }
            Ok(Box::new(Launcher::at(Address::Unix(space.socket.clone()), space.token_type)))
        }
        Kind::IntelTrustAuthority => Ok(Box::new(trust_authority(settings).map_err(device_error(kind))?)),
        Kind::AzureMaa => azure_attestation(settings).map_err(device_error(kind)),
        Kind::AwsNitro | Kind::AmdSevSnp | Kind::IntelTdx | Kind::AzureSnpVtpm | Kind::AzureTdxVtpm => own()
            .filter(|own| own.kind() == kind)
            .ok_or_else(|| unavailable(kind, "this machine has no device for it that this build supports")),
        Kind::NvidiaSwitch => {
            Err(unavailable(kind, "the switches' library, NSCQ, has no bindings; it is not collected"))
        }
        _ => Err(unavailable(kind, "it is not collected by this build")),
    }
}

/// Intel Trust Authority, with this machine's quotes.
fn trust_authority(settings: &Settings) -> Result<TrustAuthority, String> {
    let asked = &settings.intel_trust_authority;
    let file = asked.api_key_file.as_ref().ok_or("intel_trust_authority.api_key_file is not set")?;
    let words = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let key = Zeroizing::new(fs::read_to_string(file).map_err(|error| words(file, error))?);
    let authority = certificate(asked.ca_file.as_deref())?;
    let url = ServiceUrl::parse(&asked.url, asked.insecure_http)
        .map_err(|error| format!("intel_trust_authority.url {error}"))?;
    let appraisal = Appraisal {
        algorithm: asked.token_signing_alg,
        policies: asked.policy_ids.clone(),
        must_match: asked.policy_must_match,
    };
    let quotes = own().ok_or("this machine makes no quotes")?;
    TrustAuthority::new(url, authority, key.trim_end(), appraisal, quotes)
}

/// A provider of Azure Attestation, with this machine's virtual TPM.
fn azure_attestation(settings: &Settings) -> Result<Box<dyn Collector>, String> {
    let asked = &settings.azure_attestation;
    let url = asked.url.as_ref().ok_or("azure_attestation.url is not set: each region has a provider of its own")?;
    let url = ServiceUrl::parse(url, asked.insecure_http).map_err(|error| format!("azure_attestation.url {error}"))?;
    let authority = certificate(asked.ca_file.as_deref())?;
    let vtpm = vtpm()?.ok_or("this machine is no Azure confidential VM: it has no virtual TPM of a paravisor")?;
    Ok(Box::new(AzureAttestation::new(url, authority, vtpm)))
}

/// The authority's certificate in a file.
fn certificate(file: Option<&Path>) -> Result<Option<Vec<u8>>, String> {
    file.map(|path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()))).transpose()
}

fn nitro() -> Option<Box<dyn Collector>> {
    if nsm::is_present() { Some(Box::new(Nitro)) } else { None }
}

fn tsm() -> Option<Box<dyn Collector>> {
    // A folder without a TEE behind it makes no entries.
    Some(Box::new(Tsm::detect(ConfigFs::at(Path::new(TSM_FOLDER))).ok()??))
}

fn guest_device() -> Option<Box<dyn Collector>> {
    if sev_guest::is_present() {
        return Some(Box::new(SevGuest));
    }
    tdx_guest::device()?;
    Some(Box::new(TdxGuest))
}

/// The paravisor keeps the TEE's own devices from an Azure guest, and shows it a TPM.
fn azure() -> Option<Box<dyn Collector>> {
    Some(Box::new(vtpm().ok()??))
}

/// The virtual TPM of an Azure confidential VM, if this is one.
fn vtpm() -> Result<Option<AzureVtpm<fs::File>>, String> {
    let tpm = tpm::open().map_err(|error| error.to_string())?;
    tpm.map_or(Ok(None), |tpm| AzureVtpm::detect(tpm, Imds::default()))
}

fn device_error<E: fmt::Display>(kind: Kind) -> impl FnOnce(E) -> CollectError {
    move |error| CollectError::Device { kind, reason: error.to_string() }
}

fn unavailable(kind: Kind, reason: &str) -> CollectError {
    CollectError::Device { kind, reason: reason.to_owned() }
}

/// Asks a service, which must answer with 200; gives the body. `what` says in errors whom.
fn ask(client: Client, limits: Limits, what: &str, request: Builder, body: Vec<u8>) -> Result<Vec<u8>, String> {
    let limit = limits.connect + limits.exchange;
    let response = blocking(limit, async move { client.send(request, body.into()).await.map_err(io::Error::other) })
        .map_err(|error| format!("{what}: {error}"))?;
    if response.status == 200 { Ok(response.body) } else { Err(format!("{what}: status {}", response.status)) }
}

/// A token in compact serialisation (RFC 7515, section 3.1), if the bytes look like one: three parts in base64url. What is in
/// it is the verifier's to read.
fn compact_token(what: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut parts = bytes.split(|byte| *byte == b'.');
    let is_part = |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.iter().all(is_base64url));
    let is_token = is_part(parts.next()) && is_part(parts.next()) && is_part(parts.next()) && parts.next().is_none();
    if is_token { Ok(bytes.to_vec()) } else { Err(format!("{what} gave no token")) }
}

/// Runs a future to its end, or for so long. On a thread of its own: the caller's may be running one already.
fn blocking<T: Send>(within: Duration, future: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let ran = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                tokio::time::timeout(within, future).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            })
        });
        ran.join().unwrap_or_else(|_| Err(io::Error::other("its thread died")))
    })
}
