//! The paravisor's report, field by field. The hardware's report and the runtime data come in; what stands in the NV index
//! 0x01400001 goes out.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::edit::Edit;

/// The header's fields. Offsets in the comments are the layout's.
#[derive(Clone, Debug)]
pub struct HclReport {
    /// 0x000.
    pub signature: [u8; 4],
    /// 0x004.
    pub version: u32,
    /// 0x008: what is added to the size.
    pub size_off_by: u32,
    /// 0x00C: 2 is the request for attestation.
    pub request: u32,
    /// 0x010.
    pub status: u32,
    /// 0x014.
    pub reserved: [u8; 12],
    /// 0x4C0: what is added to the size of the runtime data and their header.
    pub runtime_size_off_by: u32,
    /// 0x4C4.
    pub runtime_version: u32,
    /// 0x4C8: 2 is SEV-SNP, 4 TDX.
    pub report_type: u32,
    /// 0x4CC: 1, 2, 3 are SHA-256, -384, -512.
    pub hash_type: u32,
    /// What is added to the size of the runtime data.
    pub data_size_off_by: u32,
    /// Bytes of zero behind it.
    pub padding: usize,
    /// Edits of the finished report.
    pub after: Vec<Edit>,
}

impl HclReport {
    pub(super) const fn new(report_type: u32) -> Self {
        Self {
            signature: *b"HCLA",
            version: 2,
            size_off_by: 0,
            request: 2,
            status: 0,
            reserved: [0; 12],
            runtime_size_off_by: 0,
            runtime_version: 1,
            report_type,
            hash_type: 1,
            data_size_off_by: 0,
            padding: 100,
            after: Vec::new(),
        }
    }

    /// What the paravisor has the hardware sign: the hash of the runtime data, and zeros.
    #[must_use]
    pub fn report_data(&self, runtime_data: &[u8]) -> [u8; 64] {
        let hash = match self.hash_type {
            2 => Sha384::digest(runtime_data).to_vec(),
            3 => Sha512::digest(runtime_data).to_vec(),
            _ => Sha256::digest(runtime_data).to_vec(),
        };
        let mut field = [0; 64];
        field.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        field
    }

    /// The report around the hardware's, which has 1,184 bytes or fewer.
    #[must_use]
    pub fn build(&self, hardware: &[u8], runtime_data: &[u8]) -> Vec<u8> {
        let size =
            |bytes: usize, off_by: u32| u32::try_from(bytes).unwrap_or(u32::MAX).wrapping_add(off_by).to_le_bytes();
        let mut hardware = hardware.to_vec();
        hardware.resize(1184, 0);
        let parts: [&[u8]; 14] = [
            &self.signature,
            &self.version.to_le_bytes(),
            &size(1236 + runtime_data.len(), self.size_off_by),
            &self.request.to_le_bytes(),
            &self.status.to_le_bytes(),
            &self.reserved,
            &hardware,
            &size(20 + runtime_data.len(), self.runtime_size_off_by),
            &self.runtime_version.to_le_bytes(),
            &self.report_type.to_le_bytes(),
            &self.hash_type.to_le_bytes(),
            &size(runtime_data.len(), self.data_size_off_by),
            runtime_data,
            &vec![0; self.padding],
        ];
        let mut report = parts.concat();
        self.after.iter().for_each(|edit| edit.apply(&mut report));
        report
    }
}
