//! The collector of NVIDIA GPUs on a stand-in for the driver's library, compiled from C with the structures of NVIDIA's header:
//! the real binary interface, loaded as the real library is.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use prooftrail_protocol::{GpuCcMode, KindValue};
use prooftrail_prover_agent::collect::{Collector, Gpus};
use prooftrail_result::Kind;
use serde_json::Value;

/// A compiled stand-in, in a folder of its own.
pub(crate) struct Library {
    folder: PathBuf,
}

impl Library {
    /// With these definitions. `None` where there is no C compiler.
    pub(crate) fn compile(definitions: &[&str]) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("prooftrail-nvml-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let library = Self { folder };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/nvml.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"])
            .arg(library.path())
            .args(definitions.iter().map(|definition| format!("-D{definition}")))
            .arg(source)
            .output()
            .ok()?;
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        Some(library)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("libnvidia-ml.so.1")
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a stand-in with these definitions gives for a nonce.
fn collected(definitions: &[&str], nonce: [u8; 32]) -> Option<Result<Vec<u8>, String>> {
    let library = Library::compile(definitions)?;
    let gpus = match Gpus::detect(&library.path()) {
        Ok(gpus) => gpus.unwrap(),
        Err(error) => return Some(Err(error)),
    };
    assert_eq!(gpus.kind(), Kind::NvidiaGpu);
    Some(gpus.collect(&KindValue::DeviceNonce(nonce)).map_err(|error| error.to_string()))
}

#[test]
fn every_gpu_signs_the_nonce_and_brings_its_certificates() {
    let nonce = [0x5A; 32];
    let Some(evidence) = collected(&[], nonce) else { return println!("skipped: no C compiler") };
    let evidence: Vec<Value> = serde_json::from_slice(&evidence.unwrap()).unwrap();
    assert_eq!(evidence.len(), 2);
    for (index, device) in evidence.iter().enumerate() {
        let members: Vec<_> = device.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["arch", "certificate", "evidence", "nonce"]);
        assert_eq!((&device["arch"], &device["nonce"]), (&"HOPPER".into(), &hex::encode(nonce).into()));
        let bytes = |name: &str| super::tokens::base64(device[name].as_str().unwrap());
        let report = bytes("evidence");
        assert_eq!(report.len(), 69, "as many bytes as the library says");
        assert_eq!(report[..36], [[0x11, 0xE0, 0x01, 0xFF].as_slice(), &nonce].concat());
        assert_eq!(usize::from(report[38]), index, "each device its own");
        let certificates = bytes("certificate");
        assert_eq!(certificates.len(), 40);
        assert!(certificates.starts_with(b"-----BEGIN CERTIFICATE-----\n"));
    }
    let blackwell = collected(&["ARCHITECTURE=10", "COUNT=1"], nonce).unwrap().unwrap();
    let blackwell: Value = serde_json::from_slice(&blackwell).unwrap();
    assert_eq!(blackwell[0]["arch"], "BLACKWELL");
}

#[test]
fn a_machine_without_driver_or_gpu_has_no_collector() {
    assert!(Gpus::detect(Path::new("/nonexistent/libnvidia-ml.so.1")).unwrap().is_none());
    let Some(none) = Library::compile(&["COUNT=0"]) else { return println!("skipped: no C compiler") };
    assert!(Gpus::detect(&none.path()).unwrap().is_none());
    let unloaded = Library::compile(&["INIT=9"]).unwrap();
    assert!(Gpus::detect(&unloaded.path()).unwrap().is_none(), "the driver is not loaded");
    let broken = Library::compile(&["INIT=999"]).unwrap();
    assert!(Gpus::detect(&broken.path()).unwrap_err().contains("nvmlInit_v2"));
    fs::write(none.path(), b"no library").unwrap();
    assert!(Gpus::detect(&none.path()).unwrap_err().contains("cannot be loaded"));
}

#[test]
fn modes_are_told_and_gpus_outside_confidential_mode_are_refused() {
    let mode = |definitions: &[&str]| {
        let library = Library::compile(definitions)?;
        Some(Gpus::detect(&library.path()).map(|gpus| gpus.unwrap().cc_mode()))
    };
    let Some(on) = mode(&[]) else { return println!("skipped: no C compiler") };
    assert_eq!(on, Ok(GpuCcMode::On));
    assert_eq!(mode(&["DEVTOOLS=1"]).unwrap(), Ok(GpuCcMode::DevTools));
    assert_eq!(mode(&["FEATURE=0", "MULTI_GPU=1"]).unwrap(), Ok(GpuCcMode::Off), "Protected PCIe is another mode");
    for off in [&["FEATURE=0"][..], &["FEATURE=0", "DEVTOOLS=1"], &["OLD"]] {
        assert!(mode(off).unwrap().unwrap_err().contains("not in confidential mode"), "{off:?}");
    }
}

/// Where the safe wrapper of the same bindings panics.
#[test]
fn lengths_that_the_library_cannot_mean_are_errors() {
    let nonce = [1; 32];
    for (definitions, said) in [
        (&["REPORT_SIZE=8193"][..], "8193 bytes where there is room for 8192"),
        (&["REPORT_SIZE=4294967295u"], "4294967295 bytes"),
        (&["REPORT_SIZE=0"], "0 bytes"),
        (&["CHAIN_SIZE=5121"], "5121 bytes where there is room for 5120"),
        (&["CHAIN_SIZE=0"], "0 bytes"),
        (&["COUNT=65"], "65 GPUs"),
        (&["ARCHITECTURE=8"], "architecture 8"),
        (&["NO_CERTIFICATE"], "too old"),
    ] {
        let Some(collected) = collected(definitions, nonce) else { return println!("skipped: no C compiler") };
        let error = collected.unwrap_err();
        assert!(error.contains(said), "{definitions:?}: {error}");
    }
    assert_eq!(
        collected(&["REPORT_SIZE=8192", "CHAIN_SIZE=5120"], nonce).unwrap().map(|json| json.is_empty()),
        Ok(false)
    );
    let other = Library::compile(&[]).unwrap();
    let gpus = Gpus::detect(&other.path()).unwrap().unwrap();
    assert!(gpus.collect(&KindValue::ReportData([0; 64])).is_err(), "another kind's value");
    drop(other);
    let gone = gpus.collect(&KindValue::DeviceNonce(nonce)).unwrap_err().to_string();
    assert!(gone.contains("gone"), "{gone}");
}
