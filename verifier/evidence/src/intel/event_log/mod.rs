//! Event logs of trust domains: what was measured into the run-time registers, in order.
//!
//! In: a log, as the firmware keeps it ([`TcgLog`]) or as dstack's guests hand it out ([`dstack`]). Out: [`EventLog`], the
//! registers that it replays to. A log is signed by nobody: it says something only where it replays to the registers of an
//! authentic quote, and then of its digests, not of the descriptions beside them.

mod dstack;

use prooftrail_result::{
    Reason,
    claims::{ClaimId, Claims, tdx},
};

use crate::{
    crypto::Crypto,
    tcg_log::{MAX_LOG_BYTES, TcgLog, malformed, too_large},
};

/// A log, replayed.
#[derive(Clone, Debug)]
pub(crate) struct EventLog {
    /// SHA-256 of the file.
    pub(super) sha256: [u8; 32],
    registers: [Register; 4],
    /// What a guest of dstack recorded in register 3 before it was ready.
    recorded: Vec<(ClaimId, Vec<u8>)>,
}

/// A run-time register.
#[derive(Clone, Copy, Debug)]
struct Register {
    value: [u8; 48],
    has_entries: bool,
}

impl EventLog {
    /// Replays a log that firmware keeps, if it is of a TDX guest: every entry is of MRTD, which nothing extends at run time,
    /// or extends a run-time register by SHA-384.
    pub(crate) fn of_firmware(crypto: &dyn Crypto, firmware: &TcgLog) -> Option<Self> {
        let mut log = Self::fresh(firmware.sha256);
        for entry in &firmware.entries {
            if let Some(index) = usize::try_from(entry.register).ok()?.checked_sub(1) {
                log.extend(crypto, index, &entry.sha384?)?;
            }
        }
        Some(log)
    }

    /// Reads the log of a guest of dstack.
    pub(crate) fn dstack(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > MAX_LOG_BYTES {
            return Err(too_large(file));
        }
        let mut log = Self::fresh(crypto.sha256(&[file]));
        dstack::replay(&mut log, crypto, file)?;
        Ok(log)
    }

    const fn fresh(sha256: [u8; 32]) -> Self {
        Self { sha256, registers: [Register { value: [0; 48], has_entries: false }; 4], recorded: Vec::new() }
    }

    /// Extends a register, as the module does: SHA-384 of the value and the digest.
    fn extend(&mut self, crypto: &dyn Crypto, index: usize, digest: &[u8; 48]) -> Option<()> {
        let register = self.registers.get_mut(index)?;
        *register = Register { value: crypto.sha384(&[&register.value, digest]), has_entries: true };
        Some(())
    }

    /// Whether it replays to a quote's registers: 0 to 2, and 3 where it has entries. Register 3 is the guest's, which
    /// extends it while it runs, and firmware's logs know nothing of that.
    pub(super) fn matches(&self, rtmrs: &[&[u8; 48]; 4]) -> bool {
        let pairs = self.registers.iter().zip(rtmrs).enumerate();
        pairs
            .into_iter()
            .all(|(index, (register, rtmr))| register.value == **rtmr || (index == 3 && !register.has_entries))
    }

    /// Claims what the log shows, given that it matches.
    pub(super) fn claim(&self, claims: &mut Claims) {
        for (name, payload) in &self.recorded {
            claims.insert(*name, payload.as_slice());
        }
    }
}

/// Claims whether a log among those supplied is that of these registers, and what it shows. Gives the one that is.
pub(super) fn claim<'a>(
    logs: impl Iterator<Item = &'a EventLog>,
    rtmrs: &[&[u8; 48]; 4],
    claims: &mut Claims,
) -> Option<&'a EventLog> {
    let mut logs = logs.peekable();
    logs.peek()?;
    let matching = logs.find(|log| log.matches(rtmrs));
    claims.insert(tdx::EVENT_LOG_MATCHES, matching.is_some());
    if let Some(log) = matching {
        log.claim(claims);
    }
    matching
}
