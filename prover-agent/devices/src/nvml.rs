//! NVIDIA's management library (NVML), which the driver brings: the attestation reports of GPUs, and the state of their
//! confidential mode.
//!
//! The library is opened while the program runs; without a driver there is none. A function that an older driver lacks is
//! looked for before it is called, and a length that the library gives is measured against the array that it is of: both are
//! errors here, where the safe wrapper of the same bindings panics.

#![expect(unsafe_code, reason = "what is in a library that was loaded is unsafe to call; each call has its SAFETY")]

use std::{ffi::CStr, fmt, path::Path, ptr};

use nvml_wrapper_sys::bindings::{
    NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE, NVML_CC_SYSTEM_DEVTOOLS_MODE_ON, NVML_CC_SYSTEM_FEATURE_ENABLED,
    NVML_CC_SYSTEM_MULTIGPU_PROTECTED_PCIE, NVML_DEVICE_ARCH_BLACKWELL, NVML_DEVICE_ARCH_HOPPER, NvmlLib,
    nvmlConfComputeGpuAttestationReport_t, nvmlConfComputeGpuCertificate_t, nvmlConfComputeSystemState_t, nvmlDevice_t,
    nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED as DRIVER_NOT_LOADED,
    nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED as NOT_SUPPORTED, nvmlReturn_enum_NVML_SUCCESS as SUCCESS, nvmlReturn_t,
    nvmlSystemConfComputeSettings_t,
};
use thiserror::Error;

/// The library's name, as the dynamic loader looks for it.
pub const LIBRARY: &str = "libnvidia-ml.so.1";

/// More GPUs than any machine has.
const MAX_DEVICES: u32 = 64;

/// Why the library gave nothing.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum NvmlError {
    /// It is there and cannot be loaded.
    #[error("NVIDIA's management library cannot be loaded: {0}")]
    Library(String),
    /// The driver is too old to have the function.
    #[error("the driver has no {0}: it is too old for confidential computing")]
    Missing(&'static str),
    /// The library refused.
    #[error("{function}: {text} ({code})")]
    Refused {
        /// What was asked.
        function: &'static str,
        /// What the library says of it.
        text: String,
        /// NVML's number of it.
        code: u32,
    },
    /// The library gave a length that its own structure cannot hold.
    #[error("{function} gave {have} bytes where there is room for {room}")]
    Size {
        /// What was asked.
        function: &'static str,
        /// The length.
        have: u32,
        /// The array's.
        room: usize,
    },
    /// There are more devices than any machine has.
    #[error("the driver says that there are {0} GPUs")]
    Count(u32),
    /// The GPU is of a generation that does not attest, or that this build does not know.
    #[error("a GPU of NVML's architecture {0} does not attest, as far as this build knows")]
    Architecture(u32),
}

/// A generation of GPUs that attests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Architecture {
    /// H100, H200.
    Hopper,
    /// B100, B200.
    Blackwell,
}

impl Architecture {
    /// NVIDIA's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hopper => "HOPPER",
            Self::Blackwell => "BLACKWELL",
        }
    }
}

/// The confidential mode of the machine's GPUs, as the driver states it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct State {
    /// Confidential computing is on.
    pub is_on: bool,
    /// The development mode is on, in which the GPU can be debugged.
    pub is_devtools: bool,
    /// Several GPUs and their switches are protected on the bus instead; `None` where the driver does not say.
    pub is_protected_pcie: Option<bool>,
    /// The GPUs accept work; `None` where the driver does not say.
    pub is_ready: Option<bool>,
}

/// What a GPU says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// Its generation.
    pub architecture: Architecture,
    /// The SPDM request and its response.
    pub report: Vec<u8>,
    /// The certificates of the key that signed it, PEM.
    pub certificates: Vec<u8>,
}

/// The library, initialised; shut down when dropped.
pub struct Nvml {
    library: NvmlLib,
}

impl fmt::Debug for Nvml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nvml")
    }
}

/// A function of the library, or that the driver lacks it.
macro_rules! function {
    ($library:expr, $name:ident) => {
        $library.$name.as_ref().map_err(|_| NvmlError::Missing(stringify!($name)))
    };
}

impl Nvml {
    /// Loads the library; `None` where there is none, or no driver behind it.
    ///
    /// # Errors
    /// See [`NvmlError`].
    pub fn open(library: &Path) -> Result<Option<Self>, NvmlError> {
        // Of a path it is seen before whether there is anything; of a name only the loader knows, whose errors are texts.
        let is_path = library.components().count() > 1;
        if is_path && !library.exists() {
            return Ok(None);
        }
        // SAFETY: loading runs the library's initialisers. It is the driver's own, part of the image as this program is.
        let library = match unsafe { NvmlLib::new(library) } {
            Ok(library) => library,
            Err(error) if is_path => return Err(NvmlError::Library(error.to_string())),
            Err(_) => return Ok(None),
        };
        let initialise = function!(library, nvmlInit_v2)?;
        // SAFETY: the type is that of NVIDIA's header; the function takes nothing.
        let code = unsafe { initialise() };
        if code == DRIVER_NOT_LOADED {
            return Ok(None);
        }
        check(&library, "nvmlInit_v2", code)?;
        Ok(Some(Self { library }))
    }

    /// The confidential mode of the machine's GPUs.
    ///
    /// # Errors
    /// See [`NvmlError`].
    pub fn state(&self) -> Result<State, NvmlError> {
        let get = function!(self.library, nvmlSystemGetConfComputeState)?;
        let mut state = nvmlConfComputeSystemState_t { environment: 0, ccFeature: 0, devToolsMode: 0 };
        // SAFETY: the structure is the one of NVIDIA's header, is ours, and outlives the call.
        let code = unsafe { get(&raw mut state) };
        match code {
            NOT_SUPPORTED => {
                return Ok(State { is_on: false, is_devtools: false, is_protected_pcie: None, is_ready: None });
            }
            code => check(&self.library, "nvmlSystemGetConfComputeState", code)?,
        }
        Ok(State {
            is_on: state.ccFeature == NVML_CC_SYSTEM_FEATURE_ENABLED,
            is_devtools: state.devToolsMode == NVML_CC_SYSTEM_DEVTOOLS_MODE_ON,
            is_protected_pcie: self.is_protected_pcie(),
            is_ready: self.is_ready(),
        })
    }

    /// Older drivers do not say.
    fn is_protected_pcie(&self) -> Option<bool> {
        let get = self.library.nvmlSystemGetConfComputeSettings.as_ref().ok()?;
        let mut settings = nvmlSystemConfComputeSettings_t {
            version: SETTINGS_VERSION,
            environment: 0,
            ccFeature: 0,
            devToolsMode: 0,
            multiGpuMode: 0,
        };
        // SAFETY: the structure is the one of NVIDIA's header, says its own version and size, is ours, and outlives the call.
        let code = unsafe { get(&raw mut settings) };
        let is_told = code == SUCCESS;
        is_told.then_some(settings.multiGpuMode == NVML_CC_SYSTEM_MULTIGPU_PROTECTED_PCIE)
    }

    fn is_ready(&self) -> Option<bool> {
        let get = self.library.nvmlSystemGetConfComputeGpusReadyState.as_ref().ok()?;
        let mut accepting = 0;
        // SAFETY: the number is ours and outlives the call.
        let code = unsafe { get(&raw mut accepting) };
        let is_told = code == SUCCESS;
        is_told.then_some(accepting == NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE)
    }

    /// How many GPUs there are.
    ///
    /// # Errors
    /// See [`NvmlError`].
    pub fn count(&self) -> Result<u32, NvmlError> {
        let get = function!(self.library, nvmlDeviceGetCount_v2)?;
        let mut count = 0;
        // SAFETY: the number is ours and outlives the call.
        let code = unsafe { get(&raw mut count) };
        check(&self.library, "nvmlDeviceGetCount_v2", code)?;
        if count > MAX_DEVICES { Err(NvmlError::Count(count)) } else { Ok(count) }
    }

    /// The report of a GPU over a nonce, with its certificates.
    ///
    /// # Errors
    /// See [`NvmlError`]; a GPU of a generation that does not attest.
    pub fn evidence(&self, index: u32, nonce: &[u8; 32]) -> Result<Evidence, NvmlError> {
        let device = self.device(index)?;
        let architecture = self.architecture(device)?;
        Ok(Evidence { architecture, report: self.report(device, nonce)?, certificates: self.certificates(device)? })
    }

    /// A handle, which is good for as long as the library is loaded.
    fn device(&self, index: u32) -> Result<nvmlDevice_t, NvmlError> {
        let get = function!(self.library, nvmlDeviceGetHandleByIndex_v2)?;
        let mut device: nvmlDevice_t = ptr::null_mut();
        // SAFETY: the handle is ours and outlives the call.
        let code = unsafe { get(index, &raw mut device) };
        check(&self.library, "nvmlDeviceGetHandleByIndex_v2", code)?;
        Ok(device)
    }

    fn architecture(&self, device: nvmlDevice_t) -> Result<Architecture, NvmlError> {
        let get = function!(self.library, nvmlDeviceGetArchitecture)?;
        let mut number = 0;
        // SAFETY: the handle is one that the library gave; the number is ours and outlives the call.
        let code = unsafe { get(device, &raw mut number) };
        check(&self.library, "nvmlDeviceGetArchitecture", code)?;
        match number {
            NVML_DEVICE_ARCH_HOPPER => Ok(Architecture::Hopper),
            NVML_DEVICE_ARCH_BLACKWELL => Ok(Architecture::Blackwell),
            other => Err(NvmlError::Architecture(other)),
        }
    }

    fn report(&self, device: nvmlDevice_t, nonce: &[u8; 32]) -> Result<Vec<u8>, NvmlError> {
        const FUNCTION: &str = "nvmlDeviceGetConfComputeGpuAttestationReport";
        let get = function!(self.library, nvmlDeviceGetConfComputeGpuAttestationReport)?;
        let mut report = nvmlConfComputeGpuAttestationReport_t {
            isCecAttestationReportPresent: 0,
            attestationReportSize: 0,
            cecAttestationReportSize: 0,
            nonce: *nonce,
            attestationReport: [0; 8192],
            cecAttestationReport: [0; 4096],
        };
        // SAFETY: the handle is one that the library gave; the structure is the one of NVIDIA's header, is ours, and outlives
        // the call.
        let code = unsafe { get(device, &raw mut report) };
        check(&self.library, FUNCTION, code)?;
        measured(FUNCTION, &report.attestationReport, report.attestationReportSize)
    }

    fn certificates(&self, device: nvmlDevice_t) -> Result<Vec<u8>, NvmlError> {
        const FUNCTION: &str = "nvmlDeviceGetConfComputeGpuCertificate";
        let get = function!(self.library, nvmlDeviceGetConfComputeGpuCertificate)?;
        let mut certificate = nvmlConfComputeGpuCertificate_t {
            certChainSize: 0,
            attestationCertChainSize: 0,
            certChain: [0; 4096],
            attestationCertChain: [0; 5120],
        };
        // SAFETY: as for the report.
        let code = unsafe { get(device, &raw mut certificate) };
        check(&self.library, FUNCTION, code)?;
        measured(FUNCTION, &certificate.attestationCertChain, certificate.attestationCertChainSize)
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        if let Ok(shut_down) = &self.library.nvmlShutdown {
            // SAFETY: the type is that of NVIDIA's header; the library was initialised, and no handle outlives this.
            unsafe { shut_down() };
        }
    }
}

/// The version of the settings: its number and the structure's size (NVML_STRUCT_VERSION of NVIDIA's header).
const SETTINGS_VERSION: u32 = (1 << 24) | 20;
const _: () = assert!(size_of::<nvmlSystemConfComputeSettings_t>() == 20);

/// So many bytes of an array, if it has so many.
fn measured(function: &'static str, array: &[u8], have: u32) -> Result<Vec<u8>, NvmlError> {
    let room = array.len();
    let bytes = usize::try_from(have).ok().filter(|have| *have > 0).and_then(|have| array.get(..have));
    bytes.map(<[u8]>::to_vec).ok_or(NvmlError::Size { function, have, room })
}

/// That a call went well, or the library's own words.
fn check(library: &NvmlLib, function: &'static str, code: nvmlReturn_t) -> Result<(), NvmlError> {
    if code == SUCCESS {
        return Ok(());
    }
    let text = library.nvmlErrorString.as_ref().ok().and_then(|describe| {
        // SAFETY: the function gives a pointer to a constant text for every number, its own and others.
        let text = unsafe { describe(code) };
        // SAFETY: that text ends with a NUL and is never freed; a null pointer is no text.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    });
    Err(NvmlError::Refused { function, text: text.unwrap_or_else(|| "refused".to_owned()), code })
}
