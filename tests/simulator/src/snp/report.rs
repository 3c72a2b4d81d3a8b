//! Reports, field by field. A specification with public fields comes in; 1,184 bytes go out, signed by the key given.

use super::platform::Line;
use crate::{
    edit::Edit,
    key::{Key, Signature},
};

/// A report before it is signed. Offsets in the comments are the layout's.
#[derive(Clone, Debug)]
pub struct Report {
    /// The product line, which decides where the levels of a TCB version stand.
    pub line: Line,
    /// 0x000: the version.
    pub version: u32,
    /// 0x004.
    pub guest_svn: u32,
    /// 0x008.
    pub policy: u64,
    /// 0x010.
    pub family_id: [u8; 16],
    /// 0x020.
    pub image_id: [u8; 16],
    /// 0x030: the privilege level, or `u32::MAX` where the host asked.
    pub vmpl: u32,
    /// 0x034: 1 is ECDSA on P-384 with SHA-384.
    pub signature_algorithm: u32,
    /// 0x038.
    pub current_tcb: Tcb,
    /// 0x040.
    pub platform_info: u64,
    /// 0x048: bit 0 AUTHOR_KEY_EN, bit 1 MASK_CHIP_KEY, bits 2 to 4 SIGNING_KEY.
    pub key_info: u32,
    /// 0x050.
    pub report_data: [u8; 64],
    /// 0x090.
    pub measurement: [u8; 48],
    /// 0x0C0.
    pub host_data: [u8; 32],
    /// 0x0E0.
    pub id_key_digest: [u8; 48],
    /// 0x110.
    pub author_key_digest: [u8; 48],
    /// 0x140.
    pub report_id: [u8; 32],
    /// 0x160.
    pub report_id_ma: [u8; 32],
    /// 0x180.
    pub reported_tcb: Tcb,
    /// 0x188: family, model and stepping, of which version 2 has none.
    pub cpuid: [u8; 3],
    /// 0x1A0: padded with zeros.
    pub chip_id: Vec<u8>,
    /// 0x1E0.
    pub committed_tcb: Tcb,
    /// 0x1E8: major, minor and build.
    pub current_firmware: [u8; 3],
    /// 0x1EC: major, minor and build.
    pub committed_firmware: [u8; 3],
    /// 0x1F0.
    pub launch_tcb: Tcb,
    /// 0x1F8: the mitigation vectors at launch and now, which versions before 5 leave zero.
    pub mitigations: [u64; 2],
    /// Edits of the signed part before it is signed, so that the signature verifies over them.
    pub before: Vec<Edit>,
    /// Whether the signature is its malleable twin.
    pub twin: bool,
    /// Edits of the whole after it was signed.
    pub after: Vec<Edit>,
}

/// Security patch levels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tcb {
    /// Of the FMC; Turin alone has it.
    pub fmc: u8,
    /// Of the boot loader.
    pub bootloader: u8,
    /// Of the trusted execution environment.
    pub tee: u8,
    /// Of the SEV-SNP firmware.
    pub snp: u8,
    /// Of the microcode.
    pub microcode: u8,
}

impl Tcb {
    fn bytes(self, line: Line) -> [u8; 8] {
        let Self { fmc, bootloader, tee, snp, microcode } = self;
        match line {
            Line::Milan | Line::Genoa => [bootloader, tee, 0, 0, 0, 0, snp, microcode],
            Line::Turin => [fmc, bootloader, tee, snp, 0, 0, 0, microcode],
        }
    }
}

impl Report {
    /// The report, signed by `key`.
    ///
    /// # Panics
    /// When the chip id is longer than its field, or the edits before the signature change the length.
    #[must_use]
    pub fn build(&self, key: &Key) -> Vec<u8> {
        let mut report = self.signed_part();
        self.before.iter().for_each(|edit| edit.apply(&mut report));
        assert_eq!(report.len(), 0x2A0, "the signature has its place");
        let signature = key.sign(&report);
        let signature = if self.twin { signature.twin() } else { signature };
        report.extend_from_slice(&signature_field(&signature));
        self.after.iter().for_each(|edit| edit.apply(&mut report));
        report
    }

    fn signed_part(&self) -> Vec<u8> {
        let mut chip_id = self.chip_id.clone();
        assert!(chip_id.len() <= 64, "a chip id that fits its field");
        chip_id.resize(64, 0);
        let firmware = |[major, minor, build]: [u8; 3]| [build, minor, major, 0];
        let [launch, current] = self.mitigations;
        let parts: [&[u8]; 29] = [
            &self.version.to_le_bytes(),
            &self.guest_svn.to_le_bytes(),
            &self.policy.to_le_bytes(),
            &self.family_id,
            &self.image_id,
            &self.vmpl.to_le_bytes(),
            &self.signature_algorithm.to_le_bytes(),
            &self.current_tcb.bytes(self.line),
            &self.platform_info.to_le_bytes(),
            &self.key_info.to_le_bytes(),
            &[0; 4],
            &self.report_data,
            &self.measurement,
            &self.host_data,
            &self.id_key_digest,
            &self.author_key_digest,
            &self.report_id,
            &self.report_id_ma,
            &self.reported_tcb.bytes(self.line),
            &self.cpuid,
            &[0; 21],
            &chip_id,
            &self.committed_tcb.bytes(self.line),
            &firmware(self.current_firmware),
            &firmware(self.committed_firmware),
            &self.launch_tcb.bytes(self.line),
            &launch.to_le_bytes(),
            &current.to_le_bytes(),
            &[0; 152],
        ];
        parts.concat()
    }
}

/// r and s, each least significant byte first in 72 bytes, then zeros up to 512.
fn signature_field(signature: &Signature) -> Vec<u8> {
    let fixed = signature.fixed();
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let mut field = Vec::with_capacity(512);
    for number in [r, s] {
        let start = field.len();
        field.extend(number.iter().rev());
        field.resize(start + 72, 0);
    }
    field.resize(512, 0);
    field
}
