//! A simulated AWS Nitro hypervisor: COSE_Sign1 attestation documents of enclaves and of NitroTPM, in the format that
//! AWS describes (aws-nitro-enclaves-nsm-api, docs/attestation_process.md) and with the details of genuine documents
//! that it does not (an indefinite payload map, explicit nulls, a leaf of three hours and three seconds).
//!
//! A seed and a time come in; a document, its root and the CRLs of its chain go out.

mod chain;
mod document;
mod envelope;
mod hypervisor;
mod payload;

pub use document::Document;
pub use envelope::{Element, Envelope};
pub use hypervisor::Hypervisor;
pub use payload::{Field, Payload};

use sha2::{Digest, Sha384};

/// The value of a fresh PCR after one extension by `data`: SHA-384 of 48 zero bytes and `data`.
///
/// PCR3 is this of the IAM role's ARN and PCR4 of the instance id, both in ASCII.
#[must_use]
pub fn extended(data: &[u8]) -> [u8; 48] {
    Sha384::new().chain_update([0; 48]).chain_update(data).finalize().into()
}
