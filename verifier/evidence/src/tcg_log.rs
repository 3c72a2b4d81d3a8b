//! The TCG's crypto-agile event log (TCG PC Client Platform Firmware Profile Specification, section 10; UEFI 2.10, section
//! 38.4): what TPM firmware logs beside its PCRs, and what a TDX guest's firmware logs beside its run-time registers (the ACPI
//! table CCEL).
//!
//! In: the log, perhaps in an area that is larger. Out: [`TcgLog`], what each entry extends. The first entry has the old
//! format and names the digests of the others. A log is signed by nobody: it says something only where it replays to
//! registers that somebody signed, and then of its digests, not of the descriptions beside them.

use prooftrail_result::{Reason, ReasonCode};

use crate::{bytes::Bytes, crypto::Crypto};

/// A log beyond this is refused unread; the area that firmware reserves has 256 KiB.
pub(crate) const MAX_LOG_BYTES: usize = 2 * 1024 * 1024;

/// An entry that extends nothing.
const EV_NO_ACTION: u32 = 3;
/// TPM_ALG_SHA256 and TPM_ALG_SHA384.
const SHA256: u16 = 0x000B;
const SHA384: u16 = 0x000C;
/// The beginning of the first entry's data.
const SPEC_ID: &[u8; 16] = b"Spec ID Event03\0";
/// The beginning of the data of the entry that says from which locality the TPM was started, which is the byte behind it.
const STARTUP_LOCALITY: &[u8; 16] = b"StartupLocality\0";
/// More algorithms than any log has.
const MAX_ALGORITHMS: u32 = 16;

/// A log.
#[derive(Clone, Debug)]
pub(crate) struct TcgLog {
    /// SHA-256 of the file.
    pub(crate) sha256: [u8; 32],
    /// What extends a register, in order.
    pub(crate) entries: Vec<Entry>,
    /// The locality that started the TPM, where the log says it: PCR 0 begins with it.
    pub(crate) startup_locality: u8,
}

/// An entry that extends a register.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// A TPM's PCR; of a TDX guest, 0 is MRTD and 1 to 4 are RTMR0 to 3.
    pub(crate) register: u32,
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) sha384: Option<[u8; 48]>,
}

impl TcgLog {
    /// Whether a file begins as such a log does.
    pub(crate) fn is_one(file: &[u8]) -> bool {
        first_entry(&mut Bytes::new(file)).is_some_and(|data| data.starts_with(SPEC_ID))
    }

    /// Reads a log.
    pub(crate) fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > MAX_LOG_BYTES {
            return Err(too_large(file));
        }
        let (entries, startup_locality) =
            read(file).ok_or_else(|| malformed("it ends too early, or an entry is out of form"))?;
        Ok(Self { sha256: crypto.sha256(&[file]), entries, startup_locality })
    }
}

/// A log that is larger than the cap.
pub(crate) fn too_large(file: &[u8]) -> Reason {
    let reason = Reason::from(ReasonCode::EndorsementTooLarge).have(format_args!("{} bytes", file.len()));
    reason.need(format_args!("at most {MAX_LOG_BYTES} bytes"))
}

/// A log that cannot be read.
pub(crate) fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::EventLogMalformed, format!("the event log cannot be read: {why}"))
}

/// The data of the first entry: register, type, a SHA-1 digest, and data with their length.
fn first_entry<'a>(reader: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let (_register, kind, _digest) = (reader.u32()?, reader.u32()?, reader.array::<20>()?);
    if kind != EV_NO_ACTION {
        return None;
    }
    reader.with_u32_length()
}

fn read(file: &[u8]) -> Option<(Vec<Entry>, u8)> {
    let mut reader = Bytes::new(file);
    let algorithms = algorithms(first_entry(&mut reader)?)?;
    let (mut entries, mut startup_locality) = (Vec::new(), 0);
    loop {
        let rest = reader.rest();
        // Firmware fills what is left with ones, hosts with zeros; an entry without a type and digests is neither's.
        if rest.iter().all(|byte| *byte == 0xFF) || rest.iter().all(|byte| *byte == 0) {
            return Some((entries, startup_locality));
        }
        let (register, kind, count) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if count > MAX_ALGORITHMS {
            return None;
        }
        let mut entry = Entry { register, sha256: None, sha384: None };
        for _ in 0..count {
            let algorithm = reader.u16()?;
            let (_, size) = algorithms.iter().find(|(known, _)| *known == algorithm)?;
            let digest = reader.take(*size)?;
            match algorithm {
                SHA256 => entry.sha256 = Some(digest.try_into().ok()?),
                SHA384 => entry.sha384 = Some(digest.try_into().ok()?),
                _ => {}
            }
        }
        let data = reader.with_u32_length()?;
        if kind != EV_NO_ACTION {
            entries.push(entry);
        } else if let Some([locality]) = data.strip_prefix(STARTUP_LOCALITY) {
            startup_locality = *locality;
        }
    }
}

/// The digests that entries have, with their sizes.
fn algorithms(data: &[u8]) -> Option<Vec<(u16, usize)>> {
    let mut reader = Bytes::new(data);
    if reader.array::<16>()? != SPEC_ID {
        return None;
    }
    let (_platform_class, _versions_and_size) = (reader.u32()?, reader.u32()?);
    let count = reader.u32()?;
    if count > MAX_ALGORITHMS {
        return None;
    }
    (0..count).map(|_| Some((reader.u16()?, reader.u16()?.into()))).collect()
}
