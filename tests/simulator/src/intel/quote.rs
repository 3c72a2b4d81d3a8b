//! A quote before it is built: header, body, the quoting enclave's report and the certificates, each open to change. What
//! is built first is what a platform builds first: the enclave's report around the attestation key, then the quote.

use sha2::{Digest, Sha256};

use super::report::{EnclaveReport, Td};
use crate::{
    base64::base64,
    edit::Edit,
    key::{Key, SignatureEdit},
    x509::CertificateSpec,
};

/// A quote. Untouched, it has the shape of a genuine one.
#[derive(Clone, Debug)]
pub struct Quote {
    /// 3, 4 or 5.
    pub version: u16,
    /// 2 is ECDSA on P-256.
    pub key_type: u16,
    /// 0 is SGX, 0x81 TDX.
    pub tee: u32,
    /// Versions of QE and PCE in version 3, reserved later.
    pub svns: [u8; 4],
    /// Who made the quoting enclave.
    pub qe_vendor: [u8; 16],
    /// The id of the quoting enclave and four more bytes.
    pub user_data: [u8; 20],
    /// The report.
    pub body: Body,
    /// The type and size that a version 5 descriptor names; `None` is what the body is.
    pub descriptor: Option<(u16, u32)>,
    /// The key that the quoting enclave made.
    pub attestation_key: Key,
    /// The key that signs the quote; `None` is the attestation key.
    pub signing_key: Option<Key>,
    /// What happens to the quote's signature.
    pub signature: Option<SignatureEdit>,
    /// The quoting enclave's report. Its report data are those of the attestation key.
    pub qe_report: EnclaveReport,
    /// Report data in place of the attestation key's.
    pub qe_report_data: Option<[u8; 64]>,
    /// The key that signs the quoting enclave's report; `None` is the platform's.
    pub qe_report_key: Option<Key>,
    /// What the quoting enclave adds to the attestation key.
    pub qe_auth_data: Vec<u8>,
    /// The certificates, root first: each is issued by the one before it.
    pub chain: Vec<CertificateSpec>,
    /// The type of the outer certification data from version 4 on; genuine ones are 6.
    pub outer_type: u16,
    /// The type of the certification data with the chain; genuine ones are 5.
    pub inner_type: u16,
    /// Certification data in place of the chain.
    pub certification_data: Option<Vec<u8>>,
    /// Bytes behind the inner certification data, inside the lengths.
    pub inner_tail: Vec<u8>,
    /// Bytes behind everything that is inside the length of the signature data.
    pub outer_tail: Vec<u8>,
    /// Bytes behind the quote.
    pub padding: Vec<u8>,
    /// Edits of the finished quote.
    pub after: Vec<Edit>,
}

/// The report that is quoted.
#[derive(Clone, Debug)]
pub enum Body {
    /// A trust domain's.
    Td(Box<Td>),
    /// An enclave's.
    Enclave(EnclaveReport),
}

impl Quote {
    /// The trust domain's report, to change it.
    ///
    /// # Panics
    /// When an enclave is quoted.
    #[expect(clippy::panic, reason = "a test that changes nothing would test nothing")]
    pub fn td_mut(&mut self) -> &mut Td {
        match &mut self.body {
            Body::Td(td) => td,
            Body::Enclave(_) => panic!("an enclave is quoted"),
        }
    }

    /// The enclave's report, to change it.
    ///
    /// # Panics
    /// When a trust domain is quoted.
    #[expect(clippy::panic, reason = "a test that changes nothing would test nothing")]
    pub fn enclave_mut(&mut self) -> &mut EnclaveReport {
        match &mut self.body {
            Body::Enclave(report) => report,
            Body::Td(_) => panic!("a trust domain is quoted"),
        }
    }

    /// The platform's certificate, to change it.
    ///
    /// # Panics
    /// When there are no certificates.
    #[expect(clippy::expect_used, reason = "a test that changes nothing would test nothing")]
    pub fn pck_mut(&mut self) -> &mut CertificateSpec {
        self.chain.last_mut().expect("there are certificates")
    }

    /// The chain in DER, root first.
    #[must_use]
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        let issuers = self.chain.iter().take(1).chain(&self.chain);
        self.chain.iter().zip(issuers).map(|(certificate, issuer)| certificate.issued_by(issuer)).collect()
    }

    /// What is signed: header and body.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        let mut bytes = [
            self.version.to_le_bytes().as_slice(),
            &self.key_type.to_le_bytes(),
            &self.tee.to_le_bytes(),
            &self.svns,
            &self.qe_vendor,
            &self.user_data,
        ]
        .concat();
        let (number, body) = match &self.body {
            Body::Enclave(report) => (1, report.build()),
            Body::Td(td) => (2 + u16::from(td.td15.is_some()) + u16::from(td.extended.is_some()), td.build()),
        };
        if self.version == 5 {
            let (number, size) = self.descriptor.unwrap_or((number, length(&body)));
            bytes.extend(number.to_le_bytes());
            bytes.extend(size.to_le_bytes());
        }
        bytes.extend(body);
        bytes
    }

    /// The quote.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut quote = self.signed();
        let key = xy(&self.attestation_key);
        let signature = self.signing_key.as_ref().unwrap_or(&self.attestation_key).sign(&quote);
        let signature = signature.fixed_edited(self.signature.as_ref());

        let mut enclave = self.qe_report.clone();
        let digest = Sha256::new().chain_update(&key).chain_update(&self.qe_auth_data).finalize();
        let mut report_data = [0; 64];
        report_data.iter_mut().zip(digest).for_each(|(place, byte)| *place = byte);
        enclave.report_data = self.qe_report_data.unwrap_or(report_data);
        let enclave = enclave.build();
        let platform_key = self.qe_report_key.as_ref().or(self.chain.last().map(|pck| &pck.key));
        let enclave_signature = platform_key.map(|key| key.sign(&enclave).fixed()).unwrap_or_default();

        let chain = self.certificates().iter().rev().map(|der| pem(der)).collect::<String>() + "\0";
        let chain = self.certification_data.clone().unwrap_or_else(|| chain.into_bytes());
        let auth_length = u16::try_from(self.qe_auth_data.len()).unwrap_or(u16::MAX).to_le_bytes();
        let mut certified = [enclave.as_slice(), &enclave_signature, &auth_length, &self.qe_auth_data].concat();
        certified.extend(typed(self.inner_type, &chain));
        certified.extend(&self.inner_tail);
        if self.version != 3 {
            certified = typed(self.outer_type, &certified);
        }
        let data = [signature, key, certified, self.outer_tail.clone()].concat();
        quote.extend(length(&data).to_le_bytes());
        quote.extend(data);
        quote.extend(&self.padding);
        self.after.iter().for_each(|edit| edit.apply(&mut quote));
        quote
    }
}

/// Certification data with its type and length.
fn typed(number: u16, data: &[u8]) -> Vec<u8> {
    [number.to_le_bytes().as_slice(), &length(data).to_le_bytes(), data].concat()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// A public key as quotes have it: x ‖ y.
fn xy(key: &Key) -> Vec<u8> {
    key.public_point().split_off(1)
}

/// A certificate in PEM (RFC 7468), with a line end behind it.
pub(crate) fn pem(der: &[u8]) -> String {
    let text = base64(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn lines_are_no_longer_than_pem_allows() {
        assert!(pem(&[0xFF; 60]).lines().all(|line| line.len() <= 64));
    }
}
