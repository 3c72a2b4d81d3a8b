//! The signature section of an enclave image file, and PCR8 (aws-nitro-enclaves-image-format 0.8.1, `PcrSignature` and
//! `PcrInfo` of src/defs/mod.rs; AWS Nitro Enclaves user guide, "Where to get an enclave's measurements").
//!
//! In: the section's bytes, untrusted, and the PCR0 that was measured from the same image. Out: [`SignerMeasurement`].
//!
//! The section is CBOR: an array of one map of `signing_certificate`, a certificate in PEM, and `signature`, a
//! COSE_Sign1. Both are written as arrays of integers, for want of byte strings in the writer. The COSE payload is not
//! parsed: it has to be, byte for byte, what a signer writes for this PCR0.

use der::pem;
use prooftrail_result::{Reason, ReasonCode, Timestamp};

use crate::{
    cbor::{Length, Reader},
    cose::Sign1,
    crypto::Crypto,
    x509::{Certificate, PublicKey},
};

/// The largest signature section that is read, in bytes. One with a certificate of 1 KiB has 3 KiB.
pub const MAX_EIF_SIGNATURE_BYTES: usize = 64 * 1024;

/// Cap of a key of the map.
const MAX_KEY_BYTES: usize = 32;

/// Cap of the COSE payload; a signer writes at most 132 bytes.
const MAX_PAYLOAD_BYTES: usize = 256;

/// What an image's signature adds to its measurements, once it has been verified.
///
/// The certificate vouches for itself only: nothing here says that its subject is who it claims to be, and its validity
/// is reported and not enforced, because PCR8 identifies the certificate whatever the time.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignerMeasurement {
    /// PCR8: SHA-384(48 zero bytes ‖ SHA-384(certificate in DER)).
    pub pcr8: [u8; 48],
    /// The certificate's subject, RFC 4514.
    pub subject: String,
    /// The first second of the certificate's validity.
    pub not_before: Timestamp,
    /// The last second of the certificate's validity.
    pub not_after: Timestamp,
}

/// The two fields of the section.
struct Section {
    certificate_pem: Vec<u8>,
    signature: Vec<u8>,
}

/// Verifies the signature section of an enclave image whose sections measure to `pcr0`, and measures its signer.
///
/// Only ES384 under a P-384 key is verified.
///
/// # Errors
/// The reason: what is wrong with the CBOR, the COSE envelope or the certificate; [`ReasonCode::ChainKeyType`] for a
/// key of another type; [`ReasonCode::CoseSignature`] where the signature does not verify;
/// [`ReasonCode::BindingValueMismatch`] where it does, and signs the PCR0 of another image.
pub fn verify_eif_signature(section: &[u8], pcr0: &[u8; 48], crypto: &dyn Crypto) -> Result<SignerMeasurement, Reason> {
    if section.len() > MAX_EIF_SIGNATURE_BYTES {
        let reason = Reason::new(ReasonCode::CborTooLong, "the signature section is too large");
        return Err(reason
            .have(format_args!("{} bytes", section.len()))
            .need(format_args!("at most {MAX_EIF_SIGNATURE_BYTES} bytes")));
    }
    let section = Reader::read_all(section, "signature section", Section::read)?;
    let certificate = read_certificate(&section.certificate_pem)?;
    let PublicKey::P384(public_key) = &certificate.public_key else {
        let detail = "the signing certificate has no uncompressed P-384 key";
        return Err(Reason::new(ReasonCode::ChainKeyType, detail).need("a P-384 key, for ES384"));
    };

    let envelope = Sign1::parse(&section.signature, MAX_PAYLOAD_BYTES)?;
    let digest = envelope.digest(crypto);
    crypto.verify_p384_sha384(public_key, &digest, envelope.signature).map_err(|_| {
        let detail = "the signature does not verify under the signing certificate's key";
        Reason::new(ReasonCode::CoseSignature, detail)
    })?;
    if envelope.payload != signed_payload(pcr0) {
        let detail = "the signature signs the PCR0 of another image";
        let need = format!("PCR0 {}", hex::encode(pcr0));
        return Err(Reason::new(ReasonCode::BindingValueMismatch, detail).need(need));
    }

    let fingerprint = crypto.sha384(&[&certificate.der]);
    Ok(SignerMeasurement {
        pcr8: crypto.sha384(&[&[0; 48], &fingerprint]),
        subject: certificate.subject.to_string(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
    })
}

impl Section {
    /// Reads the array of one map of two.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Reason> {
        let detail = "the section holds another number of signatures";
        count(reader.array()?, 1, detail)?;
        count(reader.map()?, 2, "a signature has another number of fields")?;
        let (mut certificate_pem, mut signature) = (None, None);
        for _ in 0..2 {
            let key = reader.text(MAX_KEY_BYTES)?;
            let field = match key {
                "signing_certificate" => &mut certificate_pem,
                "signature" => &mut signature,
                other => {
                    let detail = "a signature has a field that is not known";
                    return Err(Reason::new(ReasonCode::NitroFieldInvalid, detail).have(other));
                }
            };
            if field.replace(integers(reader)?).is_some() {
                return Err(Reason::from(ReasonCode::CborDuplicateKey).have(key));
            }
        }
        // Two keys, each known and neither twice, are both keys.
        match (certificate_pem, signature) {
            (Some(certificate_pem), Some(signature)) => Ok(Self { certificate_pem, signature }),
            _ => Err(ReasonCode::NitroFieldMissing.into()),
        }
    }
}

/// Demands a collection of exactly `need` items, whose number is written before them.
fn count(length: Length, need: u64, detail: &'static str) -> Result<(), Reason> {
    match length {
        Length::Definite(have) if have == need => Ok(()),
        Length::Definite(have) => Err(Reason::new(ReasonCode::NitroFieldInvalid, detail).have(have).need(need)),
        Length::Indefinite => Err(ReasonCode::CborIndefinite.into()),
    }
}

/// Bytes, written as an array of integers from 0 to 255.
fn integers(reader: &mut Reader<'_>) -> Result<Vec<u8>, Reason> {
    let Length::Definite(length) = reader.array()? else {
        return Err(ReasonCode::CborIndefinite.into());
    };
    // Each integer takes a byte of the section at least, so the section's cap is this array's cap too.
    (0..length)
        .map(|_| {
            let value = reader.unsigned()?;
            u8::try_from(value).map_err(|_| {
                let detail = "an array that stands for bytes holds something larger";
                Reason::new(ReasonCode::NitroFieldInvalid, detail).have(value).need("0 to 255")
            })
        })
        .collect()
}

/// Reads the one certificate of a PEM text. Comments may stand before it, as `openssl x509 -text` writes them.
fn read_certificate(text: &[u8]) -> Result<Certificate, Reason> {
    let (label, der) = pem::decode_vec(text.trim_ascii()).map_err(|error| {
        let detail = format!("the signing certificate is not one certificate in PEM: {error}");
        Reason::new(ReasonCode::X509Malformed, detail)
    })?;
    if label != "CERTIFICATE" {
        let detail = "the PEM block is not a certificate";
        return Err(Reason::new(ReasonCode::X509Malformed, detail).have(label).need("CERTIFICATE"));
    }
    Certificate::read(&der, "the signing certificate")
}

/// The CBOR that signers write for `PcrInfo { register_index: 0, register_value: pcr0 }`, the value as an array of
/// integers.
fn signed_payload(pcr0: &[u8; 48]) -> Vec<u8> {
    /// `{"register_index": 0, "register_value": [` and the head of an array of 48.
    const HEAD: &[u8] = b"\xA2\x6Eregister_index\x00\x6Eregister_value\x98\x30";
    let mut payload = Vec::with_capacity(HEAD.len() + 2 * pcr0.len());
    payload.extend_from_slice(HEAD);
    for &byte in pcr0 {
        if byte > 23 {
            payload.push(0x18);
        }
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
mod tests;
