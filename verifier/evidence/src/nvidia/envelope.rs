//! How reports are sent: one as the device returned it, its certificates among the endorsements; or JSON with up to sixteen,
//! each with its certificates, as NVIDIA's tools write it.
//!
//! In: bytes. Out: [`Sent`] reports, decoded and not understood. Nobody signs the envelope, so that nothing in it counts but
//! what can be compared with what is signed; keys other than these are passed over.
//!
//! ```text
//! [ { "arch": "HOPPER", "nonce": "<hex>", "evidence": "<base64>", "certificate": "<base64 of five certificates in PEM>" } … ]
//! ```

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;

use crate::{
    endorsements::pem_block,
    json::{self, JsonError},
};

/// Evidence beyond this is refused unread: sixteen reports with their certificates, twice in base64.
pub(super) const MAX_EVIDENCE_BYTES: usize = 512 * 1024;

/// The devices of one piece of evidence.
const MAX_DEVICES: usize = 16;
/// A chain has five certificates; more are not read.
const MAX_CERTIFICATES: usize = 8;

/// A report as it was sent.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    pub(super) report: Cow<'a, [u8]>,
    /// What came with it; where it came alone, its certificates stand among the endorsements.
    pub(super) envelope: Option<Envelope>,
}

/// What comes with a report.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The architecture, as the sender spells it.
    pub(super) architecture: String,
    /// The nonce that the sender asked with.
    pub(super) nonce: [u8; 32],
    /// The certificates in DER, as they were sent.
    pub(super) certificates: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Entry {
    arch: String,
    nonce: String,
    evidence: String,
    certificate: String,
}

/// Takes evidence apart.
pub(super) fn open(bytes: &[u8]) -> Result<Vec<Sent<'_>>, Reason> {
    if !bytes.trim_ascii_start().starts_with(b"[") {
        return Ok(vec![Sent { report: Cow::Borrowed(bytes), envelope: None }]);
    }
    let entries: Vec<Entry> = json::read(bytes).map_err(|error| match error {
        JsonError::Malformed(why) | JsonError::DuplicateKey(why) | JsonError::Shape(why) => malformed(&why),
    })?;
    if !(1..=MAX_DEVICES).contains(&entries.len()) {
        return Err(malformed("it has no device, or too many")
            .have(entries.len())
            .need(format_args!("1 to {MAX_DEVICES}")));
    }
    entries.into_iter().map(Entry::decode).collect()
}

impl Entry {
    fn decode(self) -> Result<Sent<'static>, Reason> {
        let report = STANDARD.decode(&self.evidence).map_err(|_| malformed("evidence is not base64"))?;
        let mut nonce = [0; 32];
        hex::decode_to_slice(&self.nonce, &mut nonce).map_err(|_| malformed("nonce is not 32 bytes in hex"))?;
        let certificates = STANDARD.decode(&self.certificate).ok();
        let certificates = certificates.as_deref().and_then(certificates_of);
        let certificates =
            certificates.ok_or_else(|| malformed("certificate is not base64 of a few certificates in PEM"))?;
        let envelope = Envelope { architecture: self.arch, nonce, certificates };
        Ok(Sent { report: Cow::Owned(report), envelope: Some(envelope) })
    }
}

/// The certificates of a PEM text.
fn certificates_of(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut certificates = Vec::with_capacity(MAX_CERTIFICATES);
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        let (label, der, after) = pem_block(rest)?;
        if label != "CERTIFICATE" || certificates.len() == MAX_CERTIFICATES {
            return None;
        }
        certificates.push(der);
        rest = after.trim_ascii_start();
    }
    Some(certificates)
}

fn malformed(why: &str) -> Reason {
    Reason::new(ReasonCode::NvidiaEnvelope, format!("the evidence is no list of reports: {why}"))
}
