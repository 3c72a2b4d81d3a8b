//! Simulated machines whose evidence has several pieces, or is a cloud's word: a trust domain with a GPU, Azure's machine beside
//! a token of its provider, a workload in Google's Confidential Space.

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_protocol::{GpuCcMode, KindValue};
use prooftrail_prover_agent::collect::{CollectError, Collector, Collectors};
use prooftrail_result::Kind;
use prooftrail_simulator::{
    azure::Machine,
    google::Verifier,
    maa::Provider,
    nvidia::{Chip, Device, List, Report},
    nvidia_rim::{Authority, Record, RimSpec},
};

use crate::enclave::{self, TrustDomain, now_ms};

/// A trust domain with a GPU.
pub(crate) const TDX_GPU: &str = "tdx-gpu";

/// The same, with the GPU in the mode for developers.
pub(crate) const TDX_GPU_DEVTOOLS: &str = "tdx-gpu-devtools";

/// A workload in Google's Confidential Space.
pub(crate) const GOOGLE: &str = "google";

/// The same on an image for debugging.
pub(crate) const GOOGLE_DEBUG: &str = "google-debug";

/// A confidential virtual machine of Azure's, with its provider's token.
pub(crate) const AZURE: &str = "azure";

/// The same, with the token of another machine.
pub(crate) const AZURE_LAUNDERED: &str = "azure-laundered";

/// The devices of one of these machines.
pub(crate) fn collectors(kind: &str) -> Option<Collectors> {
    let trust_domain = TrustDomain::default;
    let of =
        |primary: Box<dyn Collector>, others: Vec<Box<dyn Collector>>| Collectors { primary: Some(primary), others };
    Some(match kind {
        TDX_GPU => of(Box::new(trust_domain()), vec![Box::new(Gpu { mode: GpuCcMode::On })]),
        TDX_GPU_DEVTOOLS => of(Box::new(trust_domain()), vec![Box::new(Gpu { mode: GpuCcMode::DevTools })]),
        GOOGLE | GOOGLE_DEBUG => of(Box::new(Launcher { debug: kind == GOOGLE_DEBUG }), Vec::new()),
        AZURE | AZURE_LAUNDERED => {
            let about = if kind == AZURE { "demo" } else { "another" };
            of(Box::new(VirtualMachine), vec![Box::new(TokenAbout { about })])
        }
        _ => return None,
    })
}

/// The GPU of the demo.
pub(crate) fn gpu() -> Device {
    Device::new("demo", Chip::Hopper, 1)
}

/// Whoever signs reference values for it.
pub(crate) fn reference_values() -> anyhow::Result<Authority> {
    Ok(Authority::new("demo", enclave::period()?))
}

/// The reference values that the GPU meets: of its driver and of its VBIOS.
pub(crate) fn rims() -> anyhow::Result<[RimSpec; 2]> {
    let (authority, report) = (reference_values()?, gpu().report([0; 32]));
    let chip = Chip::Hopper.name();
    Ok([
        golden(authority.driver(chip, "580.159.03"), &report, 0..21),
        golden(authority.vbios(chip, "96.00.74.00.20"), &report, 40..52),
    ])
}

fn golden(rim: RimSpec, report: &Report, indices: std::ops::Range<u32>) -> RimSpec {
    let values = (0..).zip(&report.blocks).filter(|(index, _)| indices.contains(index));
    values.fold(rim, |rim, (index, block)| match block.value.as_slice().try_into() {
        Ok(value) => rim.with(Record::golden(index, vec![value])),
        Err(_) => rim,
    })
}

/// Google's verifier.
pub(crate) fn google() -> anyhow::Result<Verifier> {
    Ok(Verifier::new("demo", enclave::period()?))
}

/// The digest of the approved container.
pub(crate) fn approved_container() -> anyhow::Result<String> {
    let token = google()?.pki_token();
    let digest = token.payload.get("submods/container/image_digest").map(ToString::to_string);
    Ok(digest.unwrap_or_default().trim_matches('"').to_owned())
}

/// The machine of the demo on Azure, or another one.
pub(crate) fn azure(seed: &str) -> anyhow::Result<Machine> {
    Ok(Machine::snp(seed, enclave::period()?))
}

/// Azure's provider.
pub(crate) fn provider() -> anyhow::Result<Provider> {
    Ok(Provider::new("demo", enclave::period()?))
}

/// A GPU, and what its driver says of its mode.
struct Gpu {
    mode: GpuCcMode,
}

impl Collector for Gpu {
    fn kind(&self) -> Kind {
        Kind::NvidiaGpu
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::DeviceNonce(nonce) = value else { return Err(CollectError::Value(self.kind())) };
        let device = gpu();
        Ok(List::of([(&device, &device.report(*nonce))]).build())
    }

    fn gpu_cc_mode(&self) -> Option<GpuCcMode> {
        Some(self.mode)
    }
}

/// Google's launcher, which hands the workload its token.
struct Launcher {
    debug: bool,
}

impl Collector for Launcher {
    fn kind(&self) -> Kind {
        Kind::GcpConfidentialSpace
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::TokenNonce { audience, nonce } = value else { return Err(CollectError::Value(self.kind())) };
        let mut token = google().map_err(device_error(self.kind()))?.pki_token();
        let (from, until) = lifetime(3600);
        let payload = &mut token.payload;
        payload.set("aud", audience.as_str()).set("eat_nonce", nonce.as_str());
        payload.set("iat", from).set("nbf", from).set("exp", until);
        if self.debug {
            payload.set("dbgstat", "enabled").remove("submods/confidential_space/support_attributes");
        }
        Ok(token.build().into_bytes())
    }
}

/// The machine of the demo on Azure.
struct VirtualMachine;

impl Collector for VirtualMachine {
    fn kind(&self) -> Kind {
        Kind::AzureSnpVtpm
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::QualifyingData(data) = value else { return Err(CollectError::Value(self.kind())) };
        let mut machine = azure("demo").map_err(device_error(self.kind()))?;
        machine.quote.extra_data = data.to_vec();
        Ok(machine.evidence())
    }
}

/// The provider's token about a machine.
struct TokenAbout {
    about: &'static str,
}

impl Collector for TokenAbout {
    fn kind(&self) -> Kind {
        Kind::AzureMaa
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::TokenNonce { nonce, .. } = value else { return Err(CollectError::Value(self.kind())) };
        let machine = azure(self.about).map_err(device_error(self.kind()))?;
        let mut token = provider().map_err(device_error(self.kind()))?.guest_token(&machine);
        let (from, until) = lifetime(8 * 3600);
        token.payload.set("iat", from).set("nbf", from).set("exp", until);
        // What the guest asked with, which the provider repeats.
        token.payload.set("x-ms-runtime/client-payload/nonce", STANDARD.encode(nonce));
        Ok(token.build().into_bytes())
    }
}

/// From now on, for so many seconds.
fn lifetime(seconds: i64) -> (i64, i64) {
    let now = i64::try_from(now_ms() / 1000).unwrap_or(i64::MAX);
    (now, now.saturating_add(seconds))
}

fn device_error(kind: Kind) -> impl FnOnce(anyhow::Error) -> CollectError {
    move |error| CollectError::Device { kind, reason: error.to_string() }
}
