//! What an image measures to, for people and as JSON.

use std::fmt;

use prooftrail_evidence::SignerMeasurement;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Architecture, SectionKind, stock_boot};

/// What an enclave that boots from the image will attest.
///
/// In debug mode an enclave attests zeros instead.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Measurements {
    /// The whole image: kernel, command line and ramdisks.
    pub pcr0: [u8; 48],
    /// Kernel, command line and first ramdisk: what boots.
    pub pcr1: [u8; 48],
    /// The ramdisks after the first: the application.
    pub pcr2: [u8; 48],
    /// The signer with PCR8, where the image is signed. The signature has been verified.
    pub signer: Option<SignerMeasurement>,
    /// The version of the file format.
    pub version: u16,
    /// What the image boots on.
    pub architecture: Architecture,
    /// The sections, in the order of the file.
    pub sections: Vec<Section>,
    /// Whether the table of sizes still has an earlier signature's.
    pub(super) signature_size_is_stale: bool,
}

/// A section of an image.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Section {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: SectionKind,
    /// Length of its content, in bytes.
    pub bytes: u64,
}

/// Something worth knowing about an image that is in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// PCR1 is one that many images share.
    StockBoot {
        /// Where it was seen.
        seen: &'static str,
    },
    /// There is one ramdisk, so PCR2 is the same for every such image.
    NoApplicationRamdisk,
    /// Kernel, command line and ramdisks do not stand in the order that AWS's tools write.
    UnusualOrder,
    /// The table of sizes still has an earlier signature's.
    StaleSignatureSize,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StockBoot { seen } => write!(
                f,
                "PCR1 is that of a stock kernel and init of AWS (seen in {seen}): it identifies what boots and no \
                 application; pin PCR0, or PCR1 together with PCR2"
            ),
            Self::NoApplicationRamdisk => f.write_str(
                "PCR2 measures nothing, because no ramdisk follows the first: it is the same for every such image; \
                 pin PCR0",
            ),
            Self::UnusualOrder => f.write_str(
                "the sections do not stand in the order kernel, command line, ramdisks; they are measured in the \
                 order of the file",
            ),
            Self::StaleSignatureSize => f.write_str(
                "the header still gives the size of an earlier signature, as nitro-cli leaves it when it signs an \
                 image again; the signature is read by its own size",
            ),
        }
    }
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Measurements {
    /// What is worth knowing about the image, in a fixed order.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let measured = self
            .sections
            .iter()
            .map(|section| section.kind)
            .filter(|kind| matches!(kind, SectionKind::Kernel | SectionKind::CommandLine | SectionKind::Ramdisk));
        let measured: Vec<_> = measured.collect();
        let in_order = measured.starts_with(&[SectionKind::Kernel, SectionKind::CommandLine, SectionKind::Ramdisk]);
        let notices = [
            self.stock_boot().map(|seen| Notice::StockBoot { seen }),
            (!self.has_application_ramdisk()).then_some(Notice::NoApplicationRamdisk),
            (!in_order).then_some(Notice::UnusualOrder),
            self.signature_size_is_stale.then_some(Notice::StaleSignatureSize),
        ];
        notices.into_iter().flatten().collect()
    }

    /// Where this PCR1 was seen, if it is that of a stock kernel and init of AWS.
    pub(super) fn stock_boot(&self) -> Option<&'static str> {
        stock_boot::seen(&self.pcr1)
    }

    /// Whether PCR2 measures something.
    pub(super) fn has_application_ramdisk(&self) -> bool {
        self.sections.iter().filter(|section| section.kind == SectionKind::Ramdisk).count() > 1
    }
}

impl Serialize for Measurements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let signer = self.signer.as_ref();
        let mut object = serializer.serialize_struct("Measurements", 10)?;
        object.serialize_field("pcr0", &hex::encode(self.pcr0))?;
        object.serialize_field("pcr1", &hex::encode(self.pcr1))?;
        object.serialize_field("pcr2", &hex::encode(self.pcr2))?;
        object.serialize_field("pcr8", &signer.map(|signer| hex::encode(signer.pcr8)))?;
        object.serialize_field("signed", &signer.is_some())?;
        object.serialize_field("signer", &signer.map(Signer))?;
        object.serialize_field("architecture", &self.architecture)?;
        object.serialize_field("version", &self.version)?;
        object.serialize_field("sections", &self.sections)?;
        object.serialize_field("notices", &self.notices())?;
        object.end()
    }
}

/// The signing certificate, as JSON has it.
struct Signer<'a>(&'a SignerMeasurement);

impl Serialize for Signer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Signer", 3)?;
        object.serialize_field("subject", &self.0.subject)?;
        object.serialize_field("not_before", &self.0.not_before)?;
        object.serialize_field("not_after", &self.0.not_after)?;
        object.end()
    }
}
