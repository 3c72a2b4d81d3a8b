//! The table of certificates that a host hands its guests (GHCB specification 56421).

/// The type of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// The VCEK's certificate.
    Vcek,
    /// The VLEK's certificate.
    Vlek,
    /// The ASK's or ASVK's certificate.
    Ask,
    /// The ARK's certificate.
    Ark,
    /// The ARK's revocation list.
    Crl,
    /// Google's endorsement of the firmware.
    GceFirmware,
    /// Something else.
    Other,
}

impl Entry {
    /// The GUID, as text.
    const fn guid(self) -> &'static str {
        match self {
            Self::Vcek => "63da758de6644564adc5f4b93be8accd",
            Self::Vlek => "a8074bc2a25a483eaae639c045a0b8a1",
            Self::Ask => "4ab7b379bbac4fe4a02f05aef327c782",
            Self::Ark => "c0b406a4a803495297433fb6014cd0ae",
            Self::Crl => "92f81bc358114d3d97ffd19f88dc67ea",
            Self::GceFirmware => "9f4116cdc5034f5a8f6ffb68882f4ce2",
            Self::Other => "ecae0c0f950243b1afa20ae2e0d565b6",
        }
    }
}

/// The table, with payloads in the order given.
///
/// # Panics
/// When the table would not fit 32-bit offsets.
#[must_use]
#[expect(clippy::expect_used, reason = "a test's table is some kilobytes")]
pub fn certificate_table(entries: &[(Entry, &[u8])]) -> Vec<u8> {
    let mut head = Vec::new();
    let mut payloads = Vec::new();
    let head_bytes = (entries.len() + 1) * 24;
    for (entry, payload) in entries {
        let word = |number: usize| u32::try_from(number).expect("a small table").to_le_bytes();
        head.extend(hex::decode(entry.guid()).expect("hexadecimal digits"));
        head.extend(word(head_bytes + payloads.len()));
        head.extend(word(payload.len()));
        payloads.extend_from_slice(payload);
    }
    head.extend([0; 24]);
    head.extend(payloads);
    head
}
