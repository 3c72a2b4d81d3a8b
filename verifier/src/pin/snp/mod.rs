//! Launch digests of SEV-SNP guests: what MEASUREMENT of a report will be for given firmware, kernel and virtual CPUs.
//!
//! In: an OVMF image, perhaps the hashes of what it boots directly, and the hypervisor's way of starting a guest. Out: 48
//! bytes for each number and type of virtual CPUs. The digest is a chain of SHA-384 over one record per page, in the order
//! in which the hypervisor gives pages to the firmware (AMD 56860, section 8.17, PAGE_INFO). Which pages those are, and
//! what virtual CPUs begin with, is the hypervisor's: the rules here are those of sev-snp-measure 0.0.13 (IBM, Apache
//! License 2.0), which agree with QEMU's, Amazon's and Google's.

mod firmware;
mod kernel;
mod policy_toml;
mod save_area;
#[cfg(test)]
mod tests;

use sha2::{Digest, Sha384};

pub use self::{
    firmware::{Firmware, FirmwareError, MAX_FIRMWARE_BYTES},
    kernel::{BootHashes, MAX_BOOT_FILE_BYTES},
    policy_toml::to_policy_toml,
    save_area::CpuModel,
};
use self::{
    firmware::{Section, SectionKind},
    save_area::SaveArea,
};

/// A page of guest memory.
const PAGE_BYTES: usize = 4096;
/// The address under which save areas are measured: all ones, page-aligned, within 52 bits.
const SAVE_AREA_ADDRESS: u64 = 0xFFFF_FFFF_F000;
/// No machine has more virtual CPUs.
pub const MAX_CPUS: u32 = 4096;

/// Who starts the guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hypervisor {
    /// QEMU with KVM.
    Qemu,
    /// Amazon EC2.
    Ec2,
    /// Google Compute Engine.
    Gce,
}

impl Hypervisor {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Qemu, Self::Ec2, Self::Gce];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Ec2 => "ec2",
            Self::Gce => "gce",
        }
    }

    /// Whether what virtual CPUs begin with, and so the digest, depends on their model.
    #[must_use]
    pub const fn tells_models_apart(self) -> bool {
        matches!(self, Self::Qemu)
    }
}

/// How a guest is started, but for the number of its virtual CPUs.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// Who starts it.
    pub hypervisor: Hypervisor,
    /// The model of its virtual CPUs, which QEMU alone lets them begin with.
    pub cpu: CpuModel,
    /// SEV_FEATURES of its virtual CPUs: 1 is SNP alone; newer kernels add 0x20, DebugSwap.
    pub features: u64,
    /// What the firmware boots directly.
    pub boot: Option<&'a BootHashes>,
}

/// A launch digest that cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The firmware has no place for the hashes of a kernel, so that it would boot any.
    #[error("the firmware has no place for a kernel's hashes, so that nothing measures the kernel")]
    KernelUnmeasured,
    /// The number of virtual CPUs is none that a machine has.
    #[error("a guest has from 1 to {MAX_CPUS} virtual CPUs, not {0}")]
    Cpus(u32),
    /// The firmware does not say where further virtual CPUs begin.
    #[error("the firmware has no reset block, so that a guest has one virtual CPU only")]
    NoResetBlock,
}

/// A launch digest, and which guest has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Measurement {
    /// MEASUREMENT of the guest's reports.
    pub digest: [u8; 48],
    /// How many virtual CPUs it has.
    pub cpus: u32,
    /// Their model, as the caller named it; `None` where it does not matter.
    pub model: Option<String>,
}

/// The launch digest for each number of virtual CPUs, in the order given.
///
/// # Errors
/// [`LaunchError`] where there is no such guest.
pub fn measure(firmware: &Firmware, launch: Launch<'_>, cpus: &[u32]) -> Result<Vec<[u8; 48]>, LaunchError> {
    let mut pages = Pages::default();
    pages.normal(firmware.address(), firmware.bytes());
    let sections = || firmware.sections().iter();
    for section in sections() {
        measure_section(&mut pages, section, firmware, launch)?;
    }
    if launch.hypervisor == Hypervisor::Ec2 {
        sections()
            .filter(|section| section.kind == SectionKind::Cpuid)
            .for_each(|section| pages.cpuid(section.address));
    }
    if launch.boot.is_some() && !sections().any(|section| section.kind == SectionKind::KernelHashes) {
        return Err(LaunchError::KernelUnmeasured);
    }
    let first = SaveArea::first(launch).page();
    let further = firmware.reset_address().map(|address| SaveArea::further(launch, address).page());
    let digest = |&count: &u32| {
        if !(1..=MAX_CPUS).contains(&count) {
            return Err(LaunchError::Cpus(count));
        }
        let mut pages = pages;
        pages.save_area(&first);
        for _ in 1..count {
            pages.save_area(further.as_ref().ok_or(LaunchError::NoResetBlock)?);
        }
        Ok(pages.digest)
    };
    cpus.iter().map(digest).collect()
}

fn measure_section(
    pages: &mut Pages,
    section: &Section,
    firmware: &Firmware,
    launch: Launch<'_>,
) -> Result<(), LaunchError> {
    let &Section { kind, address, pages: count } = section;
    match (kind, launch.boot) {
        (SectionKind::Memory, _) if launch.hypervisor == Hypervisor::Gce => {
            pages.without_contents(PageType::Unmeasured, address, count);
        }
        (SectionKind::Memory | SectionKind::CallingArea, _) | (SectionKind::KernelHashes, None) => {
            pages.without_contents(PageType::Zero, address, count);
        }
        (SectionKind::Secrets, _) => pages.without_contents(PageType::Secrets, address, 1),
        // Amazon gives it last.
        (SectionKind::Cpuid, _) if launch.hypervisor == Hypervisor::Ec2 => {}
        (SectionKind::Cpuid, _) => pages.cpuid(address),
        (SectionKind::KernelHashes, Some(boot)) => {
            let place = firmware.hashes_offset().ok_or(LaunchError::KernelUnmeasured)?;
            let page = boot.page(place).ok_or(LaunchError::KernelUnmeasured)?;
            pages.normal(address, &page);
        }
    }
    Ok(())
}

/// PAGE_TYPE (AMD 56860, table 67).
#[derive(Clone, Copy, Debug)]
enum PageType {
    Normal,
    SaveArea,
    Zero,
    Unmeasured,
    Secrets,
    Cpuid,
}

impl PageType {
    const fn code(self) -> u8 {
        match self {
            Self::Normal => 1,
            Self::SaveArea => 2,
            Self::Zero => 3,
            Self::Unmeasured => 4,
            Self::Secrets => 5,
            Self::Cpuid => 6,
        }
    }
}

/// The chain of digests.
#[derive(Clone, Copy, Debug)]
struct Pages {
    digest: [u8; 48],
}

impl Default for Pages {
    fn default() -> Self {
        Self { digest: [0; 48] }
    }
}

impl Pages {
    /// One record: the digest so far, the page's, the record's length, the page's type, no IMI, no rights at other
    /// privilege levels, and the address.
    fn add(&mut self, page_type: PageType, address: u64, contents: &[u8; 48]) {
        let record = Sha384::new()
            .chain_update(self.digest)
            .chain_update(contents)
            .chain_update(0x70_u16.to_le_bytes())
            .chain_update([page_type.code(), 0, 0, 0, 0, 0])
            .chain_update(address.to_le_bytes());
        self.digest = record.finalize().into();
    }

    /// Pages with contents; `bytes` are whole pages.
    fn normal(&mut self, address: u64, bytes: &[u8]) {
        for (address, page) in (address..).step_by(PAGE_BYTES).zip(bytes.chunks_exact(PAGE_BYTES)) {
            self.add(PageType::Normal, address, &Sha384::digest(page).into());
        }
    }

    fn without_contents(&mut self, page_type: PageType, address: u64, count: u32) {
        for (address, _) in (address..).step_by(PAGE_BYTES).zip(0..count) {
            self.add(page_type, address, &[0; 48]);
        }
    }

    fn cpuid(&mut self, address: u64) {
        self.without_contents(PageType::Cpuid, address, 1);
    }

    fn save_area(&mut self, page: &[u8; PAGE_BYTES]) {
        self.add(PageType::SaveArea, SAVE_AREA_ADDRESS, &Sha384::digest(page).into());
    }
}
