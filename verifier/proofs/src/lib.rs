//! Verifiers of zero-knowledge proof systems. In: the bytes of a verifying key, of a proof and of public inputs, and the
//! system's name. Out: a statement that has been proved, a typed refusal, or the word that the system is unsupported.
//! No I/O, no clock, no chance.
//!
//! | system | documents | specification |
//! |---|---|---|
//! | [`ProofSystem::Groth16Bn254`], [`ProofSystem::Groth16Bls12381`] | `verification_key.json`, `proof.json`, `public.json` of snarkjs | Groth, *On the Size of Pairing-based Non-interactive Arguments* (EUROCRYPT 2016), section 3.2; iden3/snarkjs 0.7.6 |
//!
//! A Groth16 proof can be turned into another one for the same statement by anyone who sees it. So [`ProofDigest`] names
//! bytes, and [`StatementId`] names what is proved; docs/proofs.md defines both.
//!
//! A caller starts at [`judge`], or at [`VerifyingKey::parse`] where one key verifies many proofs.

mod decimal;
mod documents;
mod error;
mod groth16;
mod identity;
mod json;
mod place;
mod point;
mod system;
mod verdict;
mod weakness;

pub use decimal::InvalidDecimal;
pub use documents::{Proof, PublicInputs, VerifyingKey};
pub use error::ProofError;
pub use identity::{ProofDigest, StatementId, VerifyingKeyDigest};
pub use json::JsonFault;
pub use place::{Document, Place};
pub use point::InvalidPoint;
pub use system::{ProofSystem, UnknownSystem};
pub use verdict::{Documents, Verdict, Verified, judge, verify};
pub use weakness::KeyWeakness;

/// The most public inputs that a key or a list may have. Circuits that are verified one by one have a few, and each
/// costs the verifier a scalar multiplication.
pub const MAX_PUBLIC_INPUTS: usize = 1024;
