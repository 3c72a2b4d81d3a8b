//! Evidence identity. It is never the hash of the received bytes: ECDSA twins, padding and unsigned envelope fields make
//! many byte strings for one piece of evidence. Each kind's rule stands in docs/evidence-ids.md.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Kind;

/// The kind and the SHA-384 of the exact bytes that the hardware (or the token issuer) signed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EvidenceId {
    /// The format of the evidence.
    pub kind: Kind,
    /// SHA-384 of the signed bytes, 48 bytes.
    pub signed_sha384: [u8; 48],
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, hex::encode(self.signed_sha384))
    }
}

impl Serialize for EvidenceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
