//! The log that a guest's firmware keeps (ACPI table CCEL), in the TCG's crypto-agile format (TCG PC Client Platform
//! Firmware Profile Specification, section 10; UEFI 2.10, section 38.4).
//!
//! In: the log area, which is larger than the log. Out: extended registers. The first entry has the old format and names
//! the digests of the others. Measurement register 0 is MRTD, which nothing extends at run time; 1 to 4 are RTMR0 to 3.

use super::EventLog;
use crate::{crypto::Crypto, intel::bytes::Bytes};

/// An entry that extends nothing.
const EV_NO_ACTION: u32 = 3;
/// TPM_ALG_SHA384.
const SHA384: u16 = 0x000C;
/// The beginning of the first entry's data.
const SPEC_ID: &[u8; 16] = b"Spec ID Event03\0";
/// More algorithms than any log has.
const MAX_ALGORITHMS: u32 = 16;

/// Whether a file begins as such a log does.
pub(crate) fn is_ccel(file: &[u8]) -> bool {
    first_entry(&mut Bytes::new(file)).is_some_and(|data| data.starts_with(SPEC_ID))
}

/// The data of the first entry: register, type, a SHA-1 digest, and data with their length.
fn first_entry<'a>(reader: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let (_register, kind, _digest) = (reader.u32()?, reader.u32()?, reader.array::<20>()?);
    if kind != EV_NO_ACTION {
        return None;
    }
    reader.with_u32_length()
}

/// Replays a log.
pub(super) fn replay(log: &mut EventLog, crypto: &dyn Crypto, file: &[u8]) -> Option<()> {
    let mut reader = Bytes::new(file);
    let algorithms = algorithms(first_entry(&mut reader)?)?;
    loop {
        let rest = reader.rest();
        // Firmware fills what is left with ones, hosts with zeros; an entry without a type and digests is neither's.
        if rest.iter().all(|byte| *byte == 0xFF) || rest.iter().all(|byte| *byte == 0) {
            return Some(());
        }
        let (register, kind, count) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if count > MAX_ALGORITHMS {
            return None;
        }
        let mut sha384 = None;
        for _ in 0..count {
            let algorithm = reader.u16()?;
            let (_, size) = algorithms.iter().find(|(known, _)| *known == algorithm)?;
            let digest = reader.take(*size)?;
            if algorithm == SHA384 {
                sha384 = Some(digest.try_into().ok()?);
            }
        }
        let _data = reader.with_u32_length()?;
        match (kind, register) {
            // Some of Google's name register -1.
            (EV_NO_ACTION, _) | (_, 0) => {}
            (_, register) => log.extend(crypto, usize::try_from(register).ok()?.checked_sub(1)?, sha384?)?,
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
