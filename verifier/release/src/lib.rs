//! From an affirming appraisal to a sealed key; nobody else can seal. Pure: no I/O, no clock; chance is an argument.
//!
//! ```text
//! Question ── answer ──→ Attested   challenge, context, statement and binding hold; the policy is satisfied
//!    └──→ Denial                    every reason, and the HTTP status that they mean
//! Attested ── seal ──→ SealedKey<Pending>    the header unwrapped, its one file key sealed to the context's recipient, signed
//! SealedKey<Pending> ── commit(receipt) ──→ SealedKey<Committed>    only this one becomes a response
//! ```
//!
//! [`WitnessKey`] is the secret that opens witnesses' headers. It never leaves.

mod denial;
mod question;
mod sealed_key;
mod witness_key;

pub use denial::{Denial, http_status};
pub use question::{Asked, Attested, Question, Surroundings, redeem};
pub use sealed_key::{Committed, NotStored, Pending, Receipt, SealedKey, Sealing, WrongReceipt};
pub use witness_key::{HeaderError, InvalidWitnessKey, MAX_HEADER_LINES, MAX_STANZAS, WitnessKey};
