//! A CA, a list of revoked certificates, or a responder, verified alone under its issuer.
//!
//! In: its DER and the issuer. Out: nothing, or the reason. This decides what is kept until evidence needs it, so that what
//! nobody signed cannot displace what somebody did. No verdict rests on that: evidence takes its whole path through the chain
//! engine again, with everything that was kept among its endorsements. Verdicts do rest on responders: the issuer of such a
//! certificate has come through the chain engine, and a responder is one step below it.

use der::{Decode, Header, Reader, SliceReader, Tag, asn1::BitStringRef};
use prooftrail_result::{Reason, ReasonCode};
use prooftrail_trust_roots::Root;
use rustls_pki_types::{InvalidSignature, SignatureVerificationAlgorithm};
use x509_cert::{
    ext::pkix::KeyUsages,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef},
};

use super::{
    certificate::Certificate,
    crl::Crl,
    profile::{Profile, check_validity},
    remembered::Remembered,
};
use crate::{
    context::Context,
    crypto::{Crypto, SignatureAlgorithm},
};

/// Reads a root of that profile.
pub(crate) fn root(root: &Root, profile: &Profile) -> Result<Certificate, Reason> {
    let certificate = Certificate::read(&root.der, "the root")?;
    profile.check_root(&certificate)?;
    Ok(certificate)
}

/// Verifies a CA that the root issued: profile, signature, and dates at the context's instant.
pub(crate) fn verify_ca(
    root: &Certificate,
    ca: &[u8],
    profile: &Profile,
    context: &Context<'_>,
) -> Result<Certificate, Reason> {
    let certificate = Certificate::read(ca, "the CA")?;
    profile.check_intermediate(&certificate, "the CA", root, root.path_length())?;
    check_validity(&certificate, "the CA", context.at, 0)?;
    verify(ca, root, profile, context.crypto).map_err(|_| ReasonCode::ChainSignature)?;
    Ok(certificate)
}

/// Verifies a list, whose DER is `der`: that `issuer` issued and signed it, and that it is in force at the context's
/// instant.
pub(crate) fn verify_crl(
    issuer: &Certificate,
    der: &[u8],
    crl: &Crl,
    profile: &Profile,
    context: &Context<'_>,
) -> Result<(), Reason> {
    if !crl.is_issued_by(&issuer.subject) {
        return Err(ReasonCode::RevocationIssuer.into());
    }
    crl.check_validity(context.at)?;
    if !issuer.allows(KeyUsages::CRLSign) {
        return Err(ReasonCode::RevocationSignature.into());
    }
    verify(der, issuer, profile, context.crypto).map_err(|_| ReasonCode::RevocationSignature.into())
}

/// Verifies the certificate of somebody whom `issuer` lets answer for it (RFC 6960, section 4.2.2.2): profile, purpose,
/// signature, and dates at the context's instant.
pub(crate) fn verify_responder(
    issuer: &Certificate,
    responder: &Certificate,
    profile: &Profile,
    context: &Context<'_>,
) -> Result<(), Reason> {
    profile.check_responder(responder, issuer)?;
    check_validity(responder, "the responder", context.at, 0)?;
    let signed = Signed::read(&responder.der).ok_or(ReasonCode::OcspResponder)?;
    verify_once(issuer, signed.algorithm, signed.bytes, signed.signature, context)
        .map_err(|_| Reason::new(ReasonCode::OcspResponder, "the issuer did not sign the responder's certificate"))
}

/// Verifies a signature by the holder of a certificate, once: what is remembered is this very signature by this very key.
pub(crate) fn verify_once(
    signer: &Certificate,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
    context: &Context<'_>,
) -> Result<(), InvalidSignature> {
    let Context { crypto, issuers, .. } = *context;
    let algorithm = Remembered { algorithm: crypto.path_algorithm(algorithm), crypto, issuers };
    let key = SubjectPublicKeyInfoRef::from_der(&signer.public_key_der).map_err(|_| InvalidSignature)?;
    algorithm.verify_signature(key.subject_public_key.as_bytes().ok_or(InvalidSignature)?, message, signature)
}

/// Verifies the signature of a certificate or a list, which have the same outer form (RFC 5280, sections 4.1 and 5.1).
fn verify(der: &[u8], issuer: &Certificate, profile: &Profile, crypto: &dyn Crypto) -> Result<(), InvalidSignature> {
    let signed = Signed::read(der).ok_or(InvalidSignature)?;
    let algorithm = profile.algorithms.iter().find(|algorithm| **algorithm == signed.algorithm);
    let algorithm: &dyn SignatureVerificationAlgorithm = crypto.path_algorithm(*algorithm.ok_or(InvalidSignature)?);
    let key = SubjectPublicKeyInfoRef::from_der(&issuer.public_key_der).map_err(|_| InvalidSignature)?;
    let key = key.subject_public_key.as_bytes().ok_or(InvalidSignature)?;
    algorithm.verify_signature(key, signed.bytes, signed.signature)
}

/// SEQUENCE of what is signed, how, and the signature.
struct Signed<'a> {
    bytes: &'a [u8],
    algorithm: SignatureAlgorithm,
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        if header.tag() != Tag::Sequence || header.length() != reader.remaining_len() {
            return None;
        }
        let bytes = reader.tlv_bytes().ok()?;
        let algorithm = AlgorithmIdentifierOwned::from_der(reader.tlv_bytes().ok()?).ok()?;
        let signature = BitStringRef::<'a>::decode(&mut reader).ok()?;
        let algorithm = SignatureAlgorithm::of(&algorithm)?;
        reader.is_finished().then_some(())?;
        Some(Self { bytes, algorithm, signature: signature.as_bytes()? })
    }
}
