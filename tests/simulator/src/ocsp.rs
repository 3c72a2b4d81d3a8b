//! Responders of the online certificate status protocol (RFC 6960, section 4.2).
//!
//! In: a certificate, its issuer and a time; out: a [`ResponseSpec`], whose fields say everything about the response before it
//! is built. Untouched, it is what NVIDIA's responder answers: good, signed by somebody whom the issuer lets sign answers.

use sha2::{Digest, Sha256, Sha384};

use crate::{
    der::{self, Oid},
    derive,
    key::{Key, SignatureEdit},
    x509::{CertificateSpec, Extension, KeyUsage::DigitalSignature, Name, oid},
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// id-ce-extKeyUsage (RFC 5280, section 4.2.1.12).
pub const EXTENDED_KEY_USAGE: Oid = &[2, 5, 29, 37];
/// id-kp-OCSPSigning (RFC 6960, section 4.2.2.2).
pub const OCSP_SIGNING: Oid = &[1, 3, 6, 1, 5, 5, 7, 3, 9];
/// id-pkix-ocsp-nocheck (RFC 6960, section 4.2.2.2.1).
const NO_CHECK: Oid = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
/// id-pkix-ocsp-basic and id-pkix-ocsp-nonce (RFC 6960, sections 4.2.1 and 4.4.1).
const BASIC: Oid = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
const NONCE: Oid = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 2];
/// id-sha1, id-sha256, id-sha384.
const SHA1: Oid = &[1, 3, 14, 3, 2, 26];
const SHA256: Oid = &[2, 16, 840, 1, 101, 3, 4, 2, 1];

/// How a response identifies certificates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdHash {
    /// SHA-384.
    Sha384,
    /// SHA-256.
    Sha256,
    /// SHA-1; the digests are too short to be any, which nobody gets to see.
    Sha1,
}

/// What is said of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertStatus {
    /// good.
    Good,
    /// revoked, perhaps with a reason (6 is certificateHold).
    Revoked(Option<u8>),
    /// unknown.
    Unknown,
}

/// Who signs.
#[derive(Clone, Debug)]
pub enum Signer {
    /// The issuer itself; no certificate comes along.
    Issuer,
    /// Somebody with a certificate of the issuer's.
    Delegated(Box<CertificateSpec>),
    /// Somebody with a certificate of another one's.
    Foreign(Box<CertificateSpec>, Box<CertificateSpec>),
}

/// A response before it is signed.
#[derive(Clone, Debug)]
pub struct ResponseSpec {
    /// How certificates are identified.
    pub id_hash: IdHash,
    /// The issuer of the certificate that is spoken of.
    pub issuer: CertificateSpec,
    /// The serial number of that certificate.
    pub serial: Vec<u8>,
    /// What is said.
    pub status: CertStatus,
    /// As of when, in seconds since the Unix epoch.
    pub this_update: i64,
    /// Until when.
    pub next_update: Option<i64>,
    /// The nonce of the question.
    pub nonce: Option<Vec<u8>>,
    /// Who signs.
    pub signer: Signer,
    /// The name under which the signer signs; `None` is that of the certificate.
    pub responder_name: Option<Name>,
    /// A change to the signature.
    pub signature: Option<SignatureEdit>,
    /// An extension beside the nonce.
    pub extension: Option<Extension>,
}

impl ResponseSpec {
    /// The answer for a certificate at `at`: good, as of an hour ago, for a day.
    #[must_use]
    pub fn good(certificate: &CertificateSpec, issuer: &CertificateSpec, at: i64) -> Self {
        Self::of_serial(&certificate.serial, issuer, at)
    }

    /// The same for a serial number.
    #[must_use]
    pub fn of_serial(serial: &[u8], issuer: &CertificateSpec, at: i64) -> Self {
        Self {
            id_hash: IdHash::Sha384,
            issuer: issuer.clone(),
            serial: serial.to_vec(),
            status: CertStatus::Good,
            this_update: at - HOUR,
            next_update: Some(at - HOUR + DAY),
            nonce: None,
            signer: Signer::Delegated(Box::new(responder(issuer, at))),
            responder_name: None,
            signature: None,
            extension: None,
        }
    }

    /// DER.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let (signer, certificate) = match &self.signer {
            Signer::Issuer => (&self.issuer, None),
            Signer::Delegated(signer) => (signer.as_ref(), Some(signer.issued_by(&self.issuer))),
            Signer::Foreign(signer, issuer) => (signer.as_ref(), Some(signer.issued_by(issuer))),
        };
        let data = self.data(self.responder_name.as_ref().unwrap_or(&signer.subject));
        let signature = signer.key.sign(&data).der_edited(self.signature.as_ref());
        let certificates = certificate.map(|certificate| der::context(0, &der::sequence([certificate])));
        let algorithm = der::sequence([der::object_identifier(oid::ECDSA_WITH_SHA384)]);
        let basic = der::sequence([data, algorithm, der::bit_string(0, &signature)].into_iter().chain(certificates));
        let bytes = der::sequence([der::object_identifier(BASIC), der::octet_string(&basic)]);
        der::sequence([der::enumerated(0), der::context(0, &bytes)])
    }

    fn data(&self, responder: &Name) -> Vec<u8> {
        let mut single = vec![self.id(), self.status(), generalized(self.this_update)];
        single.extend(self.next_update.map(|next| der::context(0, &generalized(next))));
        let nonce = self.nonce.as_ref().map(|nonce| Extension::new(NONCE, false, der::octet_string(nonce)));
        let extensions: Vec<_> = nonce.iter().chain(&self.extension).map(extension).collect();
        let extensions = (!extensions.is_empty()).then(|| der::context(1, &der::sequence(extensions)));
        let fields =
            [der::context(1, &responder.der()), generalized(self.this_update), der::sequence([der::sequence(single)])];
        der::sequence(fields.into_iter().chain(extensions))
    }

    /// How it identifies the certificate, in DER.
    #[must_use]
    pub fn id(&self) -> Vec<u8> {
        let (name, key) = (self.issuer.subject.der(), self.issuer.key.public_point());
        let (algorithm, [name, key]) = match self.id_hash {
            IdHash::Sha384 => (oid::SHA384, [name, key].map(|bytes| Sha384::digest(bytes).to_vec())),
            IdHash::Sha256 => (SHA256, [name, key].map(|bytes| Sha256::digest(bytes).to_vec())),
            IdHash::Sha1 => (SHA1, [vec![0; 20], vec![0; 20]]),
        };
        der::sequence([
            der::sequence([der::object_identifier(algorithm)]),
            der::octet_string(&name),
            der::octet_string(&key),
            der::integer(&self.serial),
        ])
    }

    fn status(&self) -> Vec<u8> {
        match self.status {
            CertStatus::Good => der::context_primitive(0, &[]),
            CertStatus::Unknown => der::context_primitive(2, &[]),
            CertStatus::Revoked(reason) => {
                let reason = reason.map(|reason| der::context(0, &der::enumerated(reason)));
                let fields = [Some(generalized(self.this_update - DAY)), reason].into_iter().flatten();
                der::context(1, &fields.flatten().collect::<Vec<_>>())
            }
        }
    }
}

/// What a responder answers that gives no status (6 is unauthorized).
#[must_use]
pub fn error(status: u8) -> Vec<u8> {
    der::sequence([der::enumerated(status)])
}

/// Somebody whom an issuer lets sign answers.
#[must_use]
pub fn responder(issuer: &CertificateSpec, at: i64) -> CertificateSpec {
    let label = format!("{:?}/responder", issuer.key);
    let subject = Name::new(&[(oid::COMMON_NAME, "OCSP Responder"), (oid::ORGANIZATION, "NVIDIA Corporation")]);
    let mut spec =
        CertificateSpec::new(subject, Key::p384(&label), derive::serial::<16>(&label), at - 30 * DAY, at + 60 * DAY);
    spec.extensions = vec![
        Extension::key_usage(&[DigitalSignature]),
        Extension::new(EXTENDED_KEY_USAGE, false, der::sequence([der::object_identifier(OCSP_SIGNING)])),
        Extension::new(NO_CHECK, false, der::null()),
        Extension::authority_key_identifier(),
    ];
    spec
}

fn extension(extension: &Extension) -> Vec<u8> {
    let crate::x509::ExtensionValue::Der(value) = &extension.value else { return Vec::new() };
    let critical = extension.critical.then(|| der::boolean(true));
    let fields = [der::object_identifier(extension.oid)].into_iter().chain(critical);
    der::sequence(fields.chain([der::octet_string(value)]))
}

/// GeneralizedTime, whatever the year.
fn generalized(seconds: i64) -> Vec<u8> {
    let text: String = crate::manifest::rfc3339(seconds).chars().filter(char::is_ascii_alphanumeric).collect();
    der::element(0x18, text.replace('T', "").as_bytes())
}
