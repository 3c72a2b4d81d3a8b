//! Writes enclave images, right or wrong, from the description of the format and with nothing of the reader's. An
//! [`Image`] comes in, bytes go out; what a field leaves alone follows from the sections.

use prooftrail_evidence::{AwsLc, Crypto};

pub(super) const KERNEL: u16 = 1;
pub(super) const CMDLINE: u16 = 2;
pub(super) const RAMDISK: u16 = 3;
pub(super) const SIGNATURE: u16 = 4;
pub(super) const METADATA: u16 = 5;

/// An image before it is written.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) magic: [u8; 4],
    pub(super) version: u16,
    pub(super) flags: u16,
    pub(super) reserved: u16,
    pub(super) unused: u32,
    pub(super) sections: Vec<Section>,
    /// The number of sections; `None` is the true one.
    pub(super) count: Option<u16>,
    /// Entries of the table of offsets that are not the true ones.
    pub(super) offsets: Vec<(usize, u64)>,
    /// Entries of the table of sizes that are not the true ones.
    pub(super) sizes: Vec<(usize, u64)>,
    /// What follows the last section.
    pub(super) trailing: Vec<u8>,
    /// What is added to the checksum.
    pub(super) checksum_error: u32,
}

/// A section before it is written.
#[derive(Clone)]
pub(super) struct Section {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) content: Vec<u8>,
    /// The size in the section's own header; `None` is the true one.
    pub(super) size: Option<u64>,
}

impl Section {
    pub(super) fn new(kind: u16, content: &[u8]) -> Self {
        Self { kind, flags: 0, content: content.to_vec(), size: None }
    }
}

impl Image {
    /// An unsigned image of version 4, in the order that AWS's tools write.
    pub(super) fn new() -> Self {
        Self {
            magic: *b".eif",
            version: 4,
            flags: 0,
            reserved: 0,
            unused: 0,
            sections: vec![
                Section::new(KERNEL, b"kernel"),
                Section::new(CMDLINE, b"console=ttyS0"),
                Section::new(METADATA, b"{}"),
                Section::new(RAMDISK, b"init"),
                Section::new(RAMDISK, b"application"),
            ],
            count: None,
            offsets: Vec::new(),
            sizes: Vec::new(),
            trailing: Vec::new(),
            checksum_error: 0,
        }
    }

    /// This image after a change.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The bytes of the file.
    pub(super) fn write(&self) -> Vec<u8> {
        let (mut offsets, mut sizes) = ([0_u64; 32], [0_u64; 32]);
        let mut body = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let length = super::length(&section.content);
            if let (Some(offset), Some(size)) = (offsets.get_mut(index), sizes.get_mut(index)) {
                (*offset, *size) = (548 + super::length(&body), length);
            }
            body.extend(section.kind.to_be_bytes());
            body.extend(section.flags.to_be_bytes());
            body.extend(section.size.unwrap_or(length).to_be_bytes());
            body.extend(&section.content);
        }
        body.extend(&self.trailing);
        self.offsets.iter().for_each(|&(index, offset)| offsets[index] = offset);
        self.sizes.iter().for_each(|&(index, size)| sizes[index] = size);

        let mut file = self.magic.to_vec();
        file.extend(self.version.to_be_bytes());
        file.extend(self.flags.to_be_bytes());
        file.extend((1_u64 << 30).to_be_bytes());
        file.extend(2_u64.to_be_bytes());
        file.extend(self.reserved.to_be_bytes());
        file.extend(self.count.unwrap_or(self.sections.len().try_into().unwrap()).to_be_bytes());
        file.extend(offsets.iter().chain(&sizes).flat_map(|entry| entry.to_be_bytes()));
        file.extend(self.unused.to_be_bytes());
        file.extend([0; 4]);
        file.extend(body);
        repair_checksum(&mut file);
        let stored: [u8; 4] = file[544..548].try_into().unwrap();
        let wrong = u32::from_be_bytes(stored).wrapping_add(self.checksum_error);
        file[544..548].copy_from_slice(&wrong.to_be_bytes());
        file
    }

    /// PCR0, PCR1 and PCR2, of the sections in their order.
    pub(super) fn registers(&self) -> [[u8; 48]; 3] {
        let measured = self.sections.iter().filter(|section| matches!(section.kind, KERNEL..=RAMDISK));
        let (mut image, mut boot, mut application) = (Vec::new(), Vec::new(), Vec::new());
        let mut ramdisks = 0;
        for section in measured {
            ramdisks += usize::from(section.kind == RAMDISK);
            image.extend(&section.content);
            let later = section.kind == RAMDISK && ramdisks > 1;
            if later { &mut application } else { &mut boot }.extend(&section.content);
        }
        [image, boot, application].map(|content| extend(&content))
    }
}

/// A register of zeros, extended by the hash of `content`.
pub(super) fn extend(content: &[u8]) -> [u8; 48] {
    AwsLc.sha384(&[&[0; 48], &AwsLc.sha384(&[content])])
}

/// Makes the checksum of a file right.
pub(super) fn repair_checksum(file: &mut [u8]) {
    let checksum = crc32([&file[..544], &file[548..]]);
    file[544..548].copy_from_slice(&checksum.to_be_bytes());
}

/// CRC-32/ISO-HDLC: polynomial 0x04C11DB7 reflected, register and result inverted.
fn crc32(parts: [&[u8]; 2]) -> u32 {
    let mut register = u32::MAX;
    for &byte in parts.into_iter().flatten() {
        register ^= u32::from(byte);
        for _ in 0..8 {
            let divisor = if register & 1 == 1 { 0xEDB8_8320 } else { 0 };
            register = register >> 1 ^ divisor;
        }
    }
    !register
}

#[test]
fn the_checksum_has_the_check_value_of_the_catalogue() {
    assert_eq!(crc32([b"1234", b"56789"]), 0xCBF4_3926);
}
