//! The record of a revocation: from now on a release, or a proof, is not to be relied upon. What was true before stays
//! recorded; a revocation says what is known since.

use prooftrail_protocol::{
    Fault, Malformed,
    cbor::{Reader, Writer},
};
use prooftrail_result::Timestamp;

use super::{MAX_RECORD_BYTES, instant, name, sentence};

const DOMAIN: &str = "prooftrail/revocation/v1";
const WHAT: &str = "revocation record";

/// What is revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Revoked {
    /// A release: its session ends, and proofs registered in it are flagged.
    Release,
    /// One registered proof.
    Proof,
}

impl Revoked {
    /// The stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Proof => "proof",
        }
    }
}

/// A revocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationRecord {
    /// Whose it is.
    pub project: String,
    /// What is revoked.
    pub what: Revoked,
    /// The Merkle leaf hash of its entry.
    pub leaf_hash: [u8; 32],
    /// The index of its entry.
    pub leaf_index: u64,
    /// Why, in a sentence; shown to relying parties.
    pub why: String,
    /// Who revoked it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl RevocationRecord {
    /// Its deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { project, what, leaf_hash, leaf_index, why, by, at } = self;
        let mut out = Writer::array(8);
        out.text(DOMAIN).text(project).text(what.as_str()).bytes(leaf_hash).uint(*leaf_index);
        out.text(why).text(by).int(at.unix_millis());
        out.finish()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let read = |reader: &mut Reader<'_>| {
            reader.named_array(8, DOMAIN)?;
            Ok(Self {
                project: name(reader, "project")?,
                what: match reader.text("what")? {
                    "release" => Revoked::Release,
                    "proof" => Revoked::Proof,
                    _ => return Err(reader.fault(Fault::Field("what"))),
                },
                leaf_hash: reader.exactly("leaf hash")?,
                leaf_index: reader.uint("leaf index")?,
                why: sentence(reader, "why")?,
                by: name(reader, "by")?,
                at: instant(reader, "at")?,
            })
        };
        Reader::strict(WHAT, bytes, MAX_RECORD_BYTES, read, Self::encode)
    }
}
