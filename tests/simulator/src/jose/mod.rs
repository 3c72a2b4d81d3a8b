//! Tokens and key sets of issuers (RFC 7515, RFC 7517): header, payload and keys come in, each open to change; text goes out.

mod json;
mod key_set;
mod token;

pub use json::Json;
pub use key_set::{Jwk, KeySet};
pub use token::Token;

use crate::base64;

/// Base64url without padding (RFC 7515, section 2).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    base64::base64url(bytes).trim_end_matches('=').to_owned()
}
