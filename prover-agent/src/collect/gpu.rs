//! NVIDIA GPUs in confidential mode: the driver's library has each of them sign the nonce.
//!
//! Out comes the JSON that NVIDIA's tools write and the verifier's `nvidia-gpu` reads: an array with one object a GPU. NVSwitches
//! are not collected: their library (NSCQ) has no bindings, so a machine in Protected PCIe mode sends its GPUs alone.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_devices::nvml::{Evidence, Nvml, NvmlError, State};
use prooftrail_protocol::{GpuCcMode, KindValue};
use prooftrail_result::Kind;
use serde::Serialize;

use super::{CollectError, Collector, device_error};

/// The GPUs of a machine.
#[derive(Clone, Debug)]
pub struct Gpus {
    library: PathBuf,
    cc_mode: GpuCcMode,
}

/// A GPU's evidence, as JSON.
#[derive(Serialize)]
struct Device {
    arch: &'static str,
    nonce: String,
    evidence: String,
    certificate: String,
}

impl Gpus {
    /// The collector for the GPUs that the driver's library shows; `None` without a driver or a GPU.
    ///
    /// # Errors
    /// In words: a library that does not work; GPUs outside confidential mode, which sign nothing.
    pub fn detect(library: &Path) -> Result<Option<Self>, String> {
        let Some(nvml) = Nvml::open(library).map_err(|error| error.to_string())? else { return Ok(None) };
        if nvml.count().map_err(|error| error.to_string())? == 0 {
            return Ok(None);
        }
        let state = nvml.state().map_err(|error| error.to_string())?;
        if !state.is_on && state.is_protected_pcie != Some(true) {
            return Err("the GPUs are not in confidential mode; they have nothing to sign with".to_owned());
        }
        Ok(Some(Self { library: library.to_owned(), cc_mode: mode(state) }))
    }

    /// What the driver says of the GPUs' mode: this program's word for it stands in its statement.
    #[must_use]
    pub const fn cc_mode(&self) -> GpuCcMode {
        self.cc_mode
    }

    fn evidence(&self, nonce: &[u8; 32]) -> Result<Vec<u8>, String> {
        let words = |error: NvmlError| error.to_string();
        let nvml = Nvml::open(&self.library).map_err(words)?.ok_or("the driver has gone")?;
        // What is stated is what is so when the GPUs sign.
        if mode(nvml.state().map_err(words)?) != self.cc_mode {
            return Err("the GPUs' mode has changed".to_owned());
        }
        let devices: Vec<_> = (0..nvml.count().map_err(words)?)
            .map(|index| {
                let Evidence { architecture, report, certificates } = nvml.evidence(index, nonce)?;
                Ok(Device {
                    arch: architecture.as_str(),
                    nonce: hex::encode(nonce),
                    evidence: STANDARD.encode(report),
                    certificate: STANDARD.encode(certificates),
                })
            })
            .collect::<Result<_, _>>()
            .map_err(words)?;
        serde_json::to_vec(&devices).map_err(|error| error.to_string())
    }
}

const fn mode(state: State) -> GpuCcMode {
    match state {
        State { is_on: true, is_devtools: true, .. } => GpuCcMode::DevTools,
        State { is_on: true, .. } => GpuCcMode::On,
        State { is_on: false, .. } => GpuCcMode::Off,
    }
}

impl Collector for Gpus {
    fn kind(&self) -> Kind {
        Kind::NvidiaGpu
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::DeviceNonce(nonce) = value else { return Err(CollectError::Value(self.kind())) };
        self.evidence(nonce).map_err(device_error(self.kind()))
    }

    fn gpu_cc_mode(&self) -> Option<GpuCcMode> {
        Some(self.cc_mode)
    }
}
