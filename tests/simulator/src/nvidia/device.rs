//! A device: its certificates, and the reports that it makes.

use super::{
    certificates,
    opaque::Opaque,
    report::{Block, Report},
};
use crate::{base64::base64, derive, manifest, ocsp::ResponseSpec, x509::CertificateSpec};

/// A chip.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chip {
    /// GH100.
    Hopper,
    /// GB100.
    Blackwell,
    /// `LS_10`, an NVSwitch.
    Switch,
}

impl Chip {
    /// As certificates name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hopper => "GH100",
            Self::Blackwell => "GB100",
            Self::Switch => "LS_10",
        }
    }

    /// The architecture, as NVIDIA's tools spell it.
    #[must_use]
    pub const fn architecture(self) -> &'static str {
        match self {
            Self::Hopper => "HOPPER",
            Self::Blackwell => "BLACKWELL",
            Self::Switch => "LS10",
        }
    }

    /// The chip whose CA certifies its provisioners.
    pub(super) const fn family(self) -> &'static str {
        match self {
            Self::Hopper | Self::Switch => "GH100",
            Self::Blackwell => "GB100",
        }
    }

    pub(super) const fn part(self) -> &'static str {
        match self {
            Self::Hopper => "GH100 A01 GSP",
            Self::Blackwell => "GB100 A01 GSP",
            Self::Switch => "LS_10 A01 FSP",
        }
    }

    pub(super) const fn identity_prefix(self) -> u8 {
        match self {
            Self::Hopper | Self::Blackwell => 0x41,
            Self::Switch => 0x50,
        }
    }

    const fn blocks(self) -> u8 {
        match self {
            Self::Hopper | Self::Blackwell => 64,
            Self::Switch => 31,
        }
    }
}

/// A simulated device. Two with the same seed, chip and number are the same.
#[derive(Clone, Debug)]
pub struct Device {
    /// What it is.
    pub chip: Chip,
    /// Its identifier.
    pub pdi: [u8; 8],
    /// The digest of its firmware.
    pub fwid: [u8; 48],
    /// NVIDIA's root for devices.
    pub root: CertificateSpec,
    /// The CA of its family.
    pub family: CertificateSpec,
    /// The CA that provisioned it.
    pub provisioner: CertificateSpec,
    /// The device's own certificate.
    pub identity: CertificateSpec,
    /// The certificate of the key that signs reports.
    pub attestation: CertificateSpec,
    seed: String,
}

impl Device {
    /// Device `number` of that chip, with everything derived from `seed`.
    #[must_use]
    pub fn new(seed: &str, chip: Chip, number: u8) -> Self {
        let label = |name: &str| format!("{seed}/nvidia/{}/{number}/{name}", chip.name());
        let pdi = derive::bytes(&label("pdi"));
        let fwid = wide(&format!("{seed}/nvidia/{}/fwid", chip.name()));
        let identity = certificates::identity(seed, chip, pdi);
        Self {
            chip,
            pdi,
            fwid,
            root: certificates::root(seed),
            family: certificates::family(seed, chip),
            provisioner: certificates::provisioner(seed, chip),
            attestation: certificates::attestation(seed, chip, &identity, fwid),
            identity,
            seed: seed.to_owned(),
        }
    }

    /// What an ordinary driver of 2026 returns for a nonce: of a GPU that is passed through alone.
    #[must_use]
    pub fn report(&self, nonce: [u8; 32]) -> Report {
        let value = |index: u8| wide(&format!("{}/nvidia/{}/measurement/{index}", self.seed, self.chip.name()));
        let opaque = match self.chip {
            Chip::Hopper => Opaque::of_gpu("580.159.03", [0x96, 0x00, 0x74, 0x00, 0x20], self.fwid),
            Chip::Blackwell => Opaque::of_gpu("580.159.03", [0x97, 0x00, 0x88, 0x00, 0x0F], self.fwid),
            Chip::Switch => Opaque::of_switch("96.10.55.00.01", self.pdi),
        };
        Report {
            nonce,
            blocks: (1..=self.chip.blocks()).map(|index| Block::new(index, value(index))).collect(),
            opaque,
            response_nonce: derive::bytes(&format!(
                "{}/nvidia/response/{}/{}",
                self.seed,
                hex::encode(self.pdi),
                hex::encode(nonce)
            )),
            before: Vec::new(),
            twin: false,
            after: Vec::new(),
        }
    }

    /// The report, signed by this device.
    #[must_use]
    pub fn sign(&self, report: &Report) -> Vec<u8> {
        report.build(&self.attestation.key)
    }

    /// The five certificates in DER, the attestation key's first and the root last.
    #[must_use]
    pub fn chain(&self) -> [Vec<u8>; 5] {
        [
            self.attestation.issued_by(&self.identity),
            self.identity.issued_by(&self.provisioner),
            self.provisioner.issued_by(&self.family),
            self.family.issued_by(&self.root),
            self.root.self_issued(),
        ]
    }

    /// The same in PEM, as the driver returns it.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        pem(&self.chain())
    }

    /// What NVIDIA's responder says at `at` of the three certificates between the attestation key's and the root: good.
    #[must_use]
    pub fn statuses(&self, at: i64) -> [ResponseSpec; 3] {
        let links =
            [(&self.identity, &self.provisioner), (&self.provisioner, &self.family), (&self.family, &self.root)];
        links.map(|(certificate, issuer)| ResponseSpec::good(certificate, issuer, at))
    }

    /// The root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        self.root.self_issued()
    }

    /// The manifest of the root, TOML: what a verifier reads beside `simulated-nvidia-device-root.der`.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        let id = format!("simulated-nvidia-device-{}", self.seed);
        manifest::of_root(
            &id,
            "simulated-nvidia-device-root.der",
            &self.root,
            "nvidia",
            &["nvidia-gpu", "nvidia-switch"],
        )
    }
}

/// Certificates in PEM, lines of 64 characters.
#[must_use]
pub fn pem(certificates: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let base64 = base64(certificate);
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

/// 48 bytes that belong to a label.
fn wide(label: &str) -> [u8; 48] {
    let (low, high): ([u8; 32], [u8; 32]) =
        (derive::bytes(&format!("{label}/0")), derive::bytes(&format!("{label}/1")));
    let mut bytes = [0; 48];
    bytes.iter_mut().zip(low.iter().chain(&high)).for_each(|(to, from)| *to = *from);
    bytes
}
