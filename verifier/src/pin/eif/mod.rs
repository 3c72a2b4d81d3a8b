//! PCR0, PCR1, PCR2 and PCR8 of an AWS Nitro enclave image file (EIF), as the hypervisor will measure them.
//!
//! In: a file of up to 8 GiB, untrusted, read once from front to back. Out: [`Measurements`]. No section is held in
//! memory except the signature, which is capped; metadata passes through the checksum and is not looked at, because
//! nothing measures it.
//!
//! The format and the order of hashing are those of aws-nitro-enclaves-image-format 0.8.1 (src/defs/mod.rs,
//! src/utils/eif_reader.rs, src/defs/eif_hasher.rs). That reader walks the sections and ignores the table in the
//! header, while a loader may follow the table; here both have to agree, so that one file is one image to everybody. The
//! one exception is the size of a signature, which the table may have of an earlier one ([`Notice::StaleSignatureSize`]).
//!
//! The order of the checks: the header with its table (layout.rs), each section's own header, the end of the file, the
//! checksum, the presence of what boots, the signature. What damage explains is reported as damage.

mod error;
mod kinds;
mod layout;
mod measurements;
mod policy_toml;
mod stock_boot;
mod stream;
#[cfg(test)]
mod tests;

use std::io::Read;

use prooftrail_evidence::{Crypto, MAX_EIF_SIGNATURE_BYTES, verify_eif_signature};
use sha2::{Digest, Sha384};

pub use self::{
    error::EifError,
    kinds::{Architecture, SectionKind},
    measurements::{Measurements, Notice, Section},
};
use self::{
    layout::{CRC_OFFSET, HEADER_BYTES, Layout, SECTION_HEADER_BYTES, Slot, length_of},
    stream::{CHUNK_BYTES, Stream},
};

/// The largest image that is read, in bytes: 8 GiB. An enclave's memory is taken from one instance and has to hold the
/// image unpacked beside it.
pub const MAX_IMAGE_BYTES: u64 = 8 << 30;

/// Measures an image of `length` bytes, reading it once. `progress` is called with the bytes done and `length`, about
/// every 64 KiB.
///
/// A signature is verified with `crypto`; one that does not verify is an error, and never an image without a signature.
///
/// # Errors
/// [`EifError`]: the first rule of the format that the file breaks, or what reading it failed with.
pub fn measure(
    image: impl Read,
    length: u64,
    crypto: &dyn Crypto,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Measurements, EifError> {
    if length > MAX_IMAGE_BYTES {
        return Err(EifError::TooLarge { bytes: length });
    }
    let mut stream = Stream::new(image, length, progress);
    let layout = read_header(&mut stream, length)?;

    let mut buffer = vec![0; CHUNK_BYTES];
    let mut found = Found::default();
    let mut registers = Registers::default();
    for slot in &layout.slots {
        let kind = read_section_header(&mut stream, slot)?;
        found.admit(kind, slot, layout.version)?;
        if kind == SectionKind::Signature {
            found.signature = Some(read_signature(&mut stream, slot)?);
            continue;
        }
        let measured = match kind {
            SectionKind::Kernel | SectionKind::CommandLine => Measured::Boot,
            SectionKind::Ramdisk if found.count(SectionKind::Ramdisk) == 1 => Measured::Boot,
            SectionKind::Ramdisk => Measured::Application,
            SectionKind::Signature | SectionKind::Metadata => Measured::Nowhere,
        };
        stream.pass(slot.bytes, &mut buffer, |chunk| registers.update(measured, chunk))?;
    }

    stream.end()?;
    let computed = stream.crc32();
    if computed != layout.crc32 {
        return Err(EifError::Checksum { stored: layout.crc32, computed });
    }
    for kind in [SectionKind::Kernel, SectionKind::CommandLine, SectionKind::Ramdisk] {
        if found.count(kind) == 0 {
            return Err(EifError::Missing { kind });
        }
    }
    let [pcr0, pcr1, pcr2] = registers.finish(crypto);
    let signer = found.signature.map(|section| verify_eif_signature(&section, &pcr0, crypto));
    Ok(Measurements {
        pcr0,
        pcr1,
        pcr2,
        signer: signer.transpose().map_err(EifError::Signature)?,
        version: layout.version,
        architecture: layout.architecture,
        sections: found.sections,
        signature_size_is_stale: found.signature_size_is_stale,
    })
}

/// Reads the header; the checksum covers it up to the checksum itself, which is its last field.
fn read_header(stream: &mut Stream<'_, impl Read>, length: u64) -> Result<Layout, EifError> {
    let mut header = [0; HEADER_BYTES];
    if length < length_of(HEADER_BYTES) {
        return Err(EifError::TooShort { bytes: length });
    }
    let (covered, crc32) = header.split_at_mut(CRC_OFFSET);
    stream.read(covered)?;
    stream.read_uncovered(crc32)?;
    Layout::read(&header, length)
}

/// Reads a section's own header, which has to say what the table says.
fn read_section_header(stream: &mut Stream<'_, impl Read>, slot: &Slot) -> Result<SectionKind, EifError> {
    let mut header = [0; SECTION_HEADER_BYTES];
    stream.read(&mut header)?;
    slot.check_header(&header)
}

/// Reads the one section that is kept.
fn read_signature(stream: &mut Stream<'_, impl Read>, slot: &Slot) -> Result<Vec<u8>, EifError> {
    let length = usize::try_from(slot.bytes).ok();
    let Some(length) = length.filter(|&length| length <= MAX_EIF_SIGNATURE_BYTES) else {
        return Err(EifError::SignatureTooLarge { bytes: slot.bytes });
    };
    let mut section = vec![0; length];
    stream.read(&mut section)?;
    Ok(section)
}

/// What has been met so far.
#[derive(Default)]
struct Found {
    sections: Vec<Section>,
    signature: Option<Vec<u8>>,
    signature_size_is_stale: bool,
}

impl Found {
    /// Counts a section in, where its kind may stand in this version and may stand there again.
    fn admit(&mut self, kind: SectionKind, slot: &Slot, version: u16) -> Result<(), EifError> {
        if version < kind.since() {
            return Err(EifError::NotInVersion { kind, version });
        }
        if kind != SectionKind::Ramdisk && self.count(kind) > 0 {
            return Err(EifError::Duplicate { kind });
        }
        if slot.table_is_stale() {
            if kind != SectionKind::Signature {
                return Err(slot.table_error());
            }
            self.signature_size_is_stale = true;
        }
        self.sections.push(Section { kind, bytes: slot.bytes });
        Ok(())
    }

    fn count(&self, kind: SectionKind) -> usize {
        self.sections.iter().filter(|section| section.kind == kind).count()
    }
}

/// Which registers a section goes into, besides PCR0.
#[derive(Clone, Copy)]
enum Measured {
    /// PCR1.
    Boot,
    /// PCR2.
    Application,
    /// None, and not PCR0 either.
    Nowhere,
}

/// The hashes under PCR0, PCR1 and PCR2. They grow with the file, and [`Crypto`] hashes what is in memory as a whole.
#[derive(Default)]
struct Registers {
    image: Sha384,
    boot: Sha384,
    application: Sha384,
}

impl Registers {
    fn update(&mut self, measured: Measured, chunk: &[u8]) {
        match measured {
            Measured::Boot => self.boot.update(chunk),
            Measured::Application => self.application.update(chunk),
            Measured::Nowhere => return,
        }
        self.image.update(chunk);
    }

    /// PCR0, PCR1 and PCR2: each register starts as 48 zero bytes and is extended once, by the hash of its sections.
    fn finish(self, crypto: &dyn Crypto) -> [[u8; 48]; 3] {
        [self.image, self.boot, self.application].map(|sections| {
            let digest: [u8; 48] = sections.finalize().into();
            crypto.sha384(&[&[0; 48], &digest])
        })
    }
}
