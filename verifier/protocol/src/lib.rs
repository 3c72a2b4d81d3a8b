//! What agent and service say to each other, and what both must compute alike: challenges, context, statement, binding,
//! sealed file keys, release terms, proof records, and the JSON around them. docs/protocol.md is the specification.
//!
//! Pure: no I/O, no clock; chance is an argument. The story of a release, in types:
//!
//! ```text
//! service                                        agent
//! Challenge → ChallengeToken ──────────────────→ Nonce
//!                                                Context{nonce, RecipientKey, ProofKey} + Statement
//!                                                → KindValue per device (attached), then the CPU's (primary)
//! token, context, statement, evidence ←───────── wire::ReleaseRequest
//! ReleaseTerms, Sealed, ReleaseSignature ──────→ Ask::check → CheckedRelease::open → FileKey
//! SignedProofRecord ←─────────────────────────── ProofKey::sign
//! ```
//!
//! Everything hashed or signed is deterministic CBOR (RFC 8949, section 4.2). Everything parsed is capped ([`limits`]), and
//! refused with a typed [`Malformed`] unless it is the one encoding of what it says.

pub mod cbor;
pub mod limits;
pub mod wire;

mod ask;
mod binding;
mod challenge;
mod context;
mod digest;
mod file_key;
mod malformed;
mod names;
mod proof_key;
mod proof_record;
mod release_key;
mod sealing;
mod session;
mod signature;
mod statement;
mod terms;

pub use ask::{Ask, CheckedRelease, Offer, OpenError};
pub use binding::{KindValue, OtherPiece, Place, attached, attached_32, attached_value, place, primary, primary_of};
pub use cbor::argv_sha384;
#[doc(hidden)]
pub use challenge::read_token;
pub use challenge::{Challenge, ChallengeError, ChallengeToken, FleetKey, FleetKeys, Nonce};
pub use context::Context;
pub use digest::{sha256, sha384};
pub use file_key::FileKey;
/// The random number generator's trait, of the version that this crate takes.
pub use hpke::rand_core;
pub use malformed::{Fault, Malformed};
pub use names::{KeyName, KeyRef, Origin, Purpose, ReleaseId, SealingSuite};
pub use proof_key::{ProofKey, ProofPublic};
pub use proof_record::{ProofRecord, ProofRecordError, SignedProofRecord};
pub use release_key::{ReleaseKey, ReleasePublic};
pub use sealing::{RecipientKey, RecipientPublic, Sealed, SealingError, seal};
pub use session::SessionRequest;
pub use signature::{BadSignature, Signature};
pub use statement::{GpuCcMode, Statement, sandbox};
pub use terms::ReleaseTerms;
