//! COSE_Sign1 (RFC 9052, section 4.2) as AWS emits it: exactly ES384, nothing unprotected.
//!
//! In: bytes. Out: the payload and signature as they stand there, and the digest that was signed. Received bytes are
//! signed bytes: nothing is re-encoded, and the strict reader leaves only one encoding of the envelope's signed parts.

use prooftrail_result::{Reason, ReasonCode};

use crate::{
    cbor::{Length, Reader, byte_string_head},
    crypto::Crypto,
};

/// `{1: -35}`: algorithm ES384 (RFC 9053, table 1).
const ES384: [u8; 4] = [0xA1, 0x01, 0x38, 0x22];

/// Tag of a COSE_Sign1 (RFC 9052, table 1).
const TAG_SIGN1: u64 = 18;

/// The head of the Sig_structure: an array of four, "Signature1", the protected header, no external data
/// (RFC 9052, section 4.4).
const SIG_STRUCTURE: [u8; 18] =
    [0x84, 0x6A, b'S', b'i', b'g', b'n', b'a', b't', b'u', b'r', b'e', b'1', 0x44, 0xA1, 0x01, 0x38, 0x22, 0x40];

/// A COSE_Sign1 whose algorithm is ES384.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sign1<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8; 96],
}

impl<'a> Sign1<'a> {
    /// Reads an envelope whose payload has at most `payload_cap` bytes; tag 18 may stand before it.
    pub(crate) fn parse(bytes: &'a [u8], payload_cap: usize) -> Result<Self, Reason> {
        Reader::read_all(bytes, "COSE_Sign1", |reader| {
            reader.optional_tag(TAG_SIGN1)?;
            match reader.array()? {
                Length::Definite(4) => {}
                Length::Definite(count) => {
                    return Err(Reason::from(ReasonCode::CoseNotSign1).have(format_args!("{count} elements")));
                }
                Length::Indefinite => return Err(ReasonCode::CborIndefinite.into()),
            }
            let protected = reader.bytes(usize::MAX)?;
            if protected != ES384 {
                let have = protected.get(..protected.len().min(16)).unwrap_or_default();
                return Err(Reason::from(ReasonCode::CoseProtectedHeader)
                    .have(hex::encode(have))
                    .need(hex::encode(ES384)));
            }
            if reader.map()? != Length::Definite(0) {
                return Err(ReasonCode::CoseUnprotectedHeader.into());
            }
            let payload = reader.bytes(payload_cap)?;
            let signature = reader.bytes(usize::MAX)?;
            let signature = signature.try_into().map_err(|_| {
                Reason::from(ReasonCode::CoseSignatureLength).have(format_args!("{} bytes", signature.len()))
            })?;
            Ok(Self { payload, signature })
        })
    }

    /// SHA-384 of the Sig_structure: what the signature covers, and the evidence's identity.
    pub(crate) fn digest(&self, crypto: &dyn Crypto) -> [u8; 48] {
        let (head, used) = byte_string_head(self.payload.len());
        crypto.sha384(&[&SIG_STRUCTURE, head.get(..used).unwrap_or_default(), self.payload])
    }
}
