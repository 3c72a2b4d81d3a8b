//! ATTESTATION_REPORT, read strictly (AMD 56860, SEV-SNP firmware ABI, table 23; versions 2 to 5).
//!
//! In: exactly 1,184 bytes. Out: [`Report`]. Every byte is either a field, or reserved and zero, or padding of the
//! signature and zero: two byte strings are never read as one report, but for a signature's malleable twin.

use prooftrail_result::{Reason, ReasonCode};

use super::{
    product::{KeyKind, ProductLine},
    tcb::TcbVersion,
};

/// The bytes of a report.
pub(crate) const REPORT_BYTES: usize = 1184;
/// The bytes of a report that are signed: everything before the signature.
const SIGNED_BYTES: usize = 0x2A0;
/// The versions that are read here. 4 has the layout of 3; 6 belongs to firmware ABI 1.59, which no product has yet.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=5;
/// SIGNATURE_ALGO: ECDSA on P-384 with SHA-384.
const ECDSA_P384_SHA384: u32 = 1;
/// VMPL of a report that the host asked for (ABI 1.58, SNP_HV_REPORT).
const REQUESTED_BY_HOST: u32 = 0xFFFF_FFFF;
/// Bits of POLICY that are reserved, and the one that must be set.
const POLICY_RESERVED: u64 = !0x03FF_FFFF;
const POLICY_ONE: u64 = 1 << 17;
/// Bits of PLATFORM_INFO and of the key information that are reserved.
const PLATFORM_INFO_RESERVED: u64 = !0xFF;
const KEY_INFO_RESERVED: u32 = !0x1F;

/// A report's fields.
#[derive(Clone, Debug)]
pub(crate) struct Report<'a> {
    /// The bytes under the signature.
    pub(crate) signed: &'a [u8],
    pub(crate) version: u32,
    pub(crate) guest_svn: u32,
    pub(crate) policy: u64,
    pub(crate) family_id: &'a [u8; 16],
    pub(crate) image_id: &'a [u8; 16],
    pub(crate) requester: Requester,
    pub(crate) current_tcb: [u8; 8],
    pub(crate) platform_info: u64,
    pub(crate) author_key_enabled: bool,
    pub(crate) chip_key_masked: bool,
    /// Which key signed; `None` where none did.
    pub(crate) signing_key: Option<KeyKind>,
    pub(crate) report_data: &'a [u8; 64],
    pub(crate) measurement: &'a [u8; 48],
    pub(crate) host_data: &'a [u8; 32],
    pub(crate) id_key_digest: &'a [u8; 48],
    pub(crate) author_key_digest: &'a [u8; 48],
    pub(crate) report_id: &'a [u8; 32],
    pub(crate) report_id_ma: &'a [u8; 32],
    pub(crate) reported_tcb: [u8; 8],
    /// From version 3 on.
    pub(crate) cpu: Option<Cpu>,
    pub(crate) chip_id: &'a [u8; 64],
    pub(crate) committed_tcb: [u8; 8],
    pub(crate) current_firmware: Firmware,
    pub(crate) committed_firmware: Firmware,
    pub(crate) launch_tcb: [u8; 8],
    /// From version 5 on.
    pub(crate) mitigations: Option<Mitigations>,
    /// r ‖ s, each of 48 bytes, most significant first.
    pub(crate) signature: [u8; 96],
}

/// Who asked for a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Requester {
    /// The guest, from that privilege level.
    Guest(u8),
    /// The host.
    Host,
}

/// The CPU, as CPUID says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cpu {
    pub(crate) family: u8,
    pub(crate) model: u8,
    pub(crate) stepping: u8,
    pub(crate) line: ProductLine,
}

/// A version of the SEV-SNP firmware, ordered.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Firmware {
    pub(crate) major: u8,
    pub(crate) minor: u8,
    pub(crate) build: u8,
}

impl std::fmt::Display for Firmware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// The mitigation vectors: a bit for each of AMD's mitigations, as the guest was launched and now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mitigations {
    pub(crate) launch: u64,
    pub(crate) current: u64,
}

impl<'a> Report<'a> {
    /// Reads a report.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        let length = || {
            Reason::from(ReasonCode::SnpLength)
                .have(format_args!("{} bytes", bytes.len()))
                .need(format_args!("{REPORT_BYTES} bytes"))
        };
        if bytes.len() != REPORT_BYTES {
            return Err(length());
        }
        let (signed, signature) = bytes.split_at_checked(SIGNED_BYTES).ok_or_else(length)?;
        let mut fields = Fields { rest: signed, offset: 0 };
        let version = fields.u32()?;
        if !VERSIONS.contains(&version) {
            return Err(Reason::from(ReasonCode::SnpVersion).have(version).need(format_args!(
                "{} to {}",
                VERSIONS.start(),
                VERSIONS.end()
            )));
        }
        let guest_svn = fields.u32()?;
        let policy = fields.u64()?;
        if policy & POLICY_RESERVED != 0 || policy & POLICY_ONE == 0 {
            let detail = "reserved bits of POLICY are set, or bit 17, which must be one, is not";
            return Err(Reason::new(ReasonCode::SnpReserved, detail).have(format_args!("{policy:016x}")));
        }
        let family_id = fields.take()?;
        let image_id = fields.take()?;
        let requester = match fields.u32()? {
            REQUESTED_BY_HOST => Requester::Host,
            vmpl => match u8::try_from(vmpl) {
                Ok(vmpl @ 0..=3) => Requester::Guest(vmpl),
                _ => return Err(Reason::new(ReasonCode::SnpReserved, "VMPL has a reserved value").have(vmpl)),
            },
        };
        let algorithm = fields.u32()?;
        if algorithm != ECDSA_P384_SHA384 {
            return Err(Reason::from(ReasonCode::SnpSignatureAlgorithm).have(algorithm).need(ECDSA_P384_SHA384));
        }
        let current_tcb = *fields.take()?;
        let platform_info = fields.u64()?;
        if platform_info & PLATFORM_INFO_RESERVED != 0 {
            let detail = "reserved bits of PLATFORM_INFO are set";
            return Err(Reason::new(ReasonCode::SnpReserved, detail).have(format_args!("{platform_info:016x}")));
        }
        let key_info = fields.u32()?;
        let signing_key = match (key_info >> 2) & 7 {
            0 => Some(KeyKind::Vcek),
            1 => Some(KeyKind::Vlek),
            7 => None,
            other => {
                return Err(Reason::new(ReasonCode::SnpReserved, "SIGNING_KEY has a reserved value").have(other));
            }
        };
        if key_info & KEY_INFO_RESERVED != 0 {
            let detail = "reserved bits of the key information are set";
            return Err(Reason::new(ReasonCode::SnpReserved, detail).have(format_args!("{key_info:08x}")));
        }
        fields.zero::<4>()?;
        let report_data = fields.take()?;
        let measurement = fields.take()?;
        let host_data = fields.take()?;
        let id_key_digest = fields.take()?;
        let author_key_digest = fields.take()?;
        let report_id = fields.take()?;
        let report_id_ma = fields.take()?;
        let reported_tcb = *fields.take()?;
        let cpu = if version >= 3 {
            Some(Cpu::read(*fields.take()?)?)
        } else {
            fields.zero::<3>()?;
            None
        };
        fields.zero::<21>()?;
        let chip_id = fields.take()?;
        let committed_tcb = *fields.take()?;
        let current_firmware = fields.firmware()?;
        let committed_firmware = fields.firmware()?;
        let launch_tcb = *fields.take()?;
        let mitigations = match version {
            5.. => Some(Mitigations { launch: fields.u64()?, current: fields.u64()? }),
            // Some clouds' version 4 already has the vectors here. They are signed, and not claimed.
            4 => {
                fields.take::<16>()?;
                None
            }
            _ => {
                fields.zero::<16>()?;
                None
            }
        };
        fields.zero::<152>()?;
        if let Some(Cpu { line, .. }) = cpu {
            for (name, tcb) in [
                ("CURRENT_TCB", current_tcb),
                ("REPORTED_TCB", reported_tcb),
                ("COMMITTED_TCB", committed_tcb),
                ("LAUNCH_TCB", launch_tcb),
            ] {
                TcbVersion::read(tcb, line.generation(), name)?;
            }
        }
        Ok(Self {
            signed,
            version,
            guest_svn,
            policy,
            family_id,
            image_id,
            requester,
            current_tcb,
            platform_info,
            author_key_enabled: key_info & 1 != 0,
            chip_key_masked: key_info & 2 != 0,
            signing_key,
            report_data,
            measurement,
            host_data,
            id_key_digest,
            author_key_digest,
            report_id,
            report_id_ma,
            reported_tcb,
            cpu,
            chip_id,
            committed_tcb,
            current_firmware,
            committed_firmware,
            launch_tcb,
            mitigations,
            signature: read_signature(signature)?,
        })
    }

    /// Whether the chip hides its id: CHIP_ID is zero.
    pub(crate) fn has_no_chip_id(&self) -> bool {
        *self.chip_id == [0; 64]
    }

    /// Whether there is no signature: the host masks the chip's key, or none signs.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.signing_key.is_none() || self.signature == [0; 96]
    }
}

impl Cpu {
    fn read([family, model, stepping]: [u8; 3]) -> Result<Self, Reason> {
        let line = ProductLine::of_cpu(family, model).ok_or_else(|| {
            Reason::from(ReasonCode::SnpProductUnknown)
                .have(format_args!("family {family:#x}, model {model:#x}, stepping {stepping:#x}"))
        })?;
        Ok(Self { family, model, stepping, line })
    }
}

/// r and s, each of 72 bytes, least significant first, of which a P-384 value fills 48; then nothing but zeros.
fn read_signature(bytes: &[u8]) -> Result<[u8; 96], Reason> {
    let encoding = || Reason::from(ReasonCode::SnpSignatureEncoding);
    let mut fields = Fields { rest: bytes, offset: SIGNED_BYTES };
    let mut signature = [0; 96];
    for half in signature.chunks_exact_mut(48) {
        let value: &[u8; 48] = fields.take()?;
        half.iter_mut().zip(value.iter().rev()).for_each(|(to, from)| *to = *from);
        fields.zero::<24>().map_err(|_| encoding())?;
    }
    if fields.rest.iter().any(|byte| *byte != 0) {
        return Err(encoding());
    }
    Ok(signature)
}

/// Reads fields one after another.
struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Reason> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(ReasonCode::SnpLength)?;
        self.rest = rest;
        self.offset += N;
        Ok(field)
    }

    fn u32(&mut self) -> Result<u32, Reason> {
        self.take().copied().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Reason> {
        self.take().copied().map(u64::from_le_bytes)
    }

    /// Build, minor, major, and a reserved byte.
    fn firmware(&mut self) -> Result<Firmware, Reason> {
        let [build, minor, major] = *self.take()?;
        self.zero::<1>()?;
        Ok(Firmware { major, minor, build })
    }

    /// Reserved bytes.
    fn zero<const N: usize>(&mut self) -> Result<(), Reason> {
        let offset = self.offset;
        let reserved = self.take::<N>()?;
        if reserved.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let detail = format!("{N} reserved bytes at {offset:#x} are not zero");
        Err(Reason::new(ReasonCode::SnpReserved, detail).have(hex::encode(reserved)))
    }
}
