//! The log of a TPM's firmware, replayed into the SHA-256 bank.
//!
//! In: a log, as [`TcgLog`] reads it. Out: [`PcrLog`], the registers that it leads to. Registers 0 to 7 are the firmware's, so
//! that its log says all of them; of the others it says those that it has entries of, which what runs later may extend
//! further, and then the log is no longer the whole story and does not match.

use crate::{crypto::Crypto, tcg_log::TcgLog};

/// The registers of a TPM of the PC Client profile.
const REGISTERS: usize = 24;
/// The registers that firmware alone extends (PC Client Platform Firmware Profile, section 3.3.4).
const FIRMWARE_REGISTERS: usize = 8;

/// A log, replayed.
#[derive(Clone, Debug)]
pub(crate) struct PcrLog {
    /// SHA-256 of the file.
    pub(super) sha256: [u8; 32],
    registers: [Option<[u8; 32]>; REGISTERS],
}

impl PcrLog {
    /// Replays a log, if every entry extends a register of a TPM by SHA-256.
    pub(crate) fn of_firmware(crypto: &dyn Crypto, log: &TcgLog) -> Option<Self> {
        let mut registers = [None; REGISTERS];
        for entry in &log.entries {
            let register = registers.get_mut(usize::try_from(entry.register).ok()?)?;
            let before = register.unwrap_or_else(|| first_value(entry.register, log.startup_locality));
            *register = Some(crypto.sha256(&[&before, &entry.sha256?]));
        }
        Some(Self { sha256: log.sha256, registers })
    }

    /// Whether it leads to quoted registers.
    pub(super) fn matches(&self, quoted: &[(u8, [u8; 32])]) -> bool {
        quoted.iter().all(|(number, value)| {
            let index = usize::from(*number);
            match self.registers.get(index) {
                Some(Some(replayed)) => replayed == value,
                _ => index >= FIRMWARE_REGISTERS || *value == [0; 32],
            }
        })
    }
}

/// What a register holds before it is extended: zeros, but register 0 ends in the locality that started the TPM.
const fn first_value(register: u32, locality: u8) -> [u8; 32] {
    let mut value = [0; 32];
    if register == 0
        && let [.., last] = &mut value
    {
        *last = locality;
    }
    value
}
