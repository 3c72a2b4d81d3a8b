//! JSON Object Signing and Encryption: what every kind of evidence that is a vendor's signed token shares.
//!
//! In: a token in compact serialisation ([`Compact`]), key sets (RFC 7517), and what is known of the issuer ([`Issuer`]). Out:
//! claims whose signature, key and times were found good, in this order: form → algorithm (one list per issuer, compared
//! before anything else is looked at) → the kind's own check of who issued it → key id, key, chain ([`Signer`]) → signature →
//! times ([`time`]). A kind is a module of its own: it says what of the payload it reads ([`members`]), and who may have
//! issued it, and [`Token`] walks.
//! RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (JWA), RFC 7519 (JWT), RFC 8725 (best practices).

mod algorithm;
mod compact;
mod issuer;
mod key;
mod key_set;
pub(crate) mod members;
mod roots;
mod time;
mod token;

pub(crate) use algorithm::Algorithm;
pub(crate) use compact::{Compact, MAX_TOKEN_BYTES};
pub(crate) use issuer::{Authority, ChainRule, Issuer, Signer};
pub(crate) use key_set::{KeySet, is_key_set};
pub(crate) use members::Texts;
pub use roots::{bare_root, read_key_sets};
pub(crate) use token::Token;
