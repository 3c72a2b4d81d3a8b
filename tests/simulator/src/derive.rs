//! Everything that hardware would draw at random, derived from a label instead: the same label gives the same bytes.

use sha2::{Digest, Sha256};

/// The first `N` bytes that belong to `label`; at most 32.
///
/// # Panics
/// When more than the 32 bytes of a SHA-256 are asked for.
#[expect(clippy::expect_used, reason = "a caller's constant; the largest in this crate is 32")]
pub(crate) fn bytes<const N: usize>(label: &str) -> [u8; N] {
    let digest = Sha256::digest(format!("prooftrail-simulator/{label}"));
    *digest.first_chunk().expect("at most 32 bytes")
}

/// The content of a positive DER INTEGER of `N` bytes that needs no padding: what a certification authority draws as
/// a serial number.
pub(crate) fn serial<const N: usize>(label: &str) -> Vec<u8> {
    let mut serial = bytes::<N>(label).to_vec();
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x7F) | 0x40;
    }
    serial
}

/// The first `digits` hexadecimal digits that belong to `label`; at most 64.
pub(crate) fn hex(label: &str, digits: usize) -> String {
    hex::encode(bytes::<32>(label)).chars().take(digits).collect()
}

/// A UUID, in the usual spelling, that belongs to `label`.
pub(crate) fn uuid(label: &str) -> String {
    let digits = hex(label, 32);
    let mut uuid = String::with_capacity(36);
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}
