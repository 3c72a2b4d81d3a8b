//! Endorsements: data that vouches for evidence (RFC 9334, section 8.2), told apart by content.
//!
//! In: files as they were fetched or supplied, PEM or DER. Out: [`Endorsements`], content-addressed, ready for the
//! chain engine. Nothing in here is trusted until the engine has verified it.

use der::pem;
use prooftrail_result::{Reason, ReasonCode};

use crate::{crypto::Crypto, x509::Crl};

/// An endorsement beyond this is refused unread; vendors' largest CRLs have some hundred kilobytes.
pub const MAX_ENDORSEMENT_BYTES: usize = 8 * 1024 * 1024;

/// No set of evidence needs more endorsements than this.
pub const MAX_ENDORSEMENTS: usize = 256;

/// Endorsements of one appraisal.
#[derive(Debug, Default)]
pub struct Endorsements {
    crls: Vec<Crl>,
    crl_snapshot: [u8; 32],
}

impl Endorsements {
    /// Reads endorsements, each one file.
    ///
    /// # Errors
    /// A reason of stage `parse` where a file is too large, of no known type, or not well-formed.
    pub fn read<'a>(crypto: &dyn Crypto, files: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Reason> {
        let mut crls = Vec::new();
        for file in files {
            if crls.len() == MAX_ENDORSEMENTS {
                let reason =
                    Reason::new(ReasonCode::EndorsementTooLarge, "there are more endorsements than any set needs");
                return Err(reason.need(format_args!("at most {MAX_ENDORSEMENTS}")));
            }
            if file.len() > MAX_ENDORSEMENT_BYTES {
                let have = format!("{} bytes", file.len());
                return Err(Reason::from(ReasonCode::EndorsementTooLarge)
                    .have(have)
                    .need(format_args!("at most {MAX_ENDORSEMENT_BYTES} bytes")));
            }
            let Some(der) = decode(file, "X509 CRL", is_crl) else {
                return Err(ReasonCode::EndorsementUnrecognised.into());
            };
            crls.push(Crl::read(&der, crypto.sha256(&[&der]))?);
        }
        // The same CRL twice is the same snapshot.
        crls.sort_by_key(Crl::sha256);
        crls.dedup_by_key(|crl| crl.sha256());
        let digests: Vec<_> = crls.iter().map(Crl::sha256).collect();
        let parts: Vec<&[u8]> = digests.iter().map(<[u8; 32]>::as_slice).collect();
        Ok(Self { crl_snapshot: crypto.sha256(&parts), crls })
    }

    /// The revocation lists.
    #[must_use]
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// Identifies the revocation lists as a whole.
    pub(crate) const fn crl_snapshot(&self) -> &[u8; 32] {
        &self.crl_snapshot
    }
}

/// Reads one certificate, PEM or DER, without looking into it: for roots that a person names by file.
///
/// # Errors
/// [`ReasonCode::X509Malformed`] where the bytes are neither.
pub fn certificate_der(file: &[u8]) -> Result<Vec<u8>, Reason> {
    let der = (file.len() <= MAX_ENDORSEMENT_BYTES).then(|| decode(file, "CERTIFICATE", is_certificate)).flatten();
    der.ok_or_else(|| Reason::new(ReasonCode::X509Malformed, "not a certificate in PEM or DER"))
}

/// The DER inside a PEM block with that label, or the file itself if it looks like that DER.
fn decode(file: &[u8], label: &str, looks_right: fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let text = file.trim_ascii();
    if text.starts_with(b"-----BEGIN ") {
        let (found, der) = pem::decode_vec(text).ok()?;
        return (found == label && looks_right(&der)).then_some(der);
    }
    looks_right(file).then(|| file.to_vec())
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
