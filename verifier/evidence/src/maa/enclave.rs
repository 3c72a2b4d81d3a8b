//! The enclave that holds the key of a token of Azure Attestation: who vouches for the service itself.
//!
//! In: the token, and the key's certificate. Out: [`ServiceEnclave`], where the certificate has a quote that verifies to Intel's
//! root; otherwise nothing is established and nothing is refused. The service runs in an SGX enclave, which makes the key and
//! quotes its hash: the key's id is base64 of SHA-256 over the key in PEM with a NUL behind it, and so are the first 32 bytes
//! of the report data. A certificate whose quote names another key was put together by somebody: then nothing of the quote is
//! claimed but that.
//!
//! ```text
//! extension 1.3.6.1.4.1.311.105.1: u32 version 1 | u32 type 2 | u64 length | SGX quote    (Open Enclave: evidence header)
//! ```

use base64::{Engine, engine::general_purpose::STANDARD};
use der::oid::ObjectIdentifier;

use crate::{
    bytes::Bytes,
    context::Context,
    crypto::Crypto,
    intel::service::{self, VouchedEnclave},
    jose::{Compact, Signer},
};

/// The extension with the quote.
const QUOTE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.105.1");
/// Version and type of the header before the quote.
const EVIDENCE_VERSION: u32 = 1;
const EVIDENCE_OF_SGX: u32 = 2;
/// Characters of base64 in a line of PEM.
const PEM_LINE: usize = 64;

/// What is known of the enclave.
#[derive(Debug)]
pub(super) struct ServiceEnclave {
    /// Whether its quote names the key that signs the token.
    pub(super) key_bound: bool,
    /// The enclave, if so.
    pub(super) vouched: Option<VouchedEnclave>,
}

impl ServiceEnclave {
    /// Looks at the certificate of the key that signed a token.
    pub(super) fn of(token: &Compact<'_>, signer: &Signer, context: &Context<'_>) -> Option<Self> {
        let key = signer.leaf.as_ref()?;
        let (certificate, sha256) = key.leaf.as_ref().zip(key.leaf_sha256.as_ref())?;
        let quote = quote(certificate.other_extension(QUOTE)?)?;
        let vouched = service::vouch(quote, sha256, context).ok()?;
        let digest = key_digest(&signer.key.spki, context.crypto);
        let (named, padding) = vouched.report_data.split_at_checked(digest.len())?;
        let key_bound = named == digest
            && padding.iter().all(|byte| *byte == 0)
            && token.header.kid.as_deref() == Some(STANDARD.encode(digest).as_str());
        Some(Self { key_bound, vouched: key_bound.then_some(vouched) })
    }
}

/// The quote behind its header, exactly.
fn quote(evidence: &[u8]) -> Option<&[u8]> {
    let mut reader = Bytes::new(evidence);
    let (version, kind) = (reader.u32()?, reader.u32()?);
    let length = u64::from_le_bytes(*reader.array()?);
    let quote = reader.rest();
    let is_whole = u64::try_from(quote.len()).is_ok_and(|have| have == length);
    ((version, kind) == (EVIDENCE_VERSION, EVIDENCE_OF_SGX) && is_whole).then_some(quote)
}

/// By what the enclave names its key: SHA-256 of the key in PEM, as a C string.
fn key_digest(spki: &[u8], crypto: &dyn Crypto) -> [u8; 32] {
    let base64 = STANDARD.encode(spki);
    let mut pem = Vec::with_capacity(base64.len() + base64.len() / PEM_LINE + 64);
    pem.extend_from_slice(b"-----BEGIN PUBLIC KEY-----\n");
    for line in base64.as_bytes().chunks(PEM_LINE) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(b"-----END PUBLIC KEY-----\n\0");
    crypto.sha256(&[&pem])
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn the_header_and_the_length_are_read_to_the_letter() {
        let good = [&[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..], b"abc"].concat();
        assert_eq!(quote(&good), Some(b"abc".as_slice()));
        for (place, byte) in [(0, 2), (4, 1), (8, 2), (8, 4), (15, 1)] {
            let mut other = good.clone();
            other[place] = byte;
            assert_eq!(quote(&other), None, "{place}");
        }
        assert_eq!(quote(&good[..15]), None);
        assert_eq!(quote(&[good.as_slice(), b"d"].concat()), None);
    }
}
