//! The table of certificates that a host hands its guests with a report (AMD GHCB specification 56421, section 4.1.8.1,
//! extended guest request; Linux gives it as `auxblob` of configfs-tsm).
//!
//! In: the table's bytes. Out: its entries of known types, each a file in a form of its own. The host made it: nothing in here
//! is trusted, and a table is read strictly only so that it can be read in one way.

use prooftrail_result::{Reason, ReasonCode};

/// A table beyond this is refused unread; hosts have a few kilobytes.
pub(crate) const MAX_TABLE_BYTES: usize = 64 * 1024;
/// More entries than any host has.
const MAX_ENTRIES: usize = 16;
/// GUID, offset, length.
const ENTRY_BYTES: usize = 24;

/// The entries that are certificates, CRLs, and Google's endorsements of firmware, by GUID as RFC 9562 writes it.
const KNOWN: &[[u8; 16]] = &[
    // VCEK: 63da758d-e664-4564-adc5-f4b93be8accd
    [0x63, 0xDA, 0x75, 0x8D, 0xE6, 0x64, 0x45, 0x64, 0xAD, 0xC5, 0xF4, 0xB9, 0x3B, 0xE8, 0xAC, 0xCD],
    // VLEK: a8074bc2-a25a-483e-aae6-39c045a0b8a1
    [0xA8, 0x07, 0x4B, 0xC2, 0xA2, 0x5A, 0x48, 0x3E, 0xAA, 0xE6, 0x39, 0xC0, 0x45, 0xA0, 0xB8, 0xA1],
    // ASK or ASVK: 4ab7b379-bbac-4fe4-a02f-05aef327c782
    [0x4A, 0xB7, 0xB3, 0x79, 0xBB, 0xAC, 0x4F, 0xE4, 0xA0, 0x2F, 0x05, 0xAE, 0xF3, 0x27, 0xC7, 0x82],
    // ARK, which is read, and never trusted for having been sent: c0b406a4-a803-4952-9743-3fb6014cd0ae
    [0xC0, 0xB4, 0x06, 0xA4, 0xA8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3F, 0xB6, 0x01, 0x4C, 0xD0, 0xAE],
    // CRL: 92f81bc3-5811-4d3d-97ff-d19f88dc67ea
    [0x92, 0xF8, 0x1B, 0xC3, 0x58, 0x11, 0x4D, 0x3D, 0x97, 0xFF, 0xD1, 0x9F, 0x88, 0xDC, 0x67, 0xEA],
    // Google's endorsement of the firmware: 9f4116cd-c503-4f5a-8f6f-fb68882f4ce2
    [0x9F, 0x41, 0x16, 0xCD, 0xC5, 0x03, 0x4F, 0x5A, 0x8F, 0x6F, 0xFB, 0x68, 0x88, 0x2F, 0x4C, 0xE2],
];

/// Whether the bytes begin as such a table does.
pub(crate) fn is_table(bytes: &[u8]) -> bool {
    bytes.first_chunk::<16>().is_some_and(|guid| KNOWN.contains(guid))
}

/// The payloads of the entries of known types, in the table's order.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<&[u8]>, Reason> {
    let malformed = |detail: &'static str| Reason::new(ReasonCode::SnpCertificateTable, detail);
    if bytes.len() > MAX_TABLE_BYTES {
        return Err(malformed("the table of certificates is larger than any host's"));
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut rest = bytes;
    loop {
        let (entry, after) = rest
            .split_first_chunk::<ENTRY_BYTES>()
            .ok_or_else(|| malformed("the table of certificates has no end: an entry of zeros"))?;
        rest = after;
        if *entry == [0; ENTRY_BYTES] {
            break;
        }
        let entry = Entry::read(entry).ok_or_else(|| malformed("an entry's place is larger than memory"))?;
        if entries.len() == MAX_ENTRIES {
            return Err(malformed("the table of certificates has more entries than any host's"));
        }
        if entries.iter().any(|known| known.guid == entry.guid) {
            return Err(malformed("the table of certificates has two entries of one type"));
        }
        entries.push(entry);
    }
    let end_of_entries = (entries.len() + 1) * ENTRY_BYTES;
    let mut places: Vec<_> = entries.iter().map(|entry| (entry.start, entry.end)).collect();
    places.sort_unstable();
    let mut end_of_last = end_of_entries;
    for (start, end) in places {
        if start < end_of_last || start == end {
            return Err(malformed("an entry is empty, or lies in the table's head or in another entry"));
        }
        end_of_last = end;
    }
    let padding = bytes.get(end_of_last..).ok_or_else(|| malformed("an entry lies outside the table"))?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(malformed("bytes that belong to no entry follow the table of certificates"));
    }
    let known = entries.iter().filter(|entry| KNOWN.contains(&entry.guid));
    Ok(known.filter_map(|entry| bytes.get(entry.start..entry.end)).collect())
}

/// Where an entry says that its payload is.
struct Entry {
    guid: [u8; 16],
    start: usize,
    end: usize,
}

impl Entry {
    fn read(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let (guid, rest) = bytes.split_first_chunk()?;
        let (start, rest) = rest.split_first_chunk()?;
        let start = usize::try_from(u32::from_le_bytes(*start)).ok()?;
        let length = usize::try_from(u32::from_le_bytes(*rest.first_chunk()?)).ok()?;
        Some(Self { guid: *guid, start, end: start.checked_add(length)? })
    }
}

#[cfg(test)]
mod tests {
    use prooftrail_result::ReasonCode;

    use super::{KNOWN, is_table, read};

    /// A table with entries at the places given, followed by bytes.
    fn table(entries: &[([u8; 16], u32, u32)], payloads: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (guid, offset, length) in entries {
            bytes.extend_from_slice(guid);
            bytes.extend_from_slice(&offset.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 24]);
        bytes.extend_from_slice(payloads);
        bytes
    }

    const OTHER: [u8; 16] = [7; 16];

    #[test]
    fn payloads_stand_where_the_entries_say() {
        let bytes = table(&[(KNOWN[0], 99, 2), (OTHER, 96, 3), (KNOWN[2], 101, 1)], b"xxxabc\0\0");
        assert!(is_table(&bytes) && !is_table(&bytes[24..]) && !is_table(b"-----BEGIN"));
        assert_eq!(read(&bytes), Ok(vec![b"ab".as_slice(), b"c"]));
        assert_eq!(read(&table(&[], b"")), Ok(vec![]));
    }

    #[test]
    fn tables_that_can_be_read_in_two_ways_are_refused() {
        let (vcek, ask) = (KNOWN[0], KNOWN[2]);
        for (name, bytes) in [
            ("no end", table(&[(vcek, 48, 1)], b"x")[..47].to_vec()),
            ("twice", table(&[(vcek, 72, 1), (vcek, 73, 1)], b"xy")),
            ("in the head", table(&[(vcek, 47, 2)], b"x")),
            ("overlapping", table(&[(vcek, 72, 2), (ask, 73, 2)], b"xyz")),
            ("empty", table(&[(vcek, 48, 0)], b"")),
            ("outside", table(&[(vcek, 48, 2)], b"x")),
            ("far outside", table(&[(vcek, u32::MAX, u32::MAX)], b"x")),
            ("trailing", table(&[(vcek, 48, 1)], b"xy")),
            ("many", table(&(0..17).map(|guid| ([guid + 1; 16], 1000, 1)).collect::<Vec<_>>(), &[1; 1000])),
            ("large", table(&[(vcek, 48, 1)], &[0; 64 * 1024])),
        ] {
            assert_eq!(read(&bytes).map_err(|reason| reason.code), Err(ReasonCode::SnpCertificateTable), "{name}");
        }
    }
}
