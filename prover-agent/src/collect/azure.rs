//! Azure's confidential VMs: the paravisor's vTPM has the hardware's report in an NV index, and quotes what the agent says.
//!
//! The report (SEV-SNP's, or a TDREPORT that the host's service turns into a quote) covers the paravisor's runtime data,
//! which hold the key of the quote. Out comes the JSON that the verifier's `azure-snp-vtpm` and `azure-tdx-vtpm` read.

use std::{
    io::{Read, Write},
    sync::{Mutex, PoisonError},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use prooftrail_devices::tpm::{Quote, Tpm};
use prooftrail_protocol::KindValue;
use prooftrail_result::Kind;
use serde::Serialize;

use super::{CollectError, Collector, Imds, device_error, imds::Certification};

/// Where the paravisor leaves its report.
const REPORT_INDEX: u32 = 0x0140_0001;

/// The persistent handle of the attestation key.
const ATTESTATION_KEY: u32 = 0x8100_0003;

/// The header before the hardware's report.
const HEADER: usize = 32;

/// The lengths of a TDREPORT and of SEV-SNP's report.
const TDREPORT: usize = 1024;
const SNP_REPORT: usize = 1184;

/// Where the header of the runtime data says what the hardware's report is, and how long the runtime data are; where they begin.
const REPORT_TYPE: usize = 1216 + 8;
const RUNTIME_SIZE: usize = 1216 + 16;
const RUNTIME_DATA: usize = 1216 + 20;

/// The vTPM of an Azure confidential VM.
pub struct AzureVtpm<T> {
    tpm: Mutex<Tpm<T>>,
    imds: Imds,
    kind: Kind,
}

/// What the hardware says of the machine, with what the paravisor had it sign.
pub(super) struct Hardware {
    pub(super) evidence: HardwareEvidence,
    /// The JSON whose hash the report data are.
    pub(super) runtime_data: Vec<u8>,
}

/// Evidence of either vendor's hardware.
pub(super) enum HardwareEvidence {
    /// SEV-SNP's report, and the certificates of its key up to AMD's root, in PEM.
    Snp { report: Vec<u8>, chain: String },
    /// A quote of TDX.
    Tdx { quote: Vec<u8> },
}

/// The evidence, as JSON.
#[derive(Serialize)]
struct Envelope {
    version: u32,
    tpm_quote: QuoteText,
    hcl_report: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcek: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    td_quote: Option<String>,
}

/// A quote in lower-case hexadecimal.
#[derive(Serialize)]
struct QuoteText {
    signature: String,
    message: String,
    pcrs: Vec<String>,
}

impl<T: Read + Write> AzureVtpm<T> {
    /// The collector for a TPM that holds a paravisor's report; `None` where it holds none.
    ///
    /// # Errors
    /// The TPM's; a report of neither SEV-SNP nor TDX.
    pub fn detect(mut tpm: Tpm<T>, imds: Imds) -> Result<Option<Self>, String> {
        let Some(report) = tpm.nv_read(REPORT_INDEX).map_err(|error| error.to_string())? else { return Ok(None) };
        if !report.starts_with(b"HCLA") {
            return Ok(None);
        }
        let kind = match report.get(REPORT_TYPE..REPORT_TYPE + 4) {
            Some([2, 0, 0, 0]) => Kind::AzureSnpVtpm,
            Some([4, 0, 0, 0]) => Kind::AzureTdxVtpm,
            other => return Err(format!("the paravisor's report is of an unknown type: {other:?}")),
        };
        Ok(Some(Self { tpm: Mutex::new(tpm), imds, kind }))
    }

    /// The hardware's own evidence.
    ///
    /// # Errors
    /// In words: the TPM's or the metadata service's; a report that is too short.
    pub(super) fn hardware(&self) -> Result<Hardware, String> {
        let report = self.tpm.lock().unwrap_or_else(PoisonError::into_inner).nv_read(REPORT_INDEX);
        let report = report.map_err(|error| error.to_string())?.ok_or("the paravisor's report has gone")?;
        let part = |start: usize, length: usize| {
            let end = start.checked_add(length);
            end.and_then(|end| report.get(start..end)).ok_or("the paravisor's report is too short")
        };
        let size = part(RUNTIME_SIZE, 4)?.try_into().map_or(0, u32::from_le_bytes);
        let runtime_data = part(RUNTIME_DATA, usize::try_from(size).unwrap_or(usize::MAX))?.to_vec();
        let evidence = if self.kind == Kind::AzureTdxVtpm {
            HardwareEvidence::Tdx { quote: self.imds.td_quote(part(HEADER, TDREPORT)?)? }
        } else {
            let Certification { vcek, chain } = self.imds.certification()?;
            HardwareEvidence::Snp { report: part(HEADER, SNP_REPORT)?.to_vec(), chain: vcek + &chain }
        };
        Ok(Hardware { evidence, runtime_data })
    }

    fn evidence(&self, qualifying_data: &[u8]) -> Result<Vec<u8>, String> {
        let (report, quote) = {
            let mut tpm = self.tpm.lock().unwrap_or_else(PoisonError::into_inner);
            let report = tpm.nv_read(REPORT_INDEX).map_err(|error| error.to_string())?;
            let quote = tpm.quote(ATTESTATION_KEY, qualifying_data).map_err(|error| error.to_string())?;
            (report.ok_or("the paravisor's report has gone")?, quote)
        };
        let (vcek, td_quote) = if self.kind == Kind::AzureTdxVtpm {
            let td_report = report.get(HEADER..HEADER + TDREPORT).ok_or("the paravisor's report is too short")?;
            (None, Some(URL_SAFE.encode(self.imds.td_quote(td_report)?)))
        } else {
            // The verifier can get it by itself; the host's copy saves it the trip.
            (self.imds.certification().ok().and_then(|answer| der(&answer.vcek)), None)
        };
        let version = if vcek.is_some() { 2 } else { 1 };
        let Quote { message, signature, pcrs } = quote;
        let tpm_quote = QuoteText {
            signature: hex::encode(signature),
            message: hex::encode(message),
            pcrs: pcrs.iter().map(hex::encode).collect(),
        };
        let hcl_report = URL_SAFE.encode(report);
        serde_json::to_vec(&Envelope { version, tpm_quote, hcl_report, vcek, td_quote })
            .map_err(|error| error.to_string())
    }
}

impl<T: Read + Write + Send> Collector for AzureVtpm<T> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn collect(&self, value: &KindValue) -> Result<Vec<u8>, CollectError> {
        let KindValue::QualifyingData(data) = value else { return Err(CollectError::Value(self.kind)) };
        self.evidence(data).map_err(device_error(self.kind))
    }
}

/// The first certificate of a PEM text, as the envelope has it. A text that is none is not passed on.
fn der(pem: &str) -> Option<String> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let text: String = body.split_ascii_whitespace().collect();
    Some(URL_SAFE.encode(STANDARD.decode(text).ok()?))
}
