//! A machine with eight GPUs and four switches in Protected PCIe mode, each of which names the others.

use super::{
    device::{Chip, Device},
    envelope::List,
    opaque::entry,
    report::Report,
};

/// The devices with their reports for one nonce.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The GPUs.
    pub gpus: Vec<(Device, Report)>,
    /// The switches.
    pub switches: Vec<(Device, Report)>,
}

impl Machine {
    /// Machine `number`, whose devices have answered `gpu_nonce` and `switch_nonce`.
    #[must_use]
    pub fn new(seed: &str, number: u8, gpu_nonce: [u8; 32], switch_nonce: [u8; 32]) -> Self {
        let devices = |chip, count: u8| (0..count).map(move |place| Device::new(seed, chip, number * 16 + place));
        let gpus: Vec<_> = devices(Chip::Hopper, 8).collect();
        let switches: Vec<_> = devices(Chip::Switch, 4).collect();
        let pdis = |devices: &[Device]| devices.iter().map(|device| device.pdi).collect::<Vec<_>>();
        let (gpu_pdis, switch_pdis) = (pdis(&gpus), pdis(&switches));
        let gpu = |device: Device| {
            let mut report = device.report(gpu_nonce);
            report.opaque.set(entry::PROTECTED_PCIE_STATUS, &[0xAA]);
            report.opaque.set(entry::FEATURE_FLAG, &[2, 0]);
            report.opaque.set_switches(&switch_pdis);
            (device, report)
        };
        let switch = |device: Device| {
            let mut report = device.report(switch_nonce);
            report.opaque.set_gpus(&gpu_pdis);
            (device, report)
        };
        Self { gpus: gpus.into_iter().map(gpu).collect(), switches: switches.into_iter().map(switch).collect() }
    }

    /// The GPUs' reports as NVIDIA's tools hand them on.
    #[must_use]
    pub fn gpu_list(&self) -> List {
        List::of(self.gpus.iter().map(|(device, report)| (device, report)))
    }

    /// The switches' reports as NVIDIA's tools hand them on.
    #[must_use]
    pub fn switch_list(&self) -> List {
        List::of(self.switches.iter().map(|(device, report)| (device, report)))
    }
}
