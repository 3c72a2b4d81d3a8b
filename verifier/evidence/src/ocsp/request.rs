//! The question to a responder (RFC 6960, section 4.1): about one certificate, with a nonce (RFC 9654).
//!
//! In: the certificate's identifier, and 32 bytes of chance. Out: DER.

use der::{Encode, Sequence, asn1::OctetStringRef, oid::ObjectIdentifier};
use x509_cert::{ext::Extension, serial_number::SerialNumber, spki::AlgorithmIdentifier};

use super::id::CertId;
use crate::wanted::Wanted;

/// id-pkix-ocsp-nonce (RFC 9654, section 2.1).
pub(super) const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

#[derive(Sequence)]
struct OcspRequest<'a> {
    tbs: TbsRequest<'a>,
}

#[derive(Sequence)]
struct TbsRequest<'a> {
    requests: Vec<Request<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Request<'a> {
    id: CertIdDer<'a>,
}

/// CertID.
#[derive(Sequence)]
pub(super) struct CertIdDer<'a> {
    pub(super) algorithm: AlgorithmIdentifier<der::asn1::AnyRef<'a>>,
    pub(super) issuer_name: &'a OctetStringRef,
    pub(super) issuer_key: &'a OctetStringRef,
    pub(super) serial: SerialNumber,
}

/// The question whose answer is what is wanted; nothing where responders do not answer that.
#[must_use]
pub fn request(wanted: &Wanted, nonce: &[u8; 32]) -> Option<Vec<u8>> {
    encode(&wanted.ocsp_id()?, nonce).ok()
}

fn encode(id: &CertId, nonce: &[u8; 32]) -> der::Result<Vec<u8>> {
    let id = CertIdDer {
        algorithm: AlgorithmIdentifier { oid: id.algorithm.oid(), parameters: None },
        issuer_name: OctetStringRef::new(&id.issuer_name)?,
        issuer_key: OctetStringRef::new(&id.issuer_key)?,
        serial: SerialNumber::new(&id.serial)?,
    };
    let nonce = OctetStringRef::new(nonce)?.to_der()?;
    let nonce = Extension { extn_id: NONCE, critical: false, extn_value: der::asn1::OctetString::new(nonce)? };
    OcspRequest { tbs: TbsRequest { requests: vec![Request { id }], extensions: Some(vec![nonce]) } }.to_der()
}
