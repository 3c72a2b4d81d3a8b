//! The report of Azure's paravisor (HCL, OpenHCL), as it stands in the NV index 0x01400001 of the virtual TPM.
//!
//! In: bytes, possibly padded with zeros, as the index is longer than the report. Out: [`HclReport`], every part in its
//! place. Microsoft publishes no specification; the layout is that of genuine reports and of Microsoft's open source guest
//! libraries. Numbers are little-endian.
//!
//! ```text
//!    0: "HCLA" | version | size of all | request type | status | 12 bytes of zero
//!   32: report of the hardware, 1184 bytes (a TDREPORT has 1024, and zeros follow)
//! 1216: size of what follows | version | report type | hash type | size of the runtime data | runtime data
//! ```

use prooftrail_result::{Reason, ReasonCode};

use crate::{bytes::Bytes, crypto::Crypto};

/// How a report begins.
const SIGNATURE: &[u8; 4] = b"HCLA";
/// Genuine ones have 2,048 and 2,600 bytes.
pub(super) const MAX_REPORT_BYTES: usize = 16 * 1024;
/// The versions of the header: 2 came with Genoa and TDX.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=2;
/// A report that was asked for to be attested with.
const ATTEST_REQUEST: u32 = 2;
/// The version of the header of the runtime data.
const RUNTIME_VERSION: u32 = 1;
/// The bytes before the header of the runtime data, and of it.
const HARDWARE_END: usize = 1216;
const RUNTIME_HEADER_BYTES: usize = 20;

/// The bytes that are kept for the hardware's report.
pub(super) const HARDWARE_BYTES: usize = 1184;

/// A report.
#[derive(Debug)]
pub(super) struct HclReport<'a> {
    /// The header's version.
    pub(super) version: u32,
    /// The hardware's report.
    pub(super) hardware: &'a [u8; HARDWARE_BYTES],
    /// Which hardware's it is: 2 is SEV-SNP, 4 is TDX.
    pub(super) report_type: u32,
    /// How the runtime data are hashed into the hardware's report.
    pub(super) hash: HashType,
    /// The runtime data, verbatim.
    pub(super) runtime_data: &'a [u8],
}

/// How the runtime data are hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HashType {
    Sha256,
    Sha384,
    Sha512,
}

impl HashType {
    fn of(number: u32) -> Result<Self, Reason> {
        match number {
            1 => Ok(Self::Sha256),
            2 => Ok(Self::Sha384),
            3 => Ok(Self::Sha512),
            other => Err(Reason::from(ReasonCode::AzureHashType).have(other).need("1, 2 or 3")),
        }
    }

    /// The report data of hardware that vouches for runtime data: their hash and zeros.
    pub(super) fn report_data(self, crypto: &dyn Crypto, runtime_data: &[u8]) -> [u8; 64] {
        fn padded(hash: &[u8]) -> [u8; 64] {
            let mut field = [0; 64];
            field.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
            field
        }
        match self {
            Self::Sha256 => padded(&crypto.sha256(&[runtime_data])),
            Self::Sha384 => padded(&crypto.sha384(&[runtime_data])),
            Self::Sha512 => crypto.sha512(&[runtime_data]),
        }
    }
}

impl<'a> HclReport<'a> {
    /// Whether bytes begin as a report does.
    pub(super) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(SIGNATURE)
    }

    /// Reads a report.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        if bytes.len() > MAX_REPORT_BYTES {
            return Err(malformed("it is longer than any index of a TPM").have(format_args!("{} bytes", bytes.len())));
        }
        let mut reader = Bytes::new(bytes);
        Self::read(&mut reader)
            .ok_or_else(|| malformed("it ends before its parts do").have(format_args!("{} bytes", bytes.len())))?
    }

    /// Reads a report; `None` where it ends too early.
    fn read(reader: &mut Bytes<'a>) -> Option<Result<Self, Reason>> {
        if reader.array::<4>()? != SIGNATURE {
            return Some(Err(malformed("it does not begin with HCLA")));
        }
        let (version, size, request, status) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let reserved = reader.array::<12>()?;
        let hardware = reader.array()?;
        let (runtime_size, runtime_version) = (reader.u32()?, reader.u32()?);
        let (report_type, hash_type) = (reader.u32()?, reader.u32()?);
        let runtime_data = reader.with_u32_length()?;
        let whole_runtime = runtime_data.len().checked_add(RUNTIME_HEADER_BYTES)?;
        let fixed = [
            (VERSIONS.contains(&version), "the header is of no version that is known here"),
            (request == ATTEST_REQUEST, "it is the answer to another request"),
            (status == 0, "its status is not success"),
            (*reserved == [0; 12], "reserved bytes of the header are not zero"),
            (runtime_version == RUNTIME_VERSION, "the runtime data are of no version that is known here"),
            (usize::try_from(runtime_size) == Ok(whole_runtime), "the sizes of the runtime data contradict each other"),
            (usize::try_from(size) == Ok(whole_runtime.checked_add(HARDWARE_END)?), "its size contradicts its parts"),
            (reader.rest().iter().all(|byte| *byte == 0), "bytes other than zero padding follow it"),
        ];
        if let Some((_, why)) = fixed.into_iter().find(|(holds, _)| !holds) {
            return Some(Err(malformed(why)));
        }
        Some(HashType::of(hash_type).map(|hash| Self { version, hardware, report_type, hash, runtime_data }))
    }
}

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::AzureReportMalformed, format!("the paravisor's report: {why}"))
}
