//! Entry bundles: up to 256 entries of a log. In: bytes, or entries; out: entries, or bytes. Each entry stands behind
//! its length in two bytes, big-endian. C2SP tlog-tiles, section "Log entries".

use crate::tiles::{FULL_WIDTH, Tile, TileKind};

/// The longest entry: what two bytes can count.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The longest bundle: 256 of the longest entries with their lengths.
pub const MAX_BUNDLE_BYTES: usize = 256 * (2 + MAX_ENTRY_BYTES);

/// Makes the bundle of `entries`, from left to right.
///
/// # Errors
/// [`EntryBundleError::Width`] unless there are 1 to 256; [`EntryBundleError::EntryTooLong`].
pub fn encode_entries<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, EntryBundleError> {
    if entries.is_empty() || entries.len() > FULL_WIDTH.into() {
        return Err(EntryBundleError::Width { have: entries.len() });
    }
    let mut bundle = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len()).map_err(|_| EntryBundleError::EntryTooLong {
            position,
            have: entry.len(),
            max: MAX_ENTRY_BYTES,
        })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}

/// Reads the bundle `tile`: exactly as many entries as it is wide, and nothing after them. Inverse of
/// [`encode_entries`]. Nothing is copied.
///
/// That the entries are the log's is not checked; compare [`crate::Hash::of_leaf`] of each with the tile of level 0.
///
/// # Errors
/// [`EntryBundleError`].
pub fn decode_entries(tile: Tile, bundle: &[u8]) -> Result<Vec<&[u8]>, EntryBundleError> {
    if tile.kind() != TileKind::Entries {
        return Err(EntryBundleError::NotEntries);
    }
    let mut entries = Vec::with_capacity(tile.width().into());
    let mut rest = bundle;
    for position in 0..usize::from(tile.width()) {
        let truncated = EntryBundleError::Truncated { position, need: tile.width() };
        let (length, after_length) = rest.split_first_chunk().ok_or(truncated)?;
        let length = u16::from_be_bytes(*length).into();
        let (entry, after_entry) = after_length.split_at_checked(length).ok_or(truncated)?;
        entries.push(entry);
        rest = after_entry;
    }
    if rest.is_empty() { Ok(entries) } else { Err(EntryBundleError::TrailingBytes { have: rest.len() }) }
}

/// Why entries have no bundle, or bytes are none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryBundleError {
    /// No entries, or more than a bundle holds.
    #[error("a bundle has 1 to 256 entries, not {have}")]
    Width {
        /// The number given.
        have: usize,
    },
    /// An entry whose length two bytes cannot count.
    #[error("entry {position} of the bundle has {have} bytes; at most {max} are possible")]
    EntryTooLong {
        /// Its place in the bundle, counted from 0.
        position: usize,
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// The coordinates are those of a tile of hashes.
    #[error("a tile of hashes is not an entry bundle")]
    NotEntries,
    /// The bundle ends inside an entry, or before the last one.
    #[error("the bundle ends in entry {position} of {need}")]
    Truncated {
        /// The place of the first entry that is not all there, counted from 0.
        position: usize,
        /// The number of entries that the bundle should have.
        need: u16,
    },
    /// Bytes follow the last entry.
    #[error("{have} bytes follow the last entry of the bundle")]
    TrailingBytes {
        /// Their number.
        have: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::{EntryBundleError, MAX_BUNDLE_BYTES, MAX_ENTRY_BYTES, decode_entries, encode_entries};
    use crate::tiles::Tile;

    fn bundle(width: usize) -> Tile {
        let suffix = if width == 256 { String::new() } else { format!(".p/{width}") };
        Tile::parse(&format!("tile/entries/000{suffix}")).unwrap()
    }

    #[test]
    fn bundles_come_back_as_they_were() {
        let entries = [b"one".as_slice(), b"", b"three"];
        let bytes = encode_entries(&entries).unwrap();
        assert_eq!(bytes, b"\0\x03one\0\0\0\x05three");
        assert_eq!(decode_entries(bundle(3), &bytes), Ok(entries.to_vec()));
        let full = vec![vec![7; MAX_ENTRY_BYTES]; 256];
        let bytes = encode_entries(&full).unwrap();
        assert_eq!(bytes.len(), MAX_BUNDLE_BYTES);
        assert_eq!(decode_entries(bundle(256), &bytes).unwrap(), full);
    }

    #[test]
    fn an_entry_of_65_536_bytes_is_refused() {
        assert!(encode_entries(&[vec![0; 65_535]]).is_ok());
        let reason = EntryBundleError::EntryTooLong { position: 1, have: 65_536, max: 65_535 };
        assert_eq!(encode_entries(&[vec![0; 1], vec![0; 65_536]]), Err(reason));
    }

    #[test]
    fn each_defect_has_its_reason() {
        let bytes = b"\0\x03one\0\x03two";
        let truncated = |position, need| EntryBundleError::Truncated { position, need };
        for (width, bytes, reason) in [
            (1, &bytes[..], EntryBundleError::TrailingBytes { have: 5 }),
            (3, &bytes[..], truncated(2, 3)),
            (2, &bytes[..9], truncated(1, 2)),
            (2, &bytes[..6], truncated(1, 2)),
            (2, &bytes[..5], truncated(1, 2)),
            (2, &[], truncated(0, 2)),
            (256, &[0xff; 4096], truncated(0, 256)),
        ] {
            assert_eq!(decode_entries(bundle(width), bytes), Err(reason), "{width} {bytes:?}");
        }
        let hashes = Tile::parse("tile/0/000").unwrap();
        assert_eq!(decode_entries(hashes, bytes), Err(EntryBundleError::NotEntries));
        assert_eq!(encode_entries::<&[u8]>(&[]), Err(EntryBundleError::Width { have: 0 }));
        assert_eq!(encode_entries(&[b""; 257]), Err(EntryBundleError::Width { have: 257 }));
    }
}
