//! Reads what the simulator wrote, with `minicbor` and `x509-cert`: bytes come in, their parts go out.

use der::{Decode, Encode};
use minicbor::{Decoder, data::Type};
use p384::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use x509_cert::Certificate;

/// 2026-06-01T12:00:00Z, in milliseconds: the time of all documents here.
pub(crate) const AT_MS: u64 = 1_780_315_200_000;
/// The same in seconds.
pub(crate) const AT: i64 = 1_780_315_200;

/// The four elements of an untagged COSE_Sign1, and the payload's entries with each value in CBOR.
pub(crate) struct Read {
    pub(crate) protected: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) entries: Vec<(String, Vec<u8>)>,
}

impl Read {
    pub(crate) fn new(document: &[u8]) -> Self {
        let mut decoder = Decoder::new(document);
        assert_eq!(decoder.array().unwrap(), Some(4));
        let protected = decoder.bytes().unwrap().to_vec();
        assert_eq!(decoder.map().unwrap(), Some(0));
        let payload = decoder.bytes().unwrap().to_vec();
        let signature = decoder.bytes().unwrap().to_vec();
        assert_eq!(decoder.position(), document.len());
        Self { entries: entries(&payload), protected, payload, signature }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.entries.iter().map(|(key, _)| key.as_str()).collect()
    }

    pub(crate) fn value(&self, key: &str) -> Decoder<'_> {
        Decoder::new(&self.entries.iter().find(|(present, _)| present == key).unwrap().1)
    }

    pub(crate) fn pcrs(&self, key: &str) -> Vec<(u64, Vec<u8>)> {
        let mut decoder = self.value(key);
        let count = decoder.map().unwrap().unwrap();
        (0..count).map(|_| (decoder.u64().unwrap(), decoder.bytes().unwrap().to_vec())).collect()
    }

    /// The certificates in DER, root first and leaf last.
    pub(crate) fn chain(&self) -> Vec<Vec<u8>> {
        let mut bundle = self.value("cabundle");
        let count = bundle.array().unwrap().unwrap();
        let mut chain: Vec<_> = (0..count).map(|_| bundle.bytes().unwrap().to_vec()).collect();
        chain.push(self.value("certificate").bytes().unwrap().to_vec());
        chain
    }

    /// Whether the leaf's key signed this document; the Sig_structure is put together from literals.
    pub(crate) fn is_signed_by_leaf(&self) -> bool {
        let header = [b"\x84\x6ASignature1\x44".as_slice(), &self.protected, b"\x40"].concat();
        let mut signed = header;
        signed.push(0x59);
        signed.extend(u16::try_from(self.payload.len()).unwrap().to_be_bytes());
        signed.extend(&self.payload);
        let leaf = Certificate::from_der(self.chain().last().unwrap()).unwrap();
        verifying_key(&leaf).verify(&signed, &Signature::from_slice(&self.signature).unwrap()).is_ok()
    }
}

fn entries(payload: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut decoder = Decoder::new(payload);
    assert_eq!(decoder.map().unwrap(), None, "an indefinite map");
    let mut entries = Vec::new();
    while decoder.datatype().unwrap() != Type::Break {
        let key = decoder.str().unwrap().to_owned();
        let start = decoder.position();
        decoder.skip().unwrap();
        entries.push((key, payload[start..decoder.position()].to_vec()));
    }
    assert_eq!(decoder.position() + 1, payload.len());
    entries
}

/// The certificate's key, which has to be on P-384.
pub(crate) fn verifying_key(certificate: &Certificate) -> VerifyingKey {
    let key = certificate.tbs_certificate().subject_public_key_info();
    VerifyingKey::from_sec1_bytes(key.subject_public_key.raw_bytes()).unwrap()
}

/// Whether the issuer's key made the certificate's signature.
pub(crate) fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let signed = certificate.tbs_certificate().to_der().unwrap();
    let signature = Signature::from_der(certificate.signature().raw_bytes()).unwrap();
    verifying_key(issuer).verify(&signed, &signature).is_ok()
}
