//! What the log reads from its database and its disk: whatever is accepted has one spelling.

use prooftrail::log::{batch::split_entries, entry::Entry, guard::Guard};

/// Entries.
pub(crate) fn entry(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
}

/// Guard files.
pub(crate) fn guard(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(guard) = text.parse::<Guard>() {
        assert_eq!(guard.to_string(), text);
    }
}

/// The entries of a stored batch: the first eight bytes are how many there should be.
pub(crate) fn batch(bytes: &[u8]) {
    let Some((count, bytes)) = bytes.split_first_chunk() else { return };
    let count = u64::from_be_bytes(*count);
    if let Ok(entries) = split_entries(bytes, count) {
        assert_eq!(u64::try_from(entries.len()), Ok(count));
        let length: usize = entries.iter().map(|entry| 2 + entry.len()).sum();
        assert_eq!(length, bytes.len());
    }
}
