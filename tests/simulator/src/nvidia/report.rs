//! Reports, field by field: an SPDM 1.1 request for measurements and its response. A specification with public fields comes in;
//! the signed bytes go out.

use super::opaque::Opaque;
use crate::{edit::Edit, key::Key};

/// A report before it is signed.
#[derive(Clone, Debug)]
pub struct Report {
    /// The caller's nonce, in the request.
    pub nonce: [u8; 32],
    /// The measurements, in order.
    pub blocks: Vec<Block>,
    /// The device's own nonce.
    pub response_nonce: [u8; 32],
    /// What the device says besides.
    pub opaque: Opaque,
    /// Edits of the signed part before it is signed, so that the signature verifies over them.
    pub before: Vec<Edit>,
    /// Whether the signature is its malleable twin.
    pub twin: bool,
    /// Edits of the whole after it was signed.
    pub after: Vec<Edit>,
}

/// A measurement block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// From 1.
    pub index: u8,
    /// 1: DMTF.
    pub specification: u8,
    /// 1: mutable firmware; with bit 7 the value is no digest.
    pub value_type: u8,
    /// 48 bytes.
    pub value: Vec<u8>,
}

impl Block {
    /// A digest.
    #[must_use]
    pub fn new(index: u8, value: [u8; 48]) -> Self {
        Self { index, specification: 1, value_type: 1, value: value.to_vec() }
    }

    #[expect(clippy::expect_used, reason = "a test's value fits 16 bits of length")]
    fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.value.len()).expect("a short value");
        let mut out = vec![self.index, self.specification];
        out.extend((length + 3).to_le_bytes());
        out.push(self.value_type);
        out.extend(length.to_le_bytes());
        out.extend_from_slice(&self.value);
        out
    }
}

impl Report {
    /// The report, signed by `key`.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test's report has some thousand bytes")]
    pub fn build(&self, key: &Key) -> Vec<u8> {
        let record: Vec<u8> = self.blocks.iter().flat_map(Block::encode).collect();
        let opaque = self.opaque.encode();
        let length = u32::try_from(record.len()).expect("a short record").to_le_bytes();
        let mut report = vec![0x11, 0xE0, 1, 0xFF];
        report.extend_from_slice(&self.nonce);
        report.extend([0, 0x11, 0x60, 0, 0, u8::try_from(self.blocks.len()).expect("at most 255 blocks")]);
        report.extend(length.iter().take(3));
        report.extend(record);
        report.extend_from_slice(&self.response_nonce);
        report.extend(u16::try_from(opaque.len()).expect("short opaque data").to_le_bytes());
        report.extend(opaque);
        self.before.iter().for_each(|edit| edit.apply(&mut report));
        let signature = key.sign(&report);
        let signature = if self.twin { signature.twin() } else { signature };
        report.extend(signature.fixed());
        self.after.iter().for_each(|edit| edit.apply(&mut report));
        report
    }
}
