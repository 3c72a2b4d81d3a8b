//! The log of a guest of dstack: JSON with every entry of every register (dstack's guest agent, `GetQuote`).
//!
//! In: the answer of the guest agent, whose `event_log` is a list, or the text of one. Out: extended registers, and what
//! the guest recorded of itself. The digest of a run-time entry (type 0x08000001) covers its name and payload, and is
//! computed here; the digests of the others are taken as they stand, since the quote vouches for them.

use prooftrail_result::{
    Reason,
    claims::{ClaimId, tdx},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EventLog, malformed};
use crate::{
    crypto::Crypto,
    json::{self, JsonError},
};

/// The type of entries that the guest makes while it runs.
const RUNTIME_EVENT: u32 = 0x0800_0001;

/// The entry after which the guest's own programs, and no longer dstack, extend the register.
const READY: &str = "system-ready";

/// What dstack records, by entry.
const RECORDED: [(&str, ClaimId); 5] = [
    ("app-id", tdx::DSTACK_APP_ID),
    ("instance-id", tdx::DSTACK_INSTANCE_ID),
    ("compose-hash", tdx::DSTACK_COMPOSE_HASH),
    ("key-provider", tdx::DSTACK_KEY_PROVIDER),
    ("os-image-hash", tdx::DSTACK_OS_IMAGE_HASH),
];

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    event_log: &'a RawValue,
}

#[derive(Deserialize)]
struct Entry {
    imr: usize,
    event_type: u32,
    digest: String,
    event: String,
    event_payload: String,
}

/// Replays a log.
pub(super) fn replay(log: &mut EventLog, crypto: &dyn Crypto, file: &[u8]) -> Result<(), Reason> {
    let Answer { event_log } = read(file)?;
    let entries: Vec<Entry> = if event_log.get().starts_with('"') {
        read(read::<String>(event_log.get().as_bytes())?.as_bytes())?
    } else {
        read(event_log.get().as_bytes())?
    };
    let mut is_ready = false;
    let mut recorded: Vec<(ClaimId, Vec<u8>)> = Vec::new();
    for entry in &entries {
        let digest = digest(entry, crypto)?;
        log.extend(crypto, entry.imr, &digest).ok_or_else(|| malformed("an entry is of no run-time register"))?;
        if entry.imr != 3 || entry.event_type != RUNTIME_EVENT || is_ready {
            continue;
        }
        is_ready = entry.event == READY;
        if let Some((_, name)) = RECORDED.into_iter().find(|(event, _)| *event == entry.event) {
            recorded.push((name, payload(entry)?));
        }
    }
    // What was recorded twice is neither.
    let once = |name: ClaimId| recorded.iter().filter(|(other, _)| *other == name).count() == 1;
    log.recorded = recorded.iter().filter(|(name, _)| once(*name)).cloned().collect();
    Ok(())
}

/// What an entry extends its register by.
fn digest(entry: &Entry, crypto: &dyn Crypto) -> Result<[u8; 48], Reason> {
    let mut stated = [0; 48];
    let is_stated = hex::decode_to_slice(&entry.digest, &mut stated).is_ok();
    if entry.event_type == RUNTIME_EVENT {
        let computed =
            crypto.sha384(&[&RUNTIME_EVENT.to_le_bytes(), b":", entry.event.as_bytes(), b":", &payload(entry)?]);
        // Stripped logs leave it out.
        if entry.digest.is_empty() || (is_stated && stated == computed) {
            return Ok(computed);
        }
        return Err(malformed("a run-time entry has not the digest of its name and payload"));
    }
    if is_stated { Ok(stated) } else { Err(malformed("an entry has no SHA-384 digest")) }
}

fn payload(entry: &Entry) -> Result<Vec<u8>, Reason> {
    hex::decode(&entry.event_payload).map_err(|_| malformed("a payload is not in hex"))
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Reason> {
    json::read(text).map_err(|error| match error {
        JsonError::DuplicateKey(why) | JsonError::Malformed(why) | JsonError::Shape(why) => malformed(&why),
    })
}
