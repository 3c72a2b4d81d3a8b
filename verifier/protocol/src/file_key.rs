//! The secret that a release is about: one age file's key. In: 16 bytes; out: the same, for the one who decrypts the
//! payload. It has no `Debug`, is compared in constant time, and is wiped when dropped.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// An age file key (C2SP age, "File key"): 16 bytes.
#[derive(Clone)]
pub struct FileKey(Zeroizing<[u8; Self::BYTES]>);

impl FileKey {
    /// Its length.
    pub const BYTES: usize = 16;

    /// The key with those bytes. The caller wipes its own copy.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Whether another key is the same, in constant time.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

/// Gives the library the key for whatever stanza it meets; the library then checks the header's MAC under it and decrypts
/// the payload, chunk by chunk.
#[cfg(feature = "age")]
impl age::Identity for FileKey {
    fn unwrap_stanza(
        &self,
        _: &age_core::format::Stanza,
    ) -> Option<Result<age_core::format::FileKey, age::DecryptError>> {
        Some(Ok(age_core::format::FileKey::init_with_mut(|key| key.copy_from_slice(self.0.as_slice()))))
    }
}
