//! A token before it is signed (RFC 7515, section 7.1). Untouched, it is in compact serialisation, signed with the algorithm
//! of its key.

use super::{Json, base64url};
use crate::{edit::Edit, key::Key};

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The header.
    pub header: Json,
    /// The claims.
    pub payload: Json,
    /// The key that signs.
    pub key: Key,
    /// Edits of the payload's text before it is signed.
    pub before: Vec<Edit>,
    /// Edits of the signature's bytes.
    pub signature: Vec<Edit>,
    /// Edits of the finished text.
    pub after: Vec<Edit>,
}

impl Token {
    /// A token of that payload.
    #[must_use]
    pub fn new(header: Json, payload: Json, key: Key) -> Self {
        Self { header, payload, key, before: Vec::new(), signature: Vec::new(), after: Vec::new() }
    }

    /// The text.
    ///
    /// # Panics
    /// When an edit leaves it no text.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a token is text, whatever a test makes of it")]
    pub fn build(&self) -> String {
        let mut payload = self.payload.to_string().into_bytes();
        self.before.iter().for_each(|edit| edit.apply(&mut payload));
        let signed = format!("{}.{}", base64url(self.header.to_string().as_bytes()), base64url(&payload));
        let mut signature = self.key.sign(signed.as_bytes()).fixed();
        self.signature.iter().for_each(|edit| edit.apply(&mut signature));
        let mut text = format!("{signed}.{}", base64url(&signature)).into_bytes();
        self.after.iter().for_each(|edit| edit.apply(&mut text));
        String::from_utf8(text).expect("text")
    }
}
