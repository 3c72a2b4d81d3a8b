//! Event logs of trust domains: what was measured into the run-time registers, in order.
//!
//! In: a log, as the firmware keeps it ([`ccel`]) or as dstack's guests hand it out ([`dstack`]). Out: [`EventLog`], the
//! registers that it replays to. A log is signed by nobody: it says something only where it replays to the registers of an
//! authentic quote, and then of its digests, not of the descriptions beside them.

mod ccel;
mod dstack;

pub(crate) use ccel::is_ccel;

use prooftrail_result::{
    Reason, ReasonCode,
    claims::{ClaimId, Claims, tdx},
};

use crate::crypto::Crypto;

/// A log beyond this is refused unread; the area that firmware reserves has 256 KiB.
const MAX_LOG_BYTES: usize = 2 * 1024 * 1024;

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
    /// Reads the log that firmware keeps.
    pub(crate) fn ccel(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        let mut log = Self::empty(crypto, file)?;
        ccel::replay(&mut log, crypto, file)
            .ok_or_else(|| malformed("it ends too early, or an entry is out of form"))?;
        Ok(log)
    }

    /// Reads the log of a guest of dstack.
    pub(crate) fn dstack(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        let mut log = Self::empty(crypto, file)?;
        dstack::replay(&mut log, crypto, file)?;
        Ok(log)
    }

    fn empty(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > MAX_LOG_BYTES {
            let reason = Reason::from(ReasonCode::EndorsementTooLarge).have(format_args!("{} bytes", file.len()));
            return Err(reason.need(format_args!("at most {MAX_LOG_BYTES} bytes")));
        }
        let fresh = Register { value: [0; 48], has_entries: false };
        Ok(Self { sha256: crypto.sha256(&[file]), registers: [fresh; 4], recorded: Vec::new() })
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

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::EventLogMalformed, format!("the event log cannot be read: {why}"))
}
