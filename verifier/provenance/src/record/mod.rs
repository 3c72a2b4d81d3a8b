//! Records: what the ledger's entries commit to. In: what happened, or a record's bytes; out: one deterministic encoding
//! (RFC 8949, section 4.2), strictly read and capped.
//!
//! A record is a CBOR array whose first item names it and its version. An entry holds only SHA-256(salt ‖ record), so a
//! record can be shown to one and withheld from another, or erased, without breaking a proof. docs/provenance.md.

mod decision;
mod proof;
mod revocation;

pub use decision::{DecisionRecord, EvidenceRecord, PolicyRecord, RecordedChallenge, RecordedRelease};
pub use proof::{ProofEntry, ProofFinding};
use prooftrail_protocol::{
    Fault, Malformed,
    cbor::{Reader, Writer},
};
use prooftrail_result::Timestamp;
pub use revocation::{RevocationRecord, Revoked};

/// The longest record, in bytes.
pub const MAX_RECORD_BYTES: usize = 256 << 10;
/// The longest name in a record: of a project, a policy, a build, a person.
pub const MAX_NAME_BYTES: usize = 256;
/// The longest sentence in a record, in bytes: a reason's detail, or what it has and needs (1,024 characters and an ellipsis).
pub const MAX_SENTENCE_BYTES: usize = 4 * 1024 + 8;
/// The most reasons of a decision.
pub const MAX_REASONS: usize = 512;
/// The most silicon roots that a service trusts.
pub const MAX_ROOTS: usize = 256;

/// A name: not empty, of at most [`MAX_NAME_BYTES`], without control characters.
fn name(reader: &mut Reader<'_>, field: &'static str) -> Result<String, Malformed> {
    let text = reader.text(field)?;
    let fits = (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(reader.fault(Fault::Field(field))) }
}

/// A sentence of at most [`MAX_SENTENCE_BYTES`].
fn sentence(reader: &mut Reader<'_>, field: &'static str) -> Result<String, Malformed> {
    let text = reader.text(field)?;
    if text.len() <= MAX_SENTENCE_BYTES { Ok(text.to_owned()) } else { Err(reader.fault(Fault::Field(field))) }
}

/// An instant in milliseconds since the Unix epoch.
fn instant(reader: &mut Reader<'_>, field: &'static str) -> Result<Timestamp, Malformed> {
    Timestamp::from_unix_millis(reader.int(field)?).ok_or(reader.fault(Fault::Field(field)))
}

/// Digests, each of the same length.
fn digests<const N: usize>(
    reader: &mut Reader<'_>,
    max: usize,
    field: &'static str,
) -> Result<Vec<[u8; N]>, Malformed> {
    (0..reader.array(max, field)?).map(|_| reader.exactly(field)).collect()
}

fn write_digests<const N: usize>(out: &mut Writer, digests: &[[u8; N]]) {
    out.nested_array(digests.len());
    for digest in digests {
        out.bytes(digest);
    }
}
