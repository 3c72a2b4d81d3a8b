//! What an image boots on and what its sections hold (aws-nitro-enclaves-image-format 0.8.1, src/defs/mod.rs,
//! `EIF_HDR_ARCH_ARM64` and `EifSectionType`).

use std::fmt;

use serde::{Serialize, Serializer};

/// The processors that an image boots on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm (AWS Graviton).
    Aarch64,
}

impl Architecture {
    /// Reads the flags of the header: bit 0 is the architecture, and there is no other flag.
    pub(super) const fn from_flags(flags: u16) -> Option<Self> {
        match flags {
            0 => Some(Self::X86_64),
            1 => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// The name that Linux uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a section holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SectionKind {
    /// The Linux kernel.
    Kernel,
    /// Its command line.
    CommandLine,
    /// A part of the initial file system. The first boots, the others are the application.
    Ramdisk,
    /// The signature over PCR0.
    Signature,
    /// A description in JSON that nothing measures.
    Metadata,
}

impl SectionKind {
    /// The name, as in `--json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::CommandLine => "cmdline",
            Self::Ramdisk => "ramdisk",
            Self::Signature => "signature",
            Self::Metadata => "metadata",
        }
    }

    /// The first version of the format that has it.
    pub(super) const fn since(self) -> u16 {
        match self {
            Self::Kernel | Self::CommandLine | Self::Ramdisk => 1,
            Self::Signature => 3,
            Self::Metadata => 4,
        }
    }

    /// Reads the type of a section header.
    pub(super) const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1 => Self::Kernel,
            2 => Self::CommandLine,
            3 => Self::Ramdisk,
            4 => Self::Signature,
            5 => Self::Metadata,
            _ => return None,
        })
    }
}

impl fmt::Display for SectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SectionKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
