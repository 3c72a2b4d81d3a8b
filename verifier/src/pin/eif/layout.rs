//! The header of an image: version, architecture, and the table of sections (aws-nitro-enclaves-image-format 0.8.1,
//! src/defs/mod.rs, `EifHeader` and `EifSectionHeader`; all numbers big-endian).
//!
//! In: the header's bytes, untrusted, and the length of the file. Out: [`Layout`], whose sections lie one after another
//! from the end of the header to the end of the file. Everything is decided before the first section is read.

use prooftrail_evidence::MAX_EIF_SIGNATURE_BYTES;

use super::{Architecture, EifError, SectionKind};

/// Length of the header.
pub(super) const HEADER_BYTES: usize = 548;
/// Where the checksum stands in it.
pub(super) const CRC_OFFSET: usize = HEADER_BYTES - 4;
/// Length of the header of each section.
pub(super) const SECTION_HEADER_BYTES: usize = 12;

const MAGIC: [u8; 4] = *b".eif";
/// Entries of the table, used or not.
const TABLE_ENTRIES: usize = 32;
/// A kernel, a command line and a ramdisk.
const MIN_SECTIONS: usize = 3;
/// Version 1 has no checksum, so damage would go unnoticed. 4 is the latest there is.
const VERSIONS: std::ops::RangeInclusive<u16> = 2..=4;
/// A length in memory as a length in a file, which has room for it.
pub(super) fn length_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A header that has the format.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) version: u16,
    pub(super) architecture: Architecture,
    pub(super) crc32: u32,
    pub(super) slots: Vec<Slot>,
}

impl Layout {
    /// Reads the header of an image of `length` bytes.
    pub(super) fn read(header: &[u8; HEADER_BYTES], length: u64) -> Result<Self, EifError> {
        let mut fields = Fields { rest: header };
        let magic = fields.take();
        if magic != MAGIC {
            return Err(EifError::NotAnEif { found: magic });
        }
        let version = fields.u16();
        if !VERSIONS.contains(&version) {
            return Err(EifError::Version { found: version });
        }
        let flags = fields.u16();
        let architecture = Architecture::from_flags(flags).ok_or(EifError::Flags { found: flags })?;
        // Memory and processors to start with unless told otherwise: neither is measured.
        let _default_memory = fields.u64();
        let _default_processors = fields.u64();
        let reserved = fields.u16();
        let count = fields.u16();
        let offsets = fields.table();
        let sizes = fields.table();
        let unused = fields.u32();
        let crc32 = fields.u32();
        if reserved != 0 || unused != 0 {
            return Err(EifError::Reserved { reserved, unused });
        }
        let slots = place(count, &offsets, &sizes, length)?;
        Ok(Self { version, architecture, crc32, slots })
    }
}

/// Turns the table into sections that follow one another without gap and end with the file.
fn place(
    count: u16,
    offsets: &[u64; TABLE_ENTRIES],
    sizes: &[u64; TABLE_ENTRIES],
    length: u64,
) -> Result<Vec<Slot>, EifError> {
    let sections = usize::from(count);
    if !(MIN_SECTIONS..=TABLE_ENTRIES).contains(&sections) {
        return Err(EifError::SectionCount { found: count });
    }
    let entries = offsets.iter().zip(sizes).enumerate();
    if let Some((entry, _)) = entries.clone().skip(sections).find(|(_, entry)| *entry != (&0, &0)) {
        return Err(EifError::UnusedEntry { entry: entry + 1, count });
    }

    let first = length_of(HEADER_BYTES);
    let mut slots: Vec<Slot> = Vec::with_capacity(sections);
    // Each section ends where the next one starts, and the last one with the file. The size in the table has to be the
    // same, except for one section: the signature's may be stale, and which one that is is not known yet.
    let ends = offsets.iter().take(sections).skip(1).chain([&length]);
    for ((index, (&offset, &table_bytes)), &end) in entries.zip(ends) {
        if index == 0 && offset != first {
            return Err(EifError::Offset { section: 1, found: offset, expected: first });
        }
        let mut slot = Slot { section: index + 1, offset, bytes: 0, table_bytes, end, is_last: index + 1 == sections };
        let room = end.checked_sub(slot.start());
        slot.bytes = room.unwrap_or_default();
        let may_be_signature = slot.bytes.max(table_bytes) <= length_of(MAX_EIF_SIGNATURE_BYTES);
        let earlier = slots.iter().find(|earlier| earlier.table_is_stale());
        let agrees = !slot.table_is_stale() || (may_be_signature && earlier.is_none());
        if room.is_none() || !agrees {
            return Err(earlier.unwrap_or(&slot).table_error());
        }
        slots.push(slot);
    }
    Ok(slots)
}

/// The place of a section in the file.
#[derive(Debug)]
pub(super) struct Slot {
    /// Counted from 1.
    section: usize,
    offset: u64,
    /// Length of the content, by the offsets.
    pub(super) bytes: u64,
    /// Length of the content, by the table of sizes.
    table_bytes: u64,
    end: u64,
    is_last: bool,
}

impl Slot {
    /// Where the content starts.
    fn start(&self) -> u64 {
        self.offset.saturating_add(length_of(SECTION_HEADER_BYTES))
    }

    /// Whether the table of sizes contradicts the offsets. AWS's tool leaves a signature's old size there when it signs
    /// an image again (src/utils/eif_signer.rs, `write_signature`), and hardly two signatures have the same size.
    pub(super) const fn table_is_stale(&self) -> bool {
        self.bytes != self.table_bytes
    }

    /// The error of a table that contradicts itself.
    pub(super) fn table_error(&self) -> EifError {
        let (section, expected) = (self.section, self.start().saturating_add(self.table_bytes));
        match (self.is_last, expected > self.end) {
            (false, _) => EifError::Offset { section: section + 1, found: self.end, expected },
            (true, true) => EifError::OutsideFile { section, end: expected, length: self.end },
            (true, false) => EifError::TrailingBytes { bytes: self.end - expected },
        }
    }

    /// Reads the section's own header, which repeats its size.
    pub(super) fn check_header(&self, header: &[u8; SECTION_HEADER_BYTES]) -> Result<SectionKind, EifError> {
        let mut fields = Fields { rest: header };
        let (code, flags, bytes) = (fields.u16(), fields.u16(), fields.u64());
        let section = self.section;
        let kind = SectionKind::from_code(code).ok_or(EifError::SectionType { section, found: code })?;
        if flags != 0 {
            return Err(EifError::SectionFlags { section, found: flags });
        }
        if bytes != self.bytes {
            if bytes == self.table_bytes {
                return Err(self.table_error());
            }
            return Err(EifError::SectionSize { section, kind, found: bytes, expected: self.bytes });
        }
        Ok(kind)
    }
}

/// Reads one field after another.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    #[expect(clippy::expect_used, reason = "a header is an array as long as its fields together")]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.rest.split_first_chunk().expect("the header has room for this field");
        self.rest = rest;
        *field
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    fn table(&mut self) -> [u64; TABLE_ENTRIES] {
        std::array::from_fn(|_| self.u64())
    }
}
