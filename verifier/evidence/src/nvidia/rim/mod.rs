//! NVIDIA's reference integrity manifests (RIMs): what a driver, a VBIOS or a switch's BIOS measures to, signed.
//!
//! In: the XML that NVIDIA's RIM service gives out, or the service's JSON around it. Out: a [`Rim`], read and not believed;
//! from [`Rim::verify`], a [`VerifiedRim`]: what NVIDIA's root vouches for at the instant, with whether the signer's
//! certificate was still in force and not revoked. The parts: [`xml`] reads, [`c14n`] writes the canonical form, [`signature`]
//! holds both against the one profile of XML-DSig that NVIDIA has, [`content`] reads what is said, [`service`] unwraps the
//! service's answer, [`verified`] finds out whose word it is. docs/nvidia-rims.md.

mod c14n;
mod content;
pub(crate) mod service;
mod signature;
mod verified;
mod xml;

use prooftrail_result::{Kind, Reason, ReasonCode};

use self::{content::Content, signature::Signed};
use crate::crypto::Crypto;

pub(crate) use verified::PROFILE;
pub use verified::{RimStatus, VerifiedRim};

/// A RIM beyond this is refused unread; genuine ones have some 20 kB.
pub(crate) const MAX_RIM_BYTES: usize = 1 << 20;

/// A RIM that was read. Nothing in it is believed before it is verified.
#[derive(Debug)]
pub struct Rim {
    /// SHA-256 of its bytes: ids are not immutable, so that a verdict names this.
    pub sha256: [u8; 32],
    /// By what it was asked for, where it came in an answer of NVIDIA's service. Nobody signs it.
    pub service_id: Option<String>,
    /// The tag id.
    pub id: String,
    /// The colloquial version: that of the driver, the VBIOS or the BIOS.
    pub version: String,
    /// The product: `GH100`.
    pub product: String,
    /// What it is of.
    pub kind: RimKind,
    /// The firmware's manufacturer, an IANA enterprise number: 5703 is NVIDIA.
    pub manufacturer_id: String,
    /// Measurements, by index: SPDM's less one.
    pub golden: Vec<Golden>,
    /// Least versions of what the opaque data report, of active records.
    pub floors: Vec<Floor>,
    signed: Signed,
}

/// What a RIM is of.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RimKind {
    /// A GPU's driver.
    Driver,
    /// A GPU's VBIOS.
    Vbios,
    /// A switch's BIOS.
    Switch,
}

impl RimKind {
    /// The kind of evidence that is compared with it.
    #[must_use]
    pub const fn evidence(self) -> Kind {
        match self {
            Self::Driver | Self::Vbios => Kind::NvidiaGpu,
            Self::Switch => Kind::NvidiaSwitch,
        }
    }
}

/// A measurement that a RIM has values for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Golden {
    /// Its index: SPDM's less one.
    pub index: u16,
    /// Whether it is to be compared.
    pub active: bool,
    /// The values that are good, one at least.
    pub alternatives: Vec<[u8; 48]>,
    /// The size of each, in bytes.
    pub size: u16,
}

/// The least version of something that the opaque data report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Floor {
    /// The type of the opaque data's entry.
    pub type_id: u16,
    /// What NVIDIA calls it.
    pub name: String,
    /// The least version.
    pub min_svn: u64,
    /// Whether NVIDIA wants the outcome to be shown.
    pub include_in_result: bool,
}

impl Rim {
    /// Whether a file is to be read as a RIM.
    #[must_use]
    pub fn is_one(file: &[u8]) -> bool {
        file.starts_with(b"<?xml") || file.starts_with(b"<SoftwareIdentity")
    }

    /// Reads a RIM, or the answer of NVIDIA's service that has one.
    ///
    /// # Errors
    /// A reason of stage `parse`.
    pub fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > 2 * MAX_RIM_BYTES {
            return Err(too_large(file));
        }
        if file.trim_ascii_start().starts_with(b"{") {
            let (id, rim) = service::read(crypto, file)?;
            return Ok(Self { service_id: Some(id), ..Self::read_xml(crypto, &rim)? });
        }
        Self::read_xml(crypto, file)
    }

    fn read_xml(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        let because = |code: ReasonCode| move |detail: &'static str| Reason::new(code, format!("the RIM: {detail}"));
        if file.len() > MAX_RIM_BYTES {
            return Err(too_large(file));
        }
        let root = xml::read(file).map_err(because(ReasonCode::RimMalformed))?;
        let signed = Signed::read(crypto, &root).map_err(because(ReasonCode::RimSignatureProfile))?;
        let content = Content::read(&root).map_err(because(ReasonCode::RimContent))?;
        let Content { tag_id, version, product, kind, manufacturer_id, golden, floors } = content;
        let sha256 = crypto.sha256(&[file]);
        let service_id = None;
        Ok(Self { sha256, service_id, id: tag_id, version, product, kind, manufacturer_id, golden, floors, signed })
    }

    /// Its certificates, the signer's first. Nothing is known of them yet.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.signed.certificates
    }
}

fn too_large(file: &[u8]) -> Reason {
    let reason = Reason::from(ReasonCode::EndorsementTooLarge).have(format!("{} bytes", file.len()));
    reason.need(format_args!("at most {MAX_RIM_BYTES} bytes of a RIM"))
}
