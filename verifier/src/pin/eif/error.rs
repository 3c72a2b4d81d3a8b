//! What can be wrong with an image: the fact, and what to do about it.

use std::io;

use prooftrail_evidence::MAX_EIF_SIGNATURE_BYTES;
use prooftrail_result::Reason;

use super::{MAX_IMAGE_BYTES, SectionKind};

/// Why an image has no measurements. Sections are counted from 1, in the order of the file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EifError {
    /// The image could not be read.
    #[error("reading the image failed after {after} bytes: {message}; make the file readable and try again")]
    Read {
        /// Bytes read before.
        after: u64,
        /// What kind of failure.
        kind: io::ErrorKind,
        /// The operating system's words.
        message: String,
    },
    /// The file ended before the length that was announced.
    #[error("the image ended before its {length} bytes were read; keep the file unchanged while it is measured")]
    Truncated {
        /// The announced length.
        length: u64,
    },
    /// The file went on after the length that was announced.
    #[error("the image went on after its {length} bytes; keep the file unchanged while it is measured")]
    Grown {
        /// The announced length.
        length: u64,
    },
    /// Fewer bytes than a header has.
    #[error("the file has {bytes} bytes and the header of an enclave image alone has 548; copy the whole file")]
    TooShort {
        /// Length of the file.
        bytes: u64,
    },
    /// More bytes than the cap.
    #[error("the file has {bytes} bytes and at most {MAX_IMAGE_BYTES} are read; pass the .eif file, not a disk image")]
    TooLarge {
        /// Length of the file.
        bytes: u64,
    },
    /// Another file format.
    #[error(
        "the file does not start with `.eif` but with `{}`; pass the file that `nitro-cli build-enclave \
         --output-file` wrote, not the container image that went into it",
        found.escape_ascii()
    )]
    NotAnEif {
        /// The first bytes.
        found: [u8; 4],
    },
    /// A version that is not read.
    #[error(
        "the image has format version {found}; versions 2 to 4 are read, because version 1 has no checksum and none \
         after 4 is known: build the image with a current nitro-cli"
    )]
    Version {
        /// The version.
        found: u16,
    },
    /// Header flags that have no meaning yet.
    #[error("the header has flags {found:#06x} and only bit 0, aarch64, has a meaning; build the image again")]
    Flags {
        /// The flags.
        found: u16,
    },
    /// Header fields that are to be zero.
    #[error(
        "unused fields of the header are not zero (reserved {reserved:#x}, unused {unused:#x}); build the image again"
    )]
    Reserved {
        /// The field before the number of sections.
        reserved: u16,
        /// The field before the checksum.
        unused: u32,
    },
    /// An impossible number of sections.
    #[error("the header counts {found} sections; an image has 3 (kernel, command line, ramdisk) to 32: build it again")]
    SectionCount {
        /// The count.
        found: u16,
    },
    /// The table goes on after its last section.
    #[error(
        "entry {entry} of the section table is in use and the header counts {count} sections; build the image again"
    )]
    UnusedEntry {
        /// The entry.
        entry: usize,
        /// The count.
        count: u16,
    },
    /// A section that does not start where the one before it ends.
    #[error(
        "section {section} starts at byte {found} and should at {expected}; sections follow one another without gap \
         or overlap: build the image again"
    )]
    Offset {
        /// The section.
        section: usize,
        /// Where it starts.
        found: u64,
        /// Where the section before it ends.
        expected: u64,
    },
    /// A section that ends after the file.
    #[error("section {section} ends at byte {end} of a file of {length} bytes; copy the whole file")]
    OutsideFile {
        /// The section.
        section: usize,
        /// Where it ends.
        end: u64,
        /// Length of the file.
        length: u64,
    },
    /// Bytes after the last section.
    #[error("{bytes} bytes follow the last section and nothing would measure them; build the image again")]
    TrailingBytes {
        /// How many.
        bytes: u64,
    },
    /// A section of a type that is not known.
    #[error(
        "section {section} has type {found}; types 1 to 5 are known: build the image with a nitro-cli of format version 4"
    )]
    SectionType {
        /// The section.
        section: usize,
        /// Its type.
        found: u16,
    },
    /// Section flags, of which there are none.
    #[error("section {section} has flags {found:#06x} and no such flag is defined; build the image again")]
    SectionFlags {
        /// The section.
        section: usize,
        /// Its flags.
        found: u16,
    },
    /// A section whose own header gives another size than its place in the file.
    #[error(
        "section {section} ({kind}) says that it has {found} bytes, and the header of the image says {expected}; \
         build the image again"
    )]
    SectionSize {
        /// The section.
        section: usize,
        /// What it holds.
        kind: SectionKind,
        /// By its own header.
        found: u64,
        /// By the table.
        expected: u64,
    },
    /// A section that the image's version does not have.
    #[error(
        "a {kind} section stands in an image of format version {version}, which came before it; build the image with \
         a current nitro-cli"
    )]
    NotInVersion {
        /// What it holds.
        kind: SectionKind,
        /// The image's version.
        version: u16,
    },
    /// A second section of a kind that an image has once.
    #[error("the image has more than one {kind} section, and readers differ on which counts; build the image again")]
    Duplicate {
        /// What it holds.
        kind: SectionKind,
    },
    /// A signature section over the cap.
    #[error(
        "the signature section has {bytes} bytes and at most {MAX_EIF_SIGNATURE_BYTES} are read; sign with a file \
         that holds the signing certificate alone"
    )]
    SignatureTooLarge {
        /// Its size.
        bytes: u64,
    },
    /// A checksum that does not match: damage.
    #[error(
        "the image is damaged: its checksum (CRC-32) is {computed:08x} and the header says {stored:08x}; copy or \
         build it again"
    )]
    Checksum {
        /// By the header.
        stored: u32,
        /// Of the file.
        computed: u32,
    },
    /// A section without which nothing boots.
    #[error("the image has no {kind} section, so no enclave boots from it; build the image again")]
    Missing {
        /// What it would hold.
        kind: SectionKind,
    },
    /// A signature that is not verified.
    #[error(
        "the image is signed and its signature does not verify: {0}. The image was changed after it was signed, or is \
         not signed with a P-384 key; sign it again before pinning it"
    )]
    Signature(#[source] Reason),
}
