//! Endorsements: data that vouches for evidence (RFC 9334, section 8.2), told apart by content.
//!
//! In: files as they were fetched or supplied; certificates and CRLs in PEM (any number in one file) or DER, the tables of
//! them that SEV-SNP guests get from their hosts, Intel's collateral in JSON, event logs of guests, TPM quotes, NVIDIA's RIMs
//! in XML or in its service's JSON, OCSP responses, key sets of token issuers, Google's endorsements of firmware. Out:
//! [`Endorsements`], content-addressed, ready for the chain engine. Nothing in here is trusted until the engine has verified
//! it, with one exception: for the keys of a key set (RFC 7517) vouches whoever supplies it, unless a chain or the roots do.
//! So a key set is never taken from the attester whose tokens it is to verify ([`holds_key_set`]).

mod file;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use der::Decode;
use prooftrail_result::{Reason, ReasonCode};
use x509_cert::name::Name;

use crate::{
    azure::{self, EndorsedQuote, PcrLog},
    crypto::Crypto,
    gce::{self, FirmwareEndorsement},
    intel::{
        collateral::{self, Collateral},
        event_log::EventLog,
    },
    jose::{self, KeySet},
    nvidia::rim::{self, Rim},
    ocsp::OcspResponse,
    snp,
    tcg_log::{self, TcgLog},
    x509::{Crl, Outline, common_name},
};

pub use file::EndorsementFile;

/// An endorsement beyond this is refused unread; vendors' largest CRLs have some hundred kilobytes.
pub const MAX_ENDORSEMENT_BYTES: usize = 8 * 1024 * 1024;

/// No set of evidence needs more endorsements than this, however they are spread over files.
pub const MAX_ENDORSEMENTS: usize = 256;

/// Endorsements of one appraisal.
#[derive(Clone, Debug, Default)]
pub struct Endorsements {
    certificates: Vec<Arc<EndorsedCertificate>>,
    chains: Vec<Vec<Arc<EndorsedCertificate>>>,
    crls: Vec<Arc<Crl>>,
    crl_snapshot: [u8; 32],
    collateral: Collateral,
    event_logs: Vec<Arc<EventLog>>,
    pcr_logs: Vec<Arc<PcrLog>>,
    tpm_quotes: Vec<Arc<EndorsedQuote>>,
    key_sets: Vec<Arc<KeySet>>,
    rims: Vec<Arc<Rim>>,
    ocsp_responses: Vec<Arc<OcspResponse>>,
    firmware: Vec<Arc<FirmwareEndorsement>>,
}

/// A certificate that was supplied beside the evidence. Neither read nor verified yet, but for the places of its names.
#[derive(Clone, Debug)]
pub(crate) struct EndorsedCertificate {
    der: Vec<u8>,
    outline: Outline,
    sha256: [u8; 32],
}

impl EndorsedCertificate {
    /// The certificate in DER.
    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The issuer's common name, where it has exactly one.
    pub(crate) fn issuer_common_name(&self) -> Option<String> {
        common_name(&Name::from_der(self.issuer()).ok()?)
    }

    /// The subject's common name, where it has exactly one.
    pub(crate) fn subject_common_name(&self) -> Option<String> {
        common_name(&Name::from_der(self.subject()).ok()?)
    }

    /// The issuer's name in DER.
    pub(crate) fn issuer(&self) -> &[u8] {
        self.outline.issuer(&self.der)
    }

    /// The subject's name in DER.
    pub(crate) fn subject(&self) -> &[u8] {
        self.outline.subject(&self.der)
    }

    /// SHA-256 of its bytes.
    pub(crate) const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

impl Endorsements {
    /// Reads endorsements, each one file. The caller vouches for the key sets among them.
    ///
    /// # Errors
    /// A reason of stage `parse` where a file is too large, of no known type, or not well-formed.
    pub fn read<'a>(crypto: &dyn Crypto, files: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Reason> {
        Self::default().with(crypto, files)
    }

    /// The same of files that may have been read before.
    ///
    /// # Errors
    /// See [`Endorsements::read`].
    pub fn of<'a>(crypto: &dyn Crypto, files: impl IntoIterator<Item = &'a EndorsementFile>) -> Result<Self, Reason> {
        Self::default().with_all(crypto, files.into_iter().map(|file| file.endorsements(crypto)))
    }

    /// These endorsements and those of further files.
    ///
    /// # Errors
    /// See [`Endorsements::read`].
    pub(crate) fn with<'a>(
        self,
        crypto: &dyn Crypto,
        files: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, Reason> {
        self.with_all(crypto, files.into_iter().map(|file| Self::read_file(crypto, file).map(Arc::new)))
    }

    fn with_all(
        mut self,
        crypto: &dyn Crypto,
        files: impl Iterator<Item = Result<Arc<Self>, Reason>>,
    ) -> Result<Self, Reason> {
        for file in files {
            self.join(&*file?)?;
        }
        self.identify_crls(crypto);
        Ok(self)
    }

    /// Adds those of another file, each once.
    fn join(&mut self, file: &Self) -> Result<(), Reason> {
        let Self {
            certificates,
            chains,
            crls,
            crl_snapshot: _,
            collateral,
            event_logs,
            pcr_logs,
            tpm_quotes,
            key_sets,
            rims,
            ocsp_responses,
            firmware,
        } = file;
        extend(&mut self.certificates, certificates, |certificate| certificate.sha256);
        self.chains.extend_from_slice(chains);
        extend(&mut self.crls, crls, Crl::sha256);
        self.collateral.join(collateral);
        self.event_logs.extend_from_slice(event_logs);
        self.pcr_logs.extend_from_slice(pcr_logs);
        self.tpm_quotes.extend_from_slice(tpm_quotes);
        extend(&mut self.key_sets, key_sets, |set| set.sha256);
        extend(&mut self.rims, rims, |rim| (rim.sha256, rim.service_id.clone()));
        self.ocsp_responses.extend_from_slice(ocsp_responses);
        extend(&mut self.firmware, firmware, FirmwareEndorsement::sha256);
        self.check_count()
    }

    /// Names the revocation lists as a whole, in whatever order they came.
    fn identify_crls(&mut self, crypto: &dyn Crypto) {
        self.crls.sort_by_key(|crl| crl.sha256());
        let digests: Vec<_> = self.crls.iter().map(|crl| crl.sha256()).collect();
        self.crl_snapshot = crypto.sha256(&[digests.as_flattened()]);
    }

    /// Reads one file alone.
    fn read_file(crypto: &dyn Crypto, file: &[u8]) -> Result<Self, Reason> {
        if file.len() > MAX_ENDORSEMENT_BYTES {
            let have = format!("{} bytes", file.len());
            return Err(Reason::from(ReasonCode::EndorsementTooLarge)
                .have(have)
                .need(format_args!("at most {MAX_ENDORSEMENT_BYTES} bytes")));
        }
        let mut read = Self::default();
        read.add_file(crypto, file)?;
        read.identify_crls(crypto);
        Ok(read)
    }

    /// Reads one file: a table of certificates as SEV-SNP guests get it, the JSON, or PEM or DER.
    fn add_file(&mut self, crypto: &dyn Crypto, file: &[u8]) -> Result<(), Reason> {
        if snp::is_table(file) {
            return snp::read_table(file)?.into_iter().try_for_each(|entry| match gce::is_one(entry) {
                true => self.add_firmware(crypto, entry),
                false => self.add_x509(crypto, entry),
            });
        }
        if gce::is_one(file) {
            return self.add_firmware(crypto, file);
        }
        if TcgLog::is_one(file) {
            return self.add_log(crypto, &TcgLog::read(crypto, file)?);
        }
        if Rim::is_one(file) {
            return self.add_rim(crypto, file);
        }
        if OcspResponse::is_one(file) {
            self.ocsp_responses.push(Arc::new(OcspResponse::read(crypto, file)?));
            return self.check_count();
        }
        if file.trim_ascii_start().starts_with(b"{") {
            return self.add_json(crypto, file);
        }
        self.add_x509(crypto, file)
    }

    /// Reads every PEM block of a file, or the DER that it is.
    fn add_x509(&mut self, crypto: &dyn Crypto, file: &[u8]) -> Result<(), Reason> {
        if !file.trim_ascii_start().starts_with(PEM_BEGIN) {
            return self.add_der(crypto, file.to_vec()).map(|_| ());
        }
        let mut rest = file.trim_ascii_start();
        let mut chain = Vec::new();
        while !rest.is_empty() {
            let (label, der, after) = pem_block(rest).ok_or(ReasonCode::EndorsementUnrecognised)?;
            let looks_right: fn(&[u8]) -> bool = match label {
                "X509 CRL" => is_crl,
                "CERTIFICATE" => is_certificate,
                _ => return Err(ReasonCode::EndorsementUnrecognised.into()),
            };
            if !looks_right(&der) {
                return Err(ReasonCode::EndorsementUnrecognised.into());
            }
            chain.extend(self.add_der(crypto, der)?);
            rest = without_end(after, label).trim_ascii_start();
        }
        if chain.len() > 1 {
            self.chains.push(chain);
        }
        Ok(())
    }

    /// Adds the log of a firmware, to what it can be the log of: a TDX guest's registers, a TPM's, or both.
    fn add_log(&mut self, crypto: &dyn Crypto, log: &TcgLog) -> Result<(), Reason> {
        let (of_guest, of_tpm) = (EventLog::of_firmware(crypto, log), PcrLog::of_firmware(crypto, log));
        if of_guest.is_none() && of_tpm.is_none() {
            return Err(tcg_log::malformed("an entry is of no register that is known here, or lacks its digest"));
        }
        self.event_logs.extend(of_guest.map(Arc::new));
        self.pcr_logs.extend(of_tpm.map(Arc::new));
        self.check_count()
    }

    fn add_json(&mut self, crypto: &dyn Crypto, file: &[u8]) -> Result<(), Reason> {
        if jose::is_key_set(file) {
            self.key_sets.push(Arc::new(KeySet::read(file, crypto)?));
            return self.check_count();
        }
        if azure::is_quote(file) {
            self.tpm_quotes.push(Arc::new(EndorsedQuote::read(crypto, file)?));
            return self.check_count();
        }
        if rim::service::is_answer(file) {
            return self.add_rim(crypto, file);
        }
        let mut read = collateral::read(crypto, file)?;
        self.event_logs.extend(read.event_log.take().map(Arc::new));
        for crl in &read.crls {
            if !is_crl(crl) {
                return Err(Reason::new(ReasonCode::X509Malformed, "a CRL in Intel's collateral is none"));
            }
            self.add_der(crypto, crl.clone())?;
        }
        self.collateral.add(read);
        self.check_count()
    }

    /// Adds a RIM of NVIDIA's.
    fn add_rim(&mut self, crypto: &dyn Crypto, file: &[u8]) -> Result<(), Reason> {
        self.rims.push(Arc::new(Rim::read(crypto, file)?));
        self.check_count()
    }

    /// Adds one of Google's endorsements of firmware.
    fn add_firmware(&mut self, crypto: &dyn Crypto, file: &[u8]) -> Result<(), Reason> {
        self.firmware.push(Arc::new(FirmwareEndorsement::read(crypto, file)?));
        self.check_count()
    }

    /// Checks that there are not more endorsements than any set needs.
    fn check_count(&self) -> Result<(), Reason> {
        let logs = self.event_logs.len().max(self.pcr_logs.len());
        let rims = self.rims.len() + self.ocsp_responses.len();
        let others = self.collateral.len() + logs + self.tpm_quotes.len() + self.key_sets.len() + rims;
        let others = others + self.firmware.len();
        if self.crls.len() + self.certificates.len() + others <= MAX_ENDORSEMENTS {
            return Ok(());
        }
        let reason = Reason::new(ReasonCode::EndorsementTooLarge, "there are more endorsements than any set needs");
        Err(reason.need(format_args!("at most {MAX_ENDORSEMENTS}")))
    }

    /// Adds what the DER is, and gives it if it is a certificate.
    fn add_der(&mut self, crypto: &dyn Crypto, der: Vec<u8>) -> Result<Option<Arc<EndorsedCertificate>>, Reason> {
        let sha256 = crypto.sha256(&[&der]);
        if is_crl(&der) {
            self.crls.push(Arc::new(Crl::read(&der, sha256)?));
            return self.check_count().map(|()| None);
        }
        let outline = Outline::of(&der).filter(|_| is_certificate(&der));
        let outline = outline.ok_or(ReasonCode::EndorsementUnrecognised)?;
        if let Some(known) = self.certificates.iter().find(|known| known.sha256 == sha256) {
            return Ok(Some(Arc::clone(known)));
        }
        let certificate = Arc::new(EndorsedCertificate { der, outline, sha256 });
        self.certificates.push(Arc::clone(&certificate));
        self.check_count().map(|()| Some(certificate))
    }

    /// The revocation lists.
    #[must_use]
    pub fn crls(&self) -> &[Arc<Crl>] {
        &self.crls
    }

    /// Intel's collateral.
    pub(crate) const fn collateral(&self) -> &Collateral {
        &self.collateral
    }

    /// The event logs of guests.
    pub(crate) fn event_logs(&self) -> impl Iterator<Item = &EventLog> {
        self.event_logs.iter().map(AsRef::as_ref)
    }

    /// The event logs of firmware, as a TPM's.
    pub(crate) fn pcr_logs(&self) -> impl Iterator<Item = &PcrLog> {
        self.pcr_logs.iter().map(AsRef::as_ref)
    }

    /// The TPM quotes that came in files of their own.
    pub(crate) fn tpm_quotes(&self) -> &[Arc<EndorsedQuote>] {
        &self.tpm_quotes
    }

    /// The key sets of token issuers.
    pub(crate) fn key_sets(&self) -> impl Iterator<Item = &KeySet> {
        self.key_sets.iter().map(AsRef::as_ref)
    }

    /// NVIDIA's reference values, in the order supplied.
    pub(crate) fn rims(&self) -> &[Arc<Rim>] {
        &self.rims
    }

    /// Answers of responders on revocation.
    pub(crate) fn ocsp_responses(&self) -> &[Arc<OcspResponse>] {
        &self.ocsp_responses
    }

    /// Google's endorsements of firmware.
    pub(crate) fn firmware(&self) -> impl Iterator<Item = &FirmwareEndorsement> {
        self.firmware.iter().map(AsRef::as_ref)
    }

    /// Identifies the revocation lists as a whole.
    pub(crate) const fn crl_snapshot(&self) -> &[u8; 32] {
        &self.crl_snapshot
    }

    /// The certificates of each file that has several, in its order: where an order means something, the file says it.
    pub(crate) fn chains(&self) -> impl Iterator<Item = &[Arc<EndorsedCertificate>]> {
        self.chains.iter().map(Vec::as_slice)
    }

    /// The certificates, each once, in the order supplied.
    pub(crate) fn certificates(&self) -> &[Arc<EndorsedCertificate>] {
        &self.certificates
    }
}

/// Adds what is not there yet, told apart by `key`.
fn extend<T, K: PartialEq>(known: &mut Vec<Arc<T>>, more: &[Arc<T>], key: impl Fn(&T) -> K) {
    for new in more {
        if !known.iter().any(|known| key(known) == key(new)) {
            known.push(Arc::clone(new));
        }
    }
}

/// Whether an endorsement is a key set of a token issuer, and so rests on the word of whoever supplies it. What strangers
/// send must not be: with a key set of its own, an attester could sign its own tokens.
#[must_use]
pub fn holds_key_set(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"{") && jose::is_key_set(file)
}

/// Reads one certificate, PEM or DER, without looking into it: for roots that a person names by file.
///
/// # Errors
/// [`ReasonCode::X509Malformed`] where the bytes are neither.
pub fn certificate_der(file: &[u8]) -> Result<Vec<u8>, Reason> {
    let der = (file.len() <= MAX_ENDORSEMENT_BYTES).then(|| single_certificate(file)).flatten();
    der.ok_or_else(|| Reason::new(ReasonCode::X509Malformed, "not a certificate in PEM or DER"))
}

fn single_certificate(file: &[u8]) -> Option<Vec<u8>> {
    let text = file.trim_ascii();
    if text.starts_with(PEM_BEGIN) {
        let (label, der, after) = pem_block(text)?;
        return (label == "CERTIFICATE" && after.is_empty() && is_certificate(&der)).then_some(der);
    }
    is_certificate(file).then(|| file.to_vec())
}

/// How a PEM block begins.
pub(crate) const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const PEM_END: &[u8] = b"-----END ";
const PEM_DASHES: &[u8] = b"-----";

/// The first PEM block of a text that begins with one (RFC 7468, the strict grammar): its label, what is in it, and what
/// follows. Nothing of it is secret, so that a decoder is used which is quick rather than constant in time.
pub(crate) fn pem_block(text: &[u8]) -> Option<(&str, Vec<u8>, &[u8])> {
    const LINE: usize = 64;
    let (head, mut rest) = line(text.strip_prefix(PEM_BEGIN)?)?;
    let label = head.strip_suffix(PEM_DASHES)?;
    let mut base64 = Vec::with_capacity(rest.len().min(4096));
    let mut is_last = false;
    while !rest.starts_with(PEM_END) {
        let (text, after) = line(rest)?;
        // Every line but the last is full.
        if is_last || text.is_empty() || text.len() > LINE {
            return None;
        }
        is_last = text.len() < LINE;
        base64.extend_from_slice(text);
        rest = after;
    }
    let after = rest.strip_prefix(PEM_END)?.strip_prefix(label)?.strip_prefix(PEM_DASHES)?;
    let der = STANDARD.decode(base64).ok()?;
    let label = str::from_utf8(label).ok().filter(|label| label.bytes().all(|byte| matches!(byte, b' '..=b'~')))?;
    Some((label, der, after))
}

/// What follows a block without a second END line of its label: tools that cut chains apart leave such lines, which delimit
/// nothing.
fn without_end<'a>(after: &'a [u8], label: &str) -> &'a [u8] {
    let rest = after.trim_ascii_start().strip_prefix(PEM_END);
    rest.and_then(|rest| rest.strip_prefix(label.as_bytes())?.strip_prefix(PEM_DASHES)).unwrap_or(after)
}

/// A line without its end, and what follows.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&byte| byte == b'\n')?;
    let (line, after) = (text.get(..end)?, text.get(end + 1..)?);
    Some((line.strip_suffix(b"\r").unwrap_or(line), after))
}

/// `SEQUENCE { SEQUENCE { …`: certificates and CRLs are alike so far; then a certificate has its version (tag 0) or
/// serial, and a CRL its version 1 and an algorithm, or an algorithm at once (RFC 5280, sections 4.1 and 5.1).
fn is_crl(der: &[u8]) -> bool {
    matches!(inside_tbs(der), Some([0x02, 0x01, 0x01, 0x30, ..] | [0x30, ..]))
}

/// See [`is_crl`].
fn is_certificate(der: &[u8]) -> bool {
    matches!(inside_tbs(der), Some([0xA0, 0x03, 0x02, 0x01, _, 0x02, ..]))
}

/// What stands inside the second SEQUENCE.
fn inside_tbs(der: &[u8]) -> Option<&[u8]> {
    fn content(der: &[u8]) -> Option<&[u8]> {
        let (&[tag, first], rest) = der.split_first_chunk::<2>()?;
        let long = if first < 0x80 { 0 } else { usize::from(first & 0x7F) };
        (tag == 0x30 && long <= 4).then(|| rest.get(long..)).flatten()
    }
    content(content(der)?)
}
