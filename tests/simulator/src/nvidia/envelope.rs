//! The JSON in which NVIDIA's tools hand several reports on. Entries with public fields come in, text goes out.

use super::{device::Device, report::Report};
use crate::{base64::base64, edit::Edit};

/// A list before it is written.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The devices, in order.
    pub entries: Vec<ListEntry>,
    /// Edits of the text.
    pub after: Vec<Edit>,
}

/// One device.
#[derive(Clone, Debug)]
pub struct ListEntry {
    /// The architecture.
    pub arch: String,
    /// The nonce in hex.
    pub nonce: String,
    /// The report.
    pub evidence: Vec<u8>,
    /// The certificates in PEM.
    pub certificate: String,
}

impl List {
    /// Reports with their devices' certificates.
    #[must_use]
    pub fn of<'a>(reports: impl IntoIterator<Item = (&'a Device, &'a Report)>) -> Self {
        let entry = |(device, report): (&Device, &Report)| ListEntry {
            arch: device.chip.architecture().to_owned(),
            nonce: hex::encode(report.nonce),
            evidence: device.sign(report),
            certificate: device.chain_pem(),
        };
        Self { entries: reports.into_iter().map(entry).collect(), after: Vec::new() }
    }

    /// The text, with the keys and the layout of NVIDIA's tools.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let entries: Vec<_> = self.entries.iter().map(ListEntry::text).collect();
        let mut text = format!("[\n{}\n]", entries.join(",\n")).into_bytes();
        self.after.iter().for_each(|edit| edit.apply(&mut text));
        text
    }
}

impl ListEntry {
    fn text(&self) -> String {
        let Self { arch, nonce, evidence, certificate } = self;
        let (evidence, certificate) = (base64(evidence), base64(certificate.as_bytes()));
        format!(
            "    {{\n        \"arch\": \"{arch}\",\n        \"certificate\": \"{certificate}\",\n        \"evidence\": \
             \"{evidence}\",\n        \"nonce\": \"{nonce}\",\n        \"version\": \"1.0\"\n    }}"
        )
    }
}
