//! Base64url without padding (RFC 4648, section 5), one spelling for each byte string.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::malformed::{Fault, Malformed};

/// The text of bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a text of at most `max` characters.
///
/// # Errors
/// [`Malformed`] where it is longer, or not the one spelling of its bytes.
pub fn decode(text: &str, what: &'static str, max: usize) -> Result<Vec<u8>, Malformed> {
    if text.len() > max {
        return Err(Malformed::new(what, Fault::TooLarge { have: text.len(), max }));
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed::new(what, Fault::Base64))
}
