//! The machine: hardware, paravisor and virtual TPM, and what a guest sends of them.

use super::{hcl_report::HclReport, key::AttestationKey, quote::Quote, runtime_data::RuntimeData};
use crate::{base64::base64url, edit::Edit, intel, snp, x509::CertificateSpec};

const DAY: i64 = 24 * 3600;

/// A simulated virtual machine. Two with the same seed and time are the same.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What it runs on.
    pub hardware: Hardware,
    /// What the paravisor says.
    pub runtime_data: RuntimeData,
    /// The paravisor's report around it.
    pub report: HclReport,
    /// Report data, where they are not those of the runtime data.
    pub report_data: Option<[u8; 64]>,
    /// The virtual TPM's quote.
    pub quote: Quote,
    /// The virtual TPM's attestation key.
    pub attestation_key: AttestationKey,
    /// How bytes are spelled.
    pub spelling: Spelling,
    /// Edits of the JSON.
    pub after: Vec<Edit>,
}

/// The hardware with its report, whose report data are the paravisor's.
#[derive(Clone, Debug)]
pub enum Hardware {
    /// AMD SEV-SNP.
    Snp {
        /// The platform.
        platform: Box<snp::Platform>,
        /// The report.
        report: Box<snp::Report>,
        /// The certificate of the chip's key.
        vcek: Box<CertificateSpec>,
    },
    /// Intel TDX.
    Tdx {
        /// The platform's vendor.
        vendor: Box<intel::Vendor>,
        /// The quote.
        quote: Box<intel::Quote>,
    },
}

/// How bytes are spelled in the JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spelling {
    /// Hex and base64url, and a version.
    Text,
    /// Arrays of numbers, under the older names where they differ.
    Arrays,
}

impl Machine {
    /// A machine on AMD SEV-SNP (Genoa) whose key server mints a certificate the day before `at`.
    #[must_use]
    pub fn snp(seed: &str, at: i64) -> Self {
        let platform = snp::Platform::new(seed, snp::Line::Genoa);
        let report = platform.report();
        let vcek = Box::new(platform.vcek(&report, at - DAY));
        Self::on(seed, Hardware::Snp { platform: Box::new(platform), report: Box::new(report), vcek }, 2)
    }

    /// A machine on Intel TDX, whose collateral is in force at `at`.
    #[must_use]
    pub fn tdx(seed: &str, at: i64) -> Self {
        let vendor = intel::Vendor::new(seed, at);
        let mut quote = vendor.td_quote();
        // Azure's domains have no attribute set, and nothing in the run-time registers.
        quote.td_mut().td_attributes = [0; 8];
        quote.td_mut().rtmrs = [[0; 48]; 4];
        Self::on(seed, Hardware::Tdx { vendor: Box::new(vendor), quote: Box::new(quote) }, 4)
    }

    fn on(seed: &str, hardware: Hardware, report_type: u32) -> Self {
        let attestation_key = AttestationKey::of(&format!("{seed}/HCLAkPub"));
        Self {
            hardware,
            runtime_data: RuntimeData::new(seed, &attestation_key),
            report: HclReport::new(report_type),
            report_data: None,
            quote: Quote::new(seed),
            attestation_key,
            spelling: Spelling::Text,
            after: Vec::new(),
        }
    }

    /// The hardware's evidence: a report of SEV-SNP, or a quote of TDX.
    #[must_use]
    pub fn hardware_evidence(&self) -> Vec<u8> {
        let report_data = self.report_data.unwrap_or_else(|| self.report.report_data(&self.runtime_data.build()));
        match &self.hardware {
            Hardware::Snp { report, vcek, .. } => {
                snp::Report { report_data, ..report.as_ref().clone() }.build(&vcek.key)
            }
            Hardware::Tdx { quote, .. } => {
                let mut quote = quote.clone();
                quote.td_mut().report_data = report_data;
                quote.build()
            }
        }
    }

    /// What stands in the NV index 0x01400001.
    #[must_use]
    pub fn hcl_report(&self) -> Vec<u8> {
        let in_report = match &self.hardware {
            Hardware::Snp { .. } => self.hardware_evidence(),
            // A TDREPORT can be verified on its own machine only; its type is all that a verifier could know of it.
            Hardware::Tdx { .. } => vec![0x81],
        };
        self.report.build(&in_report, &self.runtime_data.build())
    }

    /// The launch measurement, which is the paravisor's.
    #[must_use]
    pub fn measurement(&self) -> [u8; 48] {
        match &self.hardware {
            Hardware::Snp { report, .. } => report.measurement,
            Hardware::Tdx { quote, .. } => quote.clone().td_mut().mrtd,
        }
    }

    /// The quote in a file of its own.
    #[must_use]
    pub fn quote_file(&self) -> Vec<u8> {
        let (message, signature, pcrs) = self.quote.build(&self.attestation_key);
        let spell = |bytes: &[u8]| match self.spelling {
            Spelling::Text => format!("\"{}\"", hex::encode(bytes)),
            Spelling::Arrays => array(bytes),
        };
        let pcrs: Vec<_> = pcrs.iter().map(|pcr| spell(pcr)).collect();
        let (message, signature, pcrs) = (spell(&message), spell(&signature), pcrs.join(","));
        format!(r#"{{"signature":{signature},"message":{message},"pcrs":[{pcrs}]}}"#).into_bytes()
    }

    /// The evidence.
    #[must_use]
    pub fn evidence(&self) -> Vec<u8> {
        let spell = |bytes: &[u8]| match self.spelling {
            Spelling::Text => format!("\"{}\"", base64url(bytes)),
            Spelling::Arrays => array(bytes),
        };
        let quote = String::from_utf8_lossy(&self.quote_file()).into_owned();
        let (report, is_old) = (spell(&self.hcl_report()), self.spelling == Spelling::Arrays);
        let mut json = match (&self.hardware, is_old) {
            (Hardware::Snp { platform, vcek, .. }, true) => {
                let [vcek, _] = platform.vcek_chain(vcek);
                let pem = intel::pem(&vcek).replace('\n', "\\n");
                format!(r#"{{"quote":{quote},"report":{report},"vcek":"{pem}"}}"#)
            }
            (Hardware::Snp { platform, vcek, .. }, false) => {
                let [vcek, _] = platform.vcek_chain(vcek);
                let vcek = base64url(&vcek);
                format!(r#"{{"version":2,"tpm_quote":{quote},"hcl_report":{report},"vcek":"{vcek}"}}"#)
            }
            (Hardware::Tdx { .. }, _) => {
                let td_quote = spell(&self.hardware_evidence());
                let version = if is_old { "" } else { r#""version":1,"# };
                format!(r#"{{{version}"tpm_quote":{quote},"hcl_report":{report},"td_quote":{td_quote}}}"#)
            }
        }
        .into_bytes();
        self.after.iter().for_each(|edit| edit.apply(&mut json));
        json
    }

    /// What vouches for the hardware and does not come with the evidence: the issuer of the chip's key, or Intel's collateral.
    #[must_use]
    pub fn endorsements(&self) -> Vec<Vec<u8>> {
        match &self.hardware {
            Hardware::Snp { platform, vcek, .. } => {
                let [_, ask] = platform.vcek_chain(vcek);
                vec![ask]
            }
            Hardware::Tdx { vendor, .. } => vec![vendor.tdx_collateral().build()],
        }
    }

    /// The hardware's root in DER.
    #[must_use]
    pub fn root_der(&self) -> Vec<u8> {
        match &self.hardware {
            Hardware::Snp { platform, .. } => platform.root_der(),
            Hardware::Tdx { vendor, .. } => vendor.root_der(),
        }
    }

    /// Its manifest, TOML.
    #[must_use]
    pub fn root_manifest(&self) -> String {
        match &self.hardware {
            Hardware::Snp { platform, .. } => platform.root_manifest(),
            Hardware::Tdx { vendor, .. } => vendor.root_manifest(),
        }
    }
}

fn array(bytes: &[u8]) -> String {
    let numbers: Vec<_> = bytes.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}
