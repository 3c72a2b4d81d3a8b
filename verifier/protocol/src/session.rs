//! A session's request for a further witness, without new evidence: the proof key, which the first evidence carried, signs
//! which session asks, in which turn, for which witness.

use crate::{cbor::Writer, names::ReleaseId};

/// `[session, sequence, SHA-384(witness header)]`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionRequest {
    /// The session: the id of the release that opened it.
    pub session: ReleaseId,
    /// The turn: 1 for the first witness after that release, then one more each time, so that no request counts twice.
    pub sequence: u64,
    /// SHA-384 of the further witness's age header.
    pub header_sha384: [u8; 48],
}

impl SessionRequest {
    /// What stands before the message that is signed.
    pub(crate) const DOMAIN: &[u8] = b"prooftrail/session-request/v1\0";

    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { session, sequence, header_sha384 } = self;
        let mut out = Writer::array(3);
        out.bytes(&session.0).uint(*sequence).bytes(header_sha384);
        out.finish()
    }
}
