//! Base64 as C2SP uses it: the standard alphabet with padding (RFC 4648 section 4), refused unless it is the one
//! canonical spelling of its bytes. In: text already inside a cap; out: at most three quarters as many bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Decodes `text`; `None` if it is not canonical base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Encodes `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
