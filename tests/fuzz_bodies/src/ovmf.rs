//! Firmware images of SEV-SNP guests.

use prooftrail::pin::snp::{BootHashes, CpuModel, Firmware, Hypervisor, Launch, measure};

/// Firmware that is read is measured, with a kernel and without, so that wherever it points, pages are found.
pub(crate) fn ovmf(bytes: &[u8]) {
    let Ok(firmware) = Firmware::read(bytes.to_vec()) else { return };
    let boot = BootHashes::of(&b""[..], None::<&[u8]>, "").ok();
    for hypervisor in Hypervisor::ALL {
        for boot in [None, boot.as_ref()] {
            let _ = measure(&firmware, Launch { hypervisor, cpu: CpuModel::Genoa, features: 1, boot }, &[1, 2]);
        }
    }
}
