//! OVMF as SEV-SNP guests are started with it: where it lies, and what it wants measured.
//!
//! In: the bytes of the image, untrusted. Out: [`Firmware`]. At the end of the image stands a table of entries that are read
//! from behind, each ending in its length and GUID (edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm); one of them
//! points to the SEV metadata (OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm), which lists sections of guest memory.

/// More than any OVMF has: 16 MiB.
pub const MAX_FIRMWARE_BYTES: usize = 16 << 20;
/// No OVMF lists more sections, or one of more memory than 16 MiB.
const MAX_SECTIONS: u32 = 64;
const MAX_SECTION_BYTES: u32 = 16 << 20;
const PAGE_BYTES: u32 = 4096;
/// The image ends at 4 GiB.
const END: u64 = 1 << 32;
/// The reset vector stands behind the table.
const RESET_VECTOR_BYTES: usize = 32;
/// Length and GUID.
const ENTRY_TAIL_BYTES: usize = 18;
const METADATA_HEADER_BYTES: usize = 16;
const SECTION_BYTES: usize = 12;

/// 96b582de-1fb2-45f7-baea-a366c55a082d, as all GUIDs here with its first three numbers least significant byte first.
const TABLE_GUID: [u8; 16] =
    [0xDE, 0x82, 0xB5, 0x96, 0xB2, 0x1F, 0xF7, 0x45, 0xBA, 0xEA, 0xA3, 0x66, 0xC5, 0x5A, 0x08, 0x2D];
/// 7255371f-3a3b-4b04-927b-1da6efa8d454: where the hashes of kernel, initrd and command line belong.
const HASHES_GUID: [u8; 16] =
    [0x1F, 0x37, 0x55, 0x72, 0x3B, 0x3A, 0x04, 0x4B, 0x92, 0x7B, 0x1D, 0xA6, 0xEF, 0xA8, 0xD4, 0x54];
/// 00f771de-1a7e-4fcb-890e-68c77e2fb44e: where further virtual CPUs begin.
const RESET_BLOCK_GUID: [u8; 16] =
    [0xDE, 0x71, 0xF7, 0x00, 0x7E, 0x1A, 0xCB, 0x4F, 0x89, 0x0E, 0x68, 0xC7, 0x7E, 0x2F, 0xB4, 0x4E];
/// dc886566-984a-4798-a75e-5585a7bf67cc: how far before the image's end the SEV metadata stands.
const METADATA_GUID: [u8; 16] =
    [0x66, 0x65, 0x88, 0xDC, 0x4A, 0x98, 0x98, 0x47, 0xA7, 0x5E, 0x55, 0x85, 0xA7, 0xBF, 0x67, 0xCC];

/// An OVMF image.
#[derive(Clone, Debug)]
pub struct Firmware {
    bytes: Vec<u8>,
    hashes: Option<u32>,
    reset: Option<u32>,
    sections: Vec<Section>,
}

/// A section of guest memory that the hypervisor prepares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Section {
    pub(super) kind: SectionKind,
    pub(super) address: u64,
    pub(super) pages: u32,
}

/// What is in a section.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SectionKind {
    /// Memory that is validated before the guest starts.
    Memory,
    Secrets,
    Cpuid,
    /// The calling area of an SVSM.
    CallingArea,
    KernelHashes,
}

/// Why an image is no OVMF that an SEV-SNP guest can be started with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FirmwareError {
    /// The image is no number of pages, or larger than any OVMF.
    #[error("an OVMF image is some pages of 4,096 bytes, at most {MAX_FIRMWARE_BYTES} bytes; this has {0} bytes")]
    Length(usize),
    /// There is no table of OVMF at the image's end.
    #[error("the image does not end as OVMF does: it has no table of GUIDs")]
    NoTable,
    /// An entry of the table does not fit.
    #[error("an entry of the table of GUIDs does not fit the table, or stands there twice")]
    Entry,
    /// There is no SEV metadata.
    #[error("the image has no SEV metadata: SEV-SNP guests cannot be started with it")]
    NoMetadata,
    /// The SEV metadata is not of the one known form.
    #[error("the image's SEV metadata is not of version 1, or not where the table says")]
    Metadata,
    /// A section is of an unknown type.
    #[error("the image's SEV metadata lists a section of the unknown type {0}")]
    SectionType(u32),
    /// A section is not some pages.
    #[error("a section of the image's SEV metadata is not some pages of 4,096 bytes")]
    Section,
}

impl Firmware {
    /// Reads an image.
    ///
    /// # Errors
    /// [`FirmwareError`]: the first rule that the image breaks.
    pub fn read(bytes: Vec<u8>) -> Result<Self, FirmwareError> {
        let page = usize::try_from(PAGE_BYTES).map_err(|_| FirmwareError::Length(bytes.len()))?;
        if bytes.is_empty() || bytes.len() > MAX_FIRMWARE_BYTES || !bytes.len().is_multiple_of(page) {
            return Err(FirmwareError::Length(bytes.len()));
        }
        let entries = Entries::read(&bytes)?;
        let sections = entries.metadata.ok_or(FirmwareError::NoMetadata).and_then(|place| sections(&bytes, place))?;
        Ok(Self {
            hashes: entries.hashes.filter(|address| *address != 0),
            reset: entries.reset.filter(|address| *address != 0),
            sections,
            bytes,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the image lies in guest memory.
    pub(super) fn address(&self) -> u64 {
        u64::try_from(self.bytes.len()).map_or(END, |length| END.saturating_sub(length))
    }

    /// Where in its page the table of hashes stands.
    pub(super) fn hashes_offset(&self) -> Option<usize> {
        self.hashes.and_then(|address| usize::try_from(address % PAGE_BYTES).ok())
    }

    /// Where further virtual CPUs begin.
    pub(super) fn reset_address(&self) -> Option<u32> {
        self.reset
    }

    pub(super) fn sections(&self) -> &[Section] {
        &self.sections
    }
}

/// The entries of the table that are of use, each one number.
#[derive(Clone, Copy, Debug, Default)]
struct Entries {
    hashes: Option<u32>,
    reset: Option<u32>,
    metadata: Option<u32>,
}

impl Entries {
    fn read(bytes: &[u8]) -> Result<Self, FirmwareError> {
        let end = bytes.len().checked_sub(RESET_VECTOR_BYTES).ok_or(FirmwareError::NoTable)?;
        let (length, guid, rest) = bytes.get(..end).and_then(tail).ok_or(FirmwareError::NoTable)?;
        if guid != TABLE_GUID {
            return Err(FirmwareError::NoTable);
        }
        let start = length.checked_sub(ENTRY_TAIL_BYTES).and_then(|length| rest.len().checked_sub(length));
        let mut table = start.and_then(|start| rest.get(start..)).ok_or(FirmwareError::Entry)?;
        let mut entries = Self::default();
        while !table.is_empty() {
            let (length, guid, before) = tail(table).ok_or(FirmwareError::Entry)?;
            let start = length.checked_sub(ENTRY_TAIL_BYTES).and_then(|length| before.len().checked_sub(length));
            let (before, value) = start.and_then(|start| before.split_at_checked(start)).ok_or(FirmwareError::Entry)?;
            table = before;
            let place = match guid {
                HASHES_GUID => &mut entries.hashes,
                RESET_BLOCK_GUID => &mut entries.reset,
                METADATA_GUID => &mut entries.metadata,
                _ => continue,
            };
            let value = value.first_chunk().copied().map(u32::from_le_bytes).ok_or(FirmwareError::Entry)?;
            if place.replace(value).is_some() {
                return Err(FirmwareError::Entry);
            }
        }
        Ok(entries)
    }
}

/// Length and GUID at the end of an entry, and what stands before them.
fn tail(bytes: &[u8]) -> Option<(usize, [u8; 16], &[u8])> {
    let (bytes, guid) = bytes.split_last_chunk::<16>()?;
    let (bytes, length) = bytes.split_last_chunk::<2>()?;
    Some((u16::from_le_bytes(*length).into(), *guid, bytes))
}

fn sections(bytes: &[u8], from_end: u32) -> Result<Vec<Section>, FirmwareError> {
    let from_end = usize::try_from(from_end).map_err(|_| FirmwareError::Metadata)?;
    let start = bytes.len().checked_sub(from_end).ok_or(FirmwareError::Metadata)?;
    let mut words = bytes.get(start..).unwrap_or_default();
    let mut word = || -> Option<u32> {
        let (word, rest) = words.split_first_chunk()?;
        words = rest;
        Some(u32::from_le_bytes(*word))
    };
    let header = [word(), word(), word(), word()];
    let [Some(ASEV), Some(length), Some(1), Some(count @ 0..=MAX_SECTIONS)] = header else {
        return Err(FirmwareError::Metadata);
    };
    let expected = usize::try_from(count).ok().map(|count| METADATA_HEADER_BYTES + count * SECTION_BYTES);
    if usize::try_from(length).ok() != expected {
        return Err(FirmwareError::Metadata);
    }
    let section = |_| {
        let (Some(address), Some(length), Some(kind)) = (word(), word(), word()) else {
            return Err(FirmwareError::Metadata);
        };
        let kind = match kind {
            1 => SectionKind::Memory,
            2 => SectionKind::Secrets,
            3 => SectionKind::Cpuid,
            4 => SectionKind::CallingArea,
            0x10 => SectionKind::KernelHashes,
            other => return Err(FirmwareError::SectionType(other)),
        };
        let is_paged = address.is_multiple_of(PAGE_BYTES) && length.is_multiple_of(PAGE_BYTES);
        if !is_paged || length == 0 || length > MAX_SECTION_BYTES {
            return Err(FirmwareError::Section);
        }
        if kind != SectionKind::Memory && kind != SectionKind::CallingArea && length != PAGE_BYTES {
            return Err(FirmwareError::Section);
        }
        Ok(Section { kind, address: address.into(), pages: length / PAGE_BYTES })
    };
    (0..count).map(section).collect()
}

/// `ASEV`, least significant byte first.
const ASEV: u32 = u32::from_le_bytes(*b"ASEV");
