//! What a vendor's chain must look like, and the pre-check that says so in the order supplied.
//!
//! Every rule is one line and one reason. Path lengths are counted as RFC 5280, section 6.1.4 counts them.

use der::{
    Decode,
    oid::{AssociatedOid, ObjectIdentifier},
};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsages};

use super::certificate::{Certificate, KeyType};
use crate::crypto::SignatureAlgorithm;

/// A vendor's chain profile.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Names the profile in cache keys.
    pub(crate) name: &'static str,
    /// The algorithms that may sign certificates and CRLs.
    pub(crate) algorithms: &'static [SignatureAlgorithm],
    /// The type of every CA's key.
    pub(crate) ca_key: KeyType,
    /// The type of the leaf's key.
    pub(crate) leaf_key: KeyType,
    /// What the leaf's key must be permitted to do; `None` where the vendor's leaves have no key usage.
    pub(crate) leaf_usage: Option<KeyUsages>,
    /// The extended key usages that certificates may have, as the contents of their OBJECT IDENTIFIERs; `None` where a
    /// certificate that has any is for something else.
    pub(crate) extended_key_usage: Option<&'static [&'static [u8]]>,
    /// How many seconds before its notBefore a leaf is accepted: devices issue leaves the moment they need them.
    pub(crate) leaf_leeway_seconds: i64,
}

/// id-kp-OCSPSigning (RFC 6960, section 4.2.2.2).
const ID_KP_OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

/// How many non-self-issued CAs may still follow below a certificate; `None` is any number.
pub(super) type CaBudget = Option<u32>;

impl Profile {
    /// Checks a root that is pinned or configured. Gives the budget below it.
    pub(super) fn check_root(&self, root: &Certificate) -> Result<CaBudget, Reason> {
        self.check_any(root, "the root", self.ca_key)?;
        self.check_ca(root, "the root")?;
        Ok(root.path_length())
    }

    /// Checks a CA below an issuer that has been checked. Gives the budget below it.
    pub(super) fn check_intermediate(
        &self,
        certificate: &Certificate,
        position: &str,
        issuer: &Certificate,
        budget: CaBudget,
    ) -> Result<CaBudget, Reason> {
        self.check_any(certificate, position, self.ca_key)?;
        check_issued_by(certificate, position, issuer)?;
        self.check_ca(certificate, position)?;
        let below = match budget {
            Some(0) if !certificate.is_self_issued() => {
                let detail = format!("{position} is one CA more than a path length above it allows");
                return Err(Reason::new(ReasonCode::ChainPathLength, detail));
            }
            Some(left) if !certificate.is_self_issued() => Some(left - 1),
            budget => budget,
        };
        Ok(match (below, certificate.path_length()) {
            (Some(inherited), Some(own)) => Some(inherited.min(own)),
            (inherited, own) => inherited.or(own),
        })
    }

    /// Checks the leaf below an issuer that has been checked.
    pub(super) fn check_leaf(&self, leaf: &Certificate, issuer: &Certificate) -> Result<(), Reason> {
        self.check_any(leaf, "the leaf", self.leaf_key)?;
        check_issued_by(leaf, "the leaf", issuer)?;
        if leaf.is_ca() {
            return Err(ReasonCode::ChainLeafIsCa.into());
        }
        match self.leaf_usage {
            Some(usage) if !leaf.allows(usage) => {
                let detail = format!("the leaf's key usage lacks {usage:?}");
                Err(Reason::new(ReasonCode::ChainKeyUsage, detail))
            }
            _ => Ok(()),
        }
    }

    /// Checks a responder below an issuer that has been checked: it may sign answers, and nothing else.
    pub(super) fn check_responder(&self, certificate: &Certificate, issuer: &Certificate) -> Result<(), Reason> {
        let refused = |detail: &'static str| Reason::new(ReasonCode::OcspResponder, detail);
        let purposes = certificate.other_extension(ExtendedKeyUsage::OID).map(ExtendedKeyUsage::from_der);
        let may_answer = matches!(purposes, Some(Ok(ExtendedKeyUsage(purposes))) if purposes == [ID_KP_OCSP_SIGNING]);
        if !may_answer || certificate.is_ca() || !certificate.allows(KeyUsages::DigitalSignature) {
            return Err(refused("the certificate of who signed the response is not for signing responses"));
        }
        if certificate.issuer != issuer.subject {
            return Err(refused("another issuer than the certificate's lets the responder answer"));
        }
        // The purpose may be critical, and has been read.
        let unknown = certificate.unknown_critical.filter(|oid| *oid != ExtendedKeyUsage::OID);
        self.check_form(certificate, "the responder", self.leaf_key, unknown)
    }

    fn check_any(&self, certificate: &Certificate, position: &str, key_type: KeyType) -> Result<(), Reason> {
        self.check_form(certificate, position, key_type, certificate.unknown_critical)
    }

    fn check_form(
        &self,
        certificate: &Certificate,
        position: &str,
        key_type: KeyType,
        unknown_critical: Option<ObjectIdentifier>,
    ) -> Result<(), Reason> {
        if !certificate.is_v3 {
            return Err(Reason::new(ReasonCode::ChainVersion, format!("{position} is not X.509 version 3")));
        }
        if !certificate.signature_algorithm.is_some_and(|algorithm| self.algorithms.contains(&algorithm)) {
            let detail = format!("{position} is signed with an algorithm that is not permitted there");
            return Err(
                Reason::new(ReasonCode::ChainAlgorithm, detail).need(format_args!("one of {:?}", self.algorithms))
            );
        }
        if !certificate.public_key.is(key_type) {
            return Err(Reason::new(ReasonCode::ChainKeyType, format!("{position} has not {key_type}")));
        }
        if let Some(oid) = certificate.duplicate_extension {
            return Err(Reason::new(ReasonCode::ChainExtension, format!("{position} has extension {oid} twice")));
        }
        if let Some(oid) = unknown_critical {
            let detail = format!("{position} has the unknown critical extension {oid}");
            return Err(Reason::new(ReasonCode::ChainExtension, detail));
        }
        Ok(())
    }

    fn check_ca(&self, certificate: &Certificate, position: &str) -> Result<(), Reason> {
        if !certificate.is_ca() {
            return Err(Reason::new(ReasonCode::ChainNotCa, format!("{position} is not a CA")));
        }
        if !certificate.allows(KeyUsages::KeyCertSign) {
            return Err(Reason::new(ReasonCode::ChainKeyUsage, format!("{position} may not sign certificates")));
        }
        Ok(())
    }
}

fn check_issued_by(certificate: &Certificate, position: &str, issuer: &Certificate) -> Result<(), Reason> {
    if certificate.issuer == issuer.subject {
        return Ok(());
    }
    Err(Reason::new(ReasonCode::ChainOrder, format!("{position} was not issued by the certificate above it"))
        .have(&certificate.issuer)
        .need(&issuer.subject))
}

/// When a certificate may be relied upon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Window {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Window {
    /// The window of a certificate, opened `leeway` seconds early. Its notAfter is the last second, all of it.
    pub(super) fn of(certificate: &Certificate, leeway: i64) -> Self {
        Self {
            first: certificate.not_before.saturating_add_seconds(-leeway),
            last: certificate.not_after.end_of_second(),
        }
    }

    pub(super) fn intersect(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    pub(super) fn contains(self, at: Timestamp) -> bool {
        (self.first..=self.last).contains(&at)
    }
}

/// Checks that an instant lies inside a certificate's window.
pub(super) fn check_validity(
    certificate: &Certificate,
    position: &str,
    at: Timestamp,
    leeway: i64,
) -> Result<(), Reason> {
    let window = Window::of(certificate, leeway);
    if window.contains(at) {
        return Ok(());
    }
    let (code, detail, need) = if at < window.first {
        (ReasonCode::TimeNotYetValid, "is not yet valid", format!("{} or later", certificate.not_before))
    } else {
        (ReasonCode::TimeExpired, "has ended", format!("{} or earlier", certificate.not_after))
    };
    Err(Reason::new(code, format!("{position} {detail}")).have(at).need(need))
}
