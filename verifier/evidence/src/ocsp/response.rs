//! Responses (RFC 6960, section 4.2): reading them.
//!
//! In: DER. Out: an [`OcspResponse`], not believed: what it says of which certificates, by whom it wants to be signed, and
//! what the signature is over, as it stands in the bytes. Every extension that is critical must be known, and only nonces are.

use std::sync::OnceLock;

use der::{
    Choice, Decode, Encode, Enumerated, Sequence,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, Null, ObjectIdentifier, OctetStringRef},
};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use x509_cert::{ext::Extension, ext::pkix::CrlReason, name::Name, spki::AlgorithmIdentifierOwned};

use super::{
    id::{CertId, HashAlgorithm},
    request::{CertIdDer, NONCE},
};
use crate::{
    crypto::{Crypto, SignatureAlgorithm},
    x509::Certificate,
};

/// A response beyond this is refused unread; genuine ones have some 2 kB.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// No response speaks of more certificates, or brings more.
const MAX_SINGLES: usize = 64;
const MAX_CERTIFICATES: usize = 8;

/// How long a response without nextUpdate is relied upon: newer information is always available then, says RFC 6960.
const UNLIMITED_SECONDS: i64 = 3600;

/// id-pkix-ocsp-basic (section 4.2.1).
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");

#[derive(Sequence)]
struct Outer<'a> {
    status: ResponseStatus,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<ResponseBytes<'a>>,
}

#[derive(Clone, Copy, Debug, Enumerated, Eq, PartialEq)]
#[asn1(type = "ENUMERATED")]
#[repr(u8)]
enum ResponseStatus {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

#[derive(Sequence)]
struct ResponseBytes<'a> {
    response_type: ObjectIdentifier,
    response: &'a OctetStringRef,
}

#[derive(Sequence)]
struct BasicResponse<'a> {
    data: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificates: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
struct ResponseData<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "version_1")]
    version: u8,
    responder: ResponderId<'a>,
    produced_at: GeneralizedTime,
    responses: Vec<SingleDer<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

const fn version_1() -> u8 {
    0
}

#[derive(Choice)]
enum ResponderId<'a> {
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Name(Name),
    /// SHA-1 of the key's bits; the signature says more.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    Key(&'a OctetStringRef),
}

#[derive(Sequence)]
struct SingleDer<'a> {
    id: CertIdDer<'a>,
    status: StatusDer,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Choice)]
enum StatusDer {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(Revoked),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

#[derive(Sequence)]
struct Revoked {
    time: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reason: Option<CrlReason>,
}

/// What a responder says of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationStatus {
    /// It is not revoked; whether it was ever issued depends on the responder.
    Good,
    /// It is revoked.
    Revoked(RevocationReason),
    /// The responder does not know it.
    Unknown,
}

/// Why a certificate is revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RevocationReason(CrlReason);

impl RevocationReason {
    /// Whether it is on hold: it may be good again.
    #[must_use]
    pub fn is_hold(self) -> bool {
        self.0 == CrlReason::CertificateHold
    }

    /// As RFC 5280 spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            CrlReason::Unspecified => "unspecified",
            CrlReason::KeyCompromise => "keyCompromise",
            CrlReason::CaCompromise => "cACompromise",
            CrlReason::AffiliationChanged => "affiliationChanged",
            CrlReason::Superseded => "superseded",
            CrlReason::CessationOfOperation => "cessationOfOperation",
            CrlReason::CertificateHold => "certificateHold",
            CrlReason::RemoveFromCRL => "removeFromCRL",
            CrlReason::PrivilegeWithdrawn => "privilegeWithdrawn",
            CrlReason::AaCompromise => "aACompromise",
        }
    }
}

/// What a response says of one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Single {
    pub(crate) id: CertId,
    pub(crate) status: RevocationStatus,
    pub(crate) this_update: Timestamp,
    next_update: Option<Timestamp>,
}

impl Single {
    /// The last instant at which it may be relied upon.
    pub(crate) fn valid_until(&self) -> Timestamp {
        let end = self.next_update.unwrap_or_else(|| self.this_update.saturating_add_seconds(UNLIMITED_SECONDS));
        end.just_before()
    }

    /// Checks that it is in force.
    pub(crate) fn check_validity(&self, at: Timestamp) -> Result<(), Reason> {
        if at < self.this_update {
            return Err(Reason::from(ReasonCode::TimeOcspNotYetValid)
                .have(at)
                .need(format_args!("{} or later", self.this_update)));
        }
        if self.valid_until() < at {
            return Err(Reason::from(ReasonCode::TimeOcspExpired)
                .have(at)
                .need(format_args!("{} or earlier", self.valid_until())));
        }
        Ok(())
    }
}

/// A response whose signature has not been verified yet; that needs the issuer of what it speaks of.
#[derive(Debug)]
pub struct OcspResponse {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    singles: Vec<Single>,
    responder_name: Option<Name>,
    /// What the signature is over.
    pub(super) signed: Vec<u8>,
    pub(super) algorithm: Option<SignatureAlgorithm>,
    pub(super) signature: Vec<u8>,
    responder: Option<Responder>,
    nonce: Option<Vec<u8>>,
}

/// The certificate of whoever signed a response, which is read when it is first asked for: a response speaks of what stands on
/// many paths.
#[derive(Debug)]
pub(super) struct Responder {
    der: Vec<u8>,
    read: OnceLock<Result<Certificate, Reason>>,
}

impl Responder {
    fn of(certificate: &AnyRef<'_>) -> der::Result<Self> {
        Ok(Self { der: certificate.to_der()?, read: OnceLock::new() })
    }

    /// Its bytes.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate. Nothing is known of it yet.
    pub(super) fn certificate(&self) -> Result<&Certificate, Reason> {
        self.read.get_or_init(|| Certificate::read(&self.der, "the responder")).as_ref().map_err(Clone::clone)
    }
}

impl OcspResponse {
    /// Whether DER begins as a response does: a SEQUENCE whose first element is an ENUMERATED.
    #[must_use]
    pub fn is_one(der: &[u8]) -> bool {
        let content = match der {
            [0x30, length, rest @ ..] if *length < 0x80 => Some(rest),
            [0x30, length, rest @ ..] if *length <= 0x84 => rest.get(usize::from(length & 0x7F)..),
            _ => None,
        };
        content.is_some_and(|content| content.starts_with(&[0x0A, 0x01]))
    }

    /// Reads a response.
    ///
    /// # Errors
    /// A reason of stage `parse`, or, where the responder gives no status, of stage `revocation`.
    pub fn read(crypto: &dyn Crypto, der: &[u8]) -> Result<Self, Reason> {
        if der.len() > MAX_RESPONSE_BYTES {
            return Err(Reason::from(ReasonCode::EndorsementTooLarge)
                .have(format!("{} bytes", der.len()))
                .need(format_args!("at most {MAX_RESPONSE_BYTES} bytes of an OCSP response")));
        }
        let Outer { status, bytes } = Outer::from_der(der).map_err(malformed)?;
        if status != ResponseStatus::Successful {
            return Err(Reason::from(ReasonCode::OcspUnsuccessful).have(format!("{status:?}")));
        }
        let bytes = bytes.filter(|bytes| bytes.response_type == BASIC);
        let bytes = bytes.ok_or_else(|| wrong("the response is not a basic one"))?;
        let BasicResponse { data, algorithm, signature, certificates } =
            BasicResponse::from_der(bytes.response.as_bytes()).map_err(malformed)?;
        let signed = data.to_der().map_err(malformed)?;
        let ResponseData { version, responder, produced_at: _, responses, extensions } =
            ResponseData::from_der(&signed).map_err(malformed)?;
        let certificates = certificates.unwrap_or_default();
        if version != version_1() || responses.len() > MAX_SINGLES || certificates.len() > MAX_CERTIFICATES {
            return Err(wrong("the response is of another version, or larger than any"));
        }
        let extensions = extensions.unwrap_or_default();
        let singles = responses.iter().map(single).collect::<Result<Vec<_>, _>>()?;
        let nonce = extensions.iter().find(|extension| extension.extn_id == NONCE);
        if extensions.iter().any(|extension| extension.critical && extension.extn_id != NONCE) {
            return Err(wrong("the response has a critical extension that is not known here"));
        }
        Ok(Self {
            sha256: crypto.sha256(&[der]),
            singles,
            responder_name: match responder {
                ResponderId::Name(name) => Some(name),
                ResponderId::Key(_) => None,
            },
            algorithm: SignatureAlgorithm::of(&algorithm),
            signature: signature.as_bytes().ok_or_else(|| wrong("the signature is not of whole bytes"))?.to_vec(),
            // It comes first.
            responder: certificates.first().map(Responder::of).transpose().map_err(malformed)?,
            nonce: nonce.map(|extension| nonce_of(extension.extn_value.as_bytes())),
            signed,
        })
    }

    /// What it says.
    pub(crate) fn singles(&self) -> impl Iterator<Item = &Single> {
        self.singles.iter()
    }

    /// The nonce of the question, where the responder repeats it.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// Whoever signed it, where it brings a certificate.
    pub(super) const fn responder(&self) -> Option<&Responder> {
        self.responder.as_ref()
    }

    /// Whether it says that this is who signed it, where it names a name.
    pub(super) fn names(&self, signer: &Certificate) -> bool {
        self.responder_name.as_ref().is_none_or(|name| *name == signer.subject)
    }
}

/// A nonce is an OCTET STRING inside the extension's; some responders leave the inner one out.
fn nonce_of(value: &[u8]) -> Vec<u8> {
    <&OctetStringRef>::from_der(value).map_or(value, |inner| inner.as_bytes()).to_vec()
}

fn single(der: &SingleDer<'_>) -> Result<Single, Reason> {
    let algorithm = HashAlgorithm::ALL.into_iter().find(|algorithm| {
        // Parameters are absent; RFC 5754 wants NULL read as well.
        der.id.algorithm.oid == algorithm.oid() && der.id.algorithm.parameters.is_none_or(AnyRef::is_null)
    });
    let algorithm =
        algorithm.ok_or_else(|| wrong("certificates are identified otherwise than by SHA-256 or SHA-384"))?;
    if der.extensions.iter().flatten().any(|extension| extension.critical) {
        return Err(wrong("an answer has a critical extension that is not known here"));
    }
    Ok(Single {
        id: CertId {
            algorithm,
            issuer_name: der.id.issuer_name.as_bytes().to_vec(),
            issuer_key: der.id.issuer_key.as_bytes().to_vec(),
            serial: der.id.serial.as_bytes().to_vec(),
        },
        status: match &der.status {
            StatusDer::Good(_) => RevocationStatus::Good,
            StatusDer::Unknown(_) => RevocationStatus::Unknown,
            StatusDer::Revoked(Revoked { reason, .. }) => {
                RevocationStatus::Revoked(RevocationReason(reason.unwrap_or(CrlReason::Unspecified)))
            }
        },
        this_update: instant(der.this_update),
        next_update: der.next_update.map(instant),
    })
}

fn instant(time: GeneralizedTime) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok();
    seconds.and_then(Timestamp::from_unix_seconds).unwrap_or(Timestamp::MAX)
}

fn malformed(error: der::Error) -> Reason {
    Reason::new(ReasonCode::OcspMalformed, format!("the OCSP response cannot be read: {error}"))
}

fn wrong(detail: &'static str) -> Reason {
    Reason::new(ReasonCode::OcspMalformed, detail)
}
