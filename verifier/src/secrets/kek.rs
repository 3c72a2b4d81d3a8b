//! The key-encryption key: what wraps the data keys, and never leaves where it is kept. In: a data key and what it is
//! bound to; out: wrapped bytes that the database may hold; and back. A file holds one today ([`super::kek_file`]); a
//! PKCS#11 token or a cloud KMS is one more implementation, and asynchronous, so that a network or a token may stand
//! behind it.

use std::{pin::Pin, sync::Arc};

use super::data_key::KeyBytes;

/// The most bytes that a wrapped data key may have, whoever wraps it.
pub const MAX_WRAPPED_BYTES: usize = 1024;

/// What a key-encryption key gives in the end.
pub type Wrapping<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyEncryptionError>> + Send + 'a>>;

/// Wraps data keys, and unwraps them.
pub trait KeyEncryption: Send + Sync + 'static {
    /// A name that tells this key-encryption key from every other, and gives nothing of it away; at most 128 bytes.
    fn id(&self) -> &str;

    /// Wraps `key`. It unwraps only with the same `aad`.
    fn wrap<'a>(&'a self, key: &'a KeyBytes, aad: &'a [u8]) -> Wrapping<'a, Vec<u8>>;

    /// Unwraps what [`KeyEncryption::wrap`] has made; at most [`MAX_WRAPPED_BYTES`].
    fn unwrap<'a>(&'a self, wrapped: &'a [u8], aad: &'a [u8]) -> Wrapping<'a, KeyBytes>;
}

/// Why a data key was not wrapped or unwrapped.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyEncryptionError {
    /// Wrapped under another key, or for another purpose, or changed since.
    #[error("the wrapped data key is not authentic under this key-encryption key")]
    NotAuthentic,
    /// Wherever the key lives, it cannot be reached or does not do as asked.
    #[error("the key-encryption key cannot be used: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
}
