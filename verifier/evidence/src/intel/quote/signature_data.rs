//! The signature data of quotes: the signature, the key that made it, and the quoting enclave's own report, which the
//! platform's certified key signed.
//!
//! ```text
//! 3:    signature 64 | key 64 |                    QE report 384 | signature 64 | u16 auth data | u16 type | u32 data
//! 4, 5: signature 64 | key 64 | u16 6 | u32 length { QE report 384 | signature 64 | u16 auth data | u16 type | u32 data }
//! ```

use prooftrail_result::{Reason, ReasonCode};

use super::{
    Bytes,
    body::{ENCLAVE_REPORT_BYTES, EnclaveReport},
};
use crate::intel::pem;

/// The PCK certificate chain in PEM: leaf, CA, root.
const PCK_CHAIN: u16 = 5;
/// The report of the quoting enclave with its own certification data.
const QE_REPORT: u16 = 6;

/// The signature data.
#[derive(Debug)]
pub(in crate::intel) struct SignatureData<'a> {
    /// Over the header and the body, by the attestation key; r ‖ s.
    pub(in crate::intel) signature: &'a [u8; 64],
    /// x ‖ y.
    pub(in crate::intel) attestation_key: &'a [u8; 64],
    pub(in crate::intel) qe_report: EnclaveReport<'a>,
    /// The same report as signed.
    pub(in crate::intel) qe_report_bytes: &'a [u8; ENCLAVE_REPORT_BYTES],
    /// Over the report, by the PCK; r ‖ s.
    pub(in crate::intel) qe_report_signature: &'a [u8; 64],
    pub(in crate::intel) qe_auth_data: &'a [u8],
    /// The chain of the platform's certificate, as the quote has it: PEM.
    pub(in crate::intel) pck_chain: &'a [u8],
}

impl<'a> SignatureData<'a> {
    /// Reads all of `bytes`.
    pub(super) fn parse(bytes: &'a [u8], version: u16) -> Result<Self, Reason> {
        let truncated = || Reason::from(ReasonCode::QuoteTruncated).have("its signature data ends too early");
        let mut reader = Bytes::new(bytes);
        let signature = reader.array().ok_or_else(truncated)?;
        let attestation_key = reader.array().ok_or_else(truncated)?;
        let mut reader = if version == 3 {
            reader
        } else {
            let inner = certification_data(&mut reader, QE_REPORT)?;
            at_end(reader)?;
            Bytes::new(inner)
        };
        let qe_report_bytes = reader.array().ok_or_else(truncated)?;
        let qe_report_signature = reader.array().ok_or_else(truncated)?;
        let qe_auth_data = reader.with_u16_length().ok_or_else(truncated)?;
        let pck_chain = certification_data(&mut reader, PCK_CHAIN)?;
        at_end(reader)?;
        Ok(Self {
            signature,
            attestation_key,
            qe_report: EnclaveReport::read(qe_report_bytes).ok_or_else(truncated)?,
            qe_report_bytes,
            qe_report_signature,
            qe_auth_data,
            pck_chain,
        })
    }

    /// The certificates of the chain in DER, the leaf first. Most quotes are of a platform whose chain is known by its text.
    pub(in crate::intel) fn pck_certificates(&self) -> Result<Vec<Vec<u8>>, Reason> {
        pem::chain(self.pck_chain, "PCK certificate chain")
    }
}

/// Certification data of the one type that may stand there.
fn certification_data<'a>(reader: &mut Bytes<'a>, need: u16) -> Result<&'a [u8], Reason> {
    let truncated = || Reason::from(ReasonCode::QuoteTruncated).have("its certification data ends too early");
    let have = reader.u16().ok_or_else(truncated)?;
    if have != need {
        return Err(Reason::from(ReasonCode::QuoteCertificationData).have(have).need(need));
    }
    reader.with_u32_length().ok_or_else(truncated)
}

fn at_end(reader: Bytes<'_>) -> Result<(), Reason> {
    if reader.rest().is_empty() {
        return Ok(());
    }
    let detail = "bytes follow the signature data inside the length that it names";
    Err(Reason::new(ReasonCode::QuoteTrailingBytes, detail).have(format_args!("{} bytes", reader.rest().len())))
}
