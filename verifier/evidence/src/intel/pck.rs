//! What Intel certifies of a platform in its PCK certificate: the SGX extension 1.2.840.113741.1.13.1 (Intel SGX PCK
//! Certificate and CRL Profile Specification, revision 1.5, section 1.3.5).
//!
//! In: the value of the extension. Out: [`PckExtension`], with everything that every PCK certificate has, and what only
//! the Platform CA certifies where it stands there. Entries that we do not know are left alone: Intel signed them.

use der::{
    AnyRef, Decode, Sequence, Tag, Tagged,
    asn1::{ObjectIdentifier, OctetStringRef},
};
use prooftrail_result::{Reason, ReasonCode};

/// The extension.
pub(super) const EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");

/// Arcs below the extension, and below its TCB (2) and configuration (7).
mod arc {
    pub(super) const PPID: u32 = 1;
    pub(super) const TCB: u32 = 2;
    pub(super) const PCE_ID: u32 = 3;
    pub(super) const FMSPC: u32 = 4;
    pub(super) const SGX_TYPE: u32 = 5;
    pub(super) const PLATFORM_INSTANCE_ID: u32 = 6;
    pub(super) const CONFIGURATION: u32 = 7;

    pub(super) const PCE_SVN: u32 = 17;
    pub(super) const CPU_SVN: u32 = 18;

    pub(super) const DYNAMIC_PLATFORM: u32 = 1;
    pub(super) const CACHED_KEYS: u32 = 2;
    pub(super) const SMT_ENABLED: u32 = 3;
}

/// A platform, as certified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PckExtension {
    pub(super) ppid: [u8; 16],
    /// The security versions of the sixteen SGX TCB components.
    pub(super) components: [u8; 16],
    pub(super) pce_svn: u16,
    pub(super) cpu_svn: [u8; 16],
    pub(super) pce_id: [u8; 2],
    pub(super) fmspc: [u8; 6],
    pub(super) sgx_type: &'static str,
    pub(super) platform_instance_id: Option<[u8; 16]>,
    pub(super) dynamic_platform: Option<bool>,
    pub(super) cached_keys: Option<bool>,
    pub(super) smt_enabled: Option<bool>,
}

/// One entry, at any level.
#[derive(Clone, Copy, Debug, Sequence)]
struct Entry<'a> {
    id: ObjectIdentifier,
    value: AnyRef<'a>,
}

impl PckExtension {
    /// Reads the value of the extension.
    pub(super) fn read(value: &[u8]) -> Result<Self, Reason> {
        read(value).map_err(|what| {
            Reason::new(ReasonCode::PckExtension, format!("the PCK certificate's SGX extension: {what}"))
        })
    }
}

/// What is wrong, in words.
type Wrong = &'static str;

fn read(value: &[u8]) -> Result<PckExtension, Wrong> {
    let entries = Entries { parent: EXTENSION, entries: Decode::from_der(value).map_err(|_| "it is no sequence")? };
    let tcb = entries.below(arc::TCB)?.ok_or("it has no TCB")?;
    let configuration = entries.below(arc::CONFIGURATION)?;
    let flag = |number| match &configuration {
        Some(configuration) => configuration.find(number)?.map(boolean).transpose(),
        None => Ok(None),
    };
    let mut components = [0; 16];
    for (number, component) in (1..).zip(&mut components) {
        let value = tcb.find(number)?.ok_or("a TCB component is missing")?;
        *component = value.decode_as().map_err(|_| "a TCB component is no number up to 255")?;
    }
    Ok(PckExtension {
        ppid: octets(entries.find(arc::PPID)?)?.ok_or("it has no PPID")?,
        components,
        pce_svn: tcb
            .find(arc::PCE_SVN)?
            .ok_or("it has no PCE SVN")?
            .decode_as()
            .map_err(|_| "the PCE SVN is no number up to 65535")?,
        cpu_svn: octets(tcb.find(arc::CPU_SVN)?)?.ok_or("it has no CPU SVN")?,
        pce_id: octets(entries.find(arc::PCE_ID)?)?.ok_or("it has no PCE-ID")?,
        fmspc: octets(entries.find(arc::FMSPC)?)?.ok_or("it has no FMSPC")?,
        sgx_type: sgx_type(entries.find(arc::SGX_TYPE)?.ok_or("it has no SGX type")?)?,
        platform_instance_id: octets(entries.find(arc::PLATFORM_INSTANCE_ID)?)?,
        dynamic_platform: flag(arc::DYNAMIC_PLATFORM)?,
        cached_keys: flag(arc::CACHED_KEYS)?,
        smt_enabled: flag(arc::SMT_ENABLED)?,
    })
}

/// The entries of one level.
struct Entries<'a> {
    parent: ObjectIdentifier,
    entries: Vec<Entry<'a>>,
}

impl<'a> Entries<'a> {
    /// The value of the entry with that last arc.
    fn find(&self, number: u32) -> Result<Option<AnyRef<'a>>, Wrong> {
        let id = self.parent.push_arc(number).map_err(|_| "an identifier is too long")?;
        let mut found = self.entries.iter().filter(|entry| entry.id == id);
        match (found.next(), found.next()) {
            (entry, None) => Ok(entry.map(|entry| entry.value)),
            _ => Err("an entry stands there twice"),
        }
    }

    /// The entries below the entry with that last arc.
    fn below(&self, number: u32) -> Result<Option<Self>, Wrong> {
        let Some(value) = self.find(number)? else { return Ok(None) };
        let parent = self.parent.push_arc(number).map_err(|_| "an identifier is too long")?;
        let entries = value.decode_as().map_err(|_| "an entry is no sequence")?;
        Ok(Some(Self { parent, entries }))
    }
}

fn octets<const N: usize>(value: Option<AnyRef<'_>>) -> Result<Option<[u8; N]>, Wrong> {
    let read = |value: AnyRef<'_>| {
        let octets = value.decode_as::<&OctetStringRef>().map_err(|_| "an entry is no octet string")?;
        octets.as_bytes().try_into().map_err(|_| "an octet string has another length")
    };
    value.map(read).transpose()
}

fn boolean(value: AnyRef<'_>) -> Result<bool, Wrong> {
    value.decode_as().map_err(|_| "a flag is no boolean")
}

fn sgx_type(value: AnyRef<'_>) -> Result<&'static str, Wrong> {
    match (value.tag(), value.value()) {
        (Tag::Enumerated, [0]) => Ok("standard"),
        (Tag::Enumerated, [1]) => Ok("scalable"),
        (Tag::Enumerated, [2]) => Ok("scalable_with_integrity"),
        _ => Err("the SGX type is unknown"),
    }
}
