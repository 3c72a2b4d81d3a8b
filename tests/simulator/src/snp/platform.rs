//! The platform: a chip of a product line in somebody's machine, with AMD's keys above it.

use super::{
    certificates::{self, Issuer},
    report::{Report, Tcb},
};
use crate::{
    derive, manifest,
    x509::{CertificateSpec, CrlSpec},
};

const DAY: i64 = 24 * 3600;

/// A product line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Line {
    /// Zen 3.
    Milan,
    /// Zen 4.
    Genoa,
    /// Zen 5.
    Turin,
}

impl Line {
    /// The name in certificates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
        }
    }

    /// Family, model and stepping of an ordinary part.
    const fn cpuid(self) -> [u8; 3] {
        match self {
            Self::Milan => [0x19, 0x01, 1],
            Self::Genoa => [0x19, 0x11, 1],
            Self::Turin => [0x1A, 0x02, 1],
        }
    }

    /// The patch levels of an ordinary platform of 2026.
    const fn tcb(self) -> Tcb {
        match self {
            Self::Milan => Tcb { fmc: 0, bootloader: 4, tee: 0, snp: 29, microcode: 222 },
            Self::Genoa => Tcb { fmc: 0, bootloader: 10, tee: 0, snp: 27, microcode: 86 },
            Self::Turin => Tcb { fmc: 1, bootloader: 3, tee: 2, snp: 5, microcode: 97 },
        }
    }

    const fn chip_id_bytes(self) -> usize {
        match self {
            Self::Milan | Self::Genoa => 64,
            Self::Turin => 8,
        }
    }
}

/// A simulated platform. Two with the same seed and line are the same chip.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The line's root key.
    pub root: CertificateSpec,
    /// The issuer of VCEKs.
    pub ask: CertificateSpec,
    /// The issuer of VLEKs.
    pub asvk: CertificateSpec,
    /// The chip's id.
    pub chip_id: Vec<u8>,
    line: Line,
    seed: String,
}

impl Platform {
    /// A platform with everything derived from `seed`.
    #[must_use]
    pub fn new(seed: &str, line: Line) -> Self {
        let digest = [derive::bytes::<32>(&format!("{seed}/chip/0")), derive::bytes(&format!("{seed}/chip/1"))];
        Self {
            root: certificates::root(seed, line),
            ask: certificates::issuer(seed, line, Issuer::OfVceks),
            asvk: certificates::issuer(seed, line, Issuer::OfVleks),
            chip_id: digest.concat().into_iter().take(line.chip_id_bytes()).collect(),
            line,
            seed: seed.to_owned(),
        }
    }

    /// What a guest gets that runs at VMPL 0, without debugging, on firmware that is committed. Versions are those of the
    /// line's firmware.
    #[must_use]
    pub fn report(&self) -> Report {
        let bytes = |name: &str| derive::bytes::<32>(&format!("{}/{name}", self.seed));
        let (low, high) = (bytes("measurement/0"), bytes("measurement/1"));
        let mut measurement = [0; 48];
        measurement.iter_mut().zip(low.iter().chain(&high)).for_each(|(to, from)| *to = *from);
        let tcb = self.line.tcb();
        let is_turin = self.line == Line::Turin;
        Report {
            line: self.line,
            version: if is_turin { 5 } else { 3 },
            guest_svn: 0,
            policy: 0x3_0000,
            family_id: [0; 16],
            image_id: [0; 16],
            vmpl: 0,
            signature_algorithm: 1,
            current_tcb: tcb,
            platform_info: if is_turin { 0x65 } else { 0x25 },
            key_info: 0,
            report_data: [0; 64],
            measurement,
            host_data: [0; 32],
            id_key_digest: [0; 48],
            author_key_digest: [0; 48],
            report_id: bytes("report-id"),
            report_id_ma: [0xFF; 32],
            reported_tcb: tcb,
            cpuid: self.line.cpuid(),
            chip_id: self.chip_id.clone(),
            committed_tcb: tcb,
            current_firmware: [1, 58, 3],
            committed_firmware: [1, 58, 3],
            launch_tcb: tcb,
            mitigations: if is_turin { [0x3F, 0x3F] } else { [0, 0] },
            before: Vec::new(),
            twin: false,
            after: Vec::new(),
        }
    }

    /// The same guest's report as a cloud's key signs it: the chip is not named.
    #[must_use]
    pub fn vlek_report(&self) -> Report {
        Report { key_info: 1 << 2, chip_id: Vec::new(), ..self.report() }
    }

    /// Its product line.
    #[must_use]
    pub const fn line(&self) -> Line {
        self.line
    }

    /// The certificate of the chip's key for the report's TCB version, as AMD's key server mints it at `at`.
    #[must_use]
    pub fn vcek(&self, report: &Report, at: i64) -> CertificateSpec {
        certificates::vcek(&self.seed, self.line, &self.chip_id, report.reported_tcb, at)
    }

    /// The certificate of a cloud's key for the report's TCB version.
    #[must_use]
    pub fn vlek(&self, report: &Report, cloud: &str, at: i64) -> CertificateSpec {
        certificates::vlek(&self.seed, self.line, cloud, report.reported_tcb, at)
    }

    /// A VCEK's certificate and its issuer's, DER.
    #[must_use]
    pub fn vcek_chain(&self, vcek: &CertificateSpec) -> [Vec<u8>; 2] {
        [vcek.issued_by(&self.ask), self.ask.issued_by(&self.root)]
    }

    /// A VLEK's certificate and its issuer's, DER.
    #[must_use]
    pub fn vlek_chain(&self, vlek: &CertificateSpec) -> [Vec<u8>; 2] {
        [vlek.issued_by(&self.asvk), self.asvk.issued_by(&self.root)]
    }

    /// The root's revocation list, good for 45 days: `platform.crl(at, &[&platform.ask.serial])`.
    #[must_use]
    pub fn crl(&self, this_update: i64, revoked: &[&[u8]]) -> CrlSpec {
        let next_update = Some(this_update.saturating_add(45 * DAY));
        CrlSpec { next_update, ..CrlSpec::issued_by(&self.root, this_update, revoked) }
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-amd-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-amd-{}-{}", self.line.name().to_lowercase(), self.seed);
        manifest::of_root(&id, "simulated-amd-root.der", &self.root, "amd", &["amd-sev-snp"])
    }
}
