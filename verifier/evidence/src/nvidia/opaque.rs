//! What a device says in its report beside measurements: versions, modes, and the devices that it sees.
//!
//! In: the response's opaque data, and whether a GPU or a switch made them. Out: [`Opaque`]. Drivers before CUDA 13.5 write a
//! plain list of type, size and data; later ones a list with a header and a type for the value. A type that is not known here
//! is passed over: it is signed, and says nothing to us. A known one with another size, or one that stands twice, is refused.
//! NVIDIA "Opaque data format"; types by the table of NVIDIA's attestation SDK.

use prooftrail_result::{Reason, ReasonCode};

use super::Device;
use crate::bytes::Bytes;

/// How the versioned format begins, and how long its header is.
const MAGIC: &[u8; 6] = b"NVDAOD";
const HEADER_BYTES: usize = 12;
/// The greatest version that is read here.
const MAX_VERSION: u16 = 2;
/// Value type of security versions.
const MIN_SVN: u16 = 0x87;
/// No list is longer.
const MAX_ENTRIES: usize = 128;

/// What an enabled and a disabled state are written as.
const ENABLED: u8 = 0xAA;
const DISABLED: u8 = 0x55;

/// Types of entries.
mod entry {
    pub(super) const DRIVER_VERSION: u16 = 3;
    pub(super) const VBIOS_VERSION: u16 = 6;
    pub(super) const NVDEC0_STATUS: u16 = 11;
    pub(super) const CHIP_SKU: u16 = 15;
    pub(super) const PROJECT: u16 = 17;
    pub(super) const PROJECT_SKU: u16 = 18;
    pub(super) const FWID: u16 = 20;
    pub(super) const PROTECTED_PCIE_STATUS: u16 = 21;
    pub(super) const SWITCH_PDI: u16 = 22;
    pub(super) const GPU_PDIS: u16 = 26;
    pub(super) const OPAQUE_DATA_VERSION: u16 = 34;
    pub(super) const CHIP_INFO: u16 = 35;
    pub(super) const FEATURE_FLAG: u16 = 36;
}

/// A per-device identifier, as it stands in the device's certificate.
pub(super) type Pdi = [u8; 8];

/// What is known here of the opaque data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Opaque {
    /// The version of the format: of the header, or of the entry that the plain list has for it.
    pub(super) version: Option<u16>,
    /// Security versions by their type.
    pub(super) min_svns: Vec<(u16, u16)>,
    /// A GPU's driver.
    pub(super) driver_version: Option<String>,
    /// A GPU's VBIOS or a switch's BIOS, in capital letters and with dots.
    pub(super) bios_version: Option<String>,
    /// These three name the reference values of a board's VBIOS.
    pub(super) project: Option<String>,
    pub(super) project_sku: Option<String>,
    pub(super) chip_sku: Option<String>,
    /// The family of chips by which Blackwell's driver RIMs are named, where it is not the chip's own name.
    pub(super) chip_info: Option<String>,
    /// Digest of the firmware, as the device's DICE layer certifies it.
    pub(super) fwid: Option<[u8; 48]>,
    pub(super) protected_pcie: Option<bool>,
    pub(super) nvdec0_enabled: Option<bool>,
    pub(super) feature: Option<Feature>,
    /// The switches that a GPU is linked with, sorted.
    pub(super) switch_pdis: Option<Vec<Pdi>>,
    /// A switch's own identifier.
    pub(super) own_pdi: Option<Pdi>,
    /// The GPUs that a switch is linked with, sorted.
    pub(super) gpu_pdis: Option<Vec<Pdi>>,
}

/// How GPUs are passed through to a guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Feature {
    SinglePassthrough,
    MultiplePassthrough,
    ProtectedPcie,
}

impl Feature {
    /// As claims spell it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SinglePassthrough => "spt",
            Self::MultiplePassthrough => "mpt",
            Self::ProtectedPcie => "ppcie",
        }
    }
}

impl Opaque {
    /// Reads opaque data.
    pub(super) fn parse(bytes: &[u8], device: Device) -> Result<Self, Reason> {
        let mut opaque = Self::default();
        let mut rest = Bytes::new(bytes);
        let is_versioned = bytes.starts_with(MAGIC) && bytes.len() >= HEADER_BYTES;
        if is_versioned {
            opaque.version = Some(read_header(&mut rest)?);
        }
        let mut seen: Vec<u16> = Vec::with_capacity(24);
        while !rest.rest().is_empty() {
            let read = (rest.u16(), if is_versioned { rest.u16() } else { Some(0) }, rest.with_u16_length());
            let (Some(id), Some(value_type), Some(data)) = read else {
                return Err(malformed("an entry ends after the data do"));
            };
            if seen.contains(&id) || seen.len() == MAX_ENTRIES {
                return Err(malformed("a type stands twice, or there are too many").have(id));
            }
            seen.push(id);
            if is_versioned && value_type == MIN_SVN {
                let svn = data.try_into().map(u16::from_le_bytes);
                opaque
                    .min_svns
                    .push((id, svn.map_err(|_| malformed("a security version is not of 2 bytes").have(id))?));
            }
            // The header has said the version.
            if !(is_versioned && id == entry::OPAQUE_DATA_VERSION) {
                opaque.read_entry(id, data, device).ok_or_else(|| {
                    malformed("an entry is not of the form that its type has")
                        .have(format_args!("type {id}: {}", hex::encode(data)))
                })?;
            }
        }
        match opaque.version {
            Some(version) if version > MAX_VERSION => Err(Reason::from(ReasonCode::NvidiaOpaqueVersion)
                .have(version)
                .need(format_args!("at most {MAX_VERSION}"))),
            _ => Ok(opaque),
        }
    }

    /// Keeps what an entry says; nothing where its data are not of the form of its type.
    fn read_entry(&mut self, id: u16, data: &[u8], device: Device) -> Option<()> {
        match (device, id) {
            (_, entry::FWID) => self.fwid = Some(data.try_into().ok()?),
            (Device::Switch, entry::VBIOS_VERSION) => {
                self.bios_version = text(data)?.map(|text| text.to_ascii_uppercase());
            }
            (Device::Switch, entry::SWITCH_PDI) => self.own_pdi = Some(data.try_into().ok()?),
            (Device::Switch, entry::GPU_PDIS) => self.gpu_pdis = Some(gpu_pdis(data)?),
            (Device::Switch, _) => {}
            (Device::Gpu, entry::VBIOS_VERSION) => self.bios_version = Some(vbios_version(data.try_into().ok()?)),
            (Device::Gpu, entry::DRIVER_VERSION) => self.driver_version = text(data)?,
            (Device::Gpu, entry::CHIP_SKU) => self.chip_sku = text(data)?,
            (Device::Gpu, entry::CHIP_INFO) => self.chip_info = text(data)?,
            (Device::Gpu, entry::PROJECT) => self.project = text(data)?,
            (Device::Gpu, entry::PROJECT_SKU) => self.project_sku = text(data)?,
            (Device::Gpu, entry::NVDEC0_STATUS) => self.nvdec0_enabled = Some(state(data)?),
            (Device::Gpu, entry::PROTECTED_PCIE_STATUS) => self.protected_pcie = Some(state(data)?),
            (Device::Gpu, entry::SWITCH_PDI) => self.switch_pdis = Some(switch_pdis(data)?),
            (Device::Gpu, entry::OPAQUE_DATA_VERSION) => {
                self.version = Some(u16::from_le_bytes(data.try_into().ok()?));
            }
            (Device::Gpu, entry::FEATURE_FLAG) => {
                self.feature = match u16::from_le_bytes(data.try_into().ok()?) {
                    0 => Some(Feature::SinglePassthrough),
                    1 => Some(Feature::MultiplePassthrough),
                    2 => Some(Feature::ProtectedPcie),
                    // A mode of a later driver: there is no name for it here, and so no claim.
                    _ => None,
                };
            }
            (Device::Gpu, _) => {}
        }
        Some(())
    }
}

/// Magic, profile (0), version in three numbers, padding. Gives the first number.
fn read_header(rest: &mut Bytes<'_>) -> Result<u16, Reason> {
    let read = (rest.array::<6>(), rest.u16(), rest.array::<4>());
    let (Some(_), Some(profile), Some(&[major, _, _, padding])) = read else {
        return Err(malformed("the header ends too early"));
    };
    if (profile, padding) != (0, 0) {
        return Err(malformed("the header is of another profile than 0, or its padding is not zero").have(profile));
    }
    Ok(major.into())
}

/// ASCII with zeros behind it, if any; zeros alone say nothing.
fn text(data: &[u8]) -> Option<Option<String>> {
    let length = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, padding) = data.split_at_checked(length)?;
    let is_text = text.iter().all(u8::is_ascii_graphic) && padding.iter().all(|byte| *byte == 0);
    is_text.then(|| (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned()))
}

/// Eight bytes, the last of which is the last number: `00a50096 01000000` is 96.00.A5.00.01.
fn vbios_version(&[fourth, third, second, first, fifth, ..]: &[u8; 8]) -> String {
    format!("{first:02X}.{second:02X}.{third:02X}.{fourth:02X}.{fifth:02X}")
}

fn state(data: &[u8]) -> Option<bool> {
    match data {
        [ENABLED] => Some(true),
        [DISABLED] => Some(false),
        _ => None,
    }
}

/// A GPU names the switch at the end of each of its 18 links, most significant byte last.
fn switch_pdis(data: &[u8]) -> Option<Vec<Pdi>> {
    const LINKS: usize = 18;
    let (links, rest) = data.as_chunks::<8>();
    let reversed = |link: &Pdi| {
        let mut pdi = *link;
        pdi.reverse();
        pdi
    };
    (links.len() == LINKS && rest.is_empty()).then(|| set(links.iter().map(reversed)))
}

/// A switch names up to 8 GPUs, as their certificates do; what stands behind them belongs to its ports.
fn gpu_pdis(data: &[u8]) -> Option<Vec<Pdi>> {
    const GPUS: usize = 8;
    let (slots, _) = data.first_chunk::<128>().filter(|_| data.len() == 128)?.as_chunks::<8>();
    Some(set(slots.iter().take(GPUS).copied()))
}

/// Sorted, each once, without places where there is no device.
fn set(pdis: impl Iterator<Item = Pdi>) -> Vec<Pdi> {
    let mut set: Vec<Pdi> = pdis.filter(|pdi| ![[0; 8], [0xFF; 8]].contains(pdi)).collect();
    set.sort_unstable();
    set.dedup();
    set
}

fn malformed(why: &'static str) -> Reason {
    Reason::new(ReasonCode::NvidiaOpaqueData, format!("the opaque data are not of their form: {why}"))
}
