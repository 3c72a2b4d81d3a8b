//! Certificate revocation lists (RFC 5280, section 5), as endorsements.
//!
//! In: DER. Out: [`Crl`]: what the pre-check needs (issuer, window, scope) beside webpki's own reading of the same
//! bytes, which verifies the signature and looks serials up.

use der::{Decode, oid::AssociatedOid};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_cert::{
    crl::CertificateList,
    ext::pkix::{crl::dp::IssuingDistributionPoint, name::DistributionPointName},
    name::Name,
};

use super::{
    certificate::{Certificate, common_name, instant, is_same_distribution_point},
    profile::Window,
};

/// A certificate revocation list whose signature has not been verified yet; that needs its issuer.
#[derive(Debug)]
pub struct Crl {
    sha256: [u8; 32],
    issuer: Name,
    this_update: Timestamp,
    next_update: Timestamp,
    scope: Option<DistributionPointName>,
    pub(super) list: CertRevocationList<'static>,
}

impl Crl {
    /// Reads a CRL; `sha256` is the digest of its bytes.
    pub(crate) fn read(der: &[u8], sha256: [u8; 32]) -> Result<Self, Reason> {
        let malformed = |error: &dyn std::fmt::Display| {
            Reason::new(ReasonCode::X509Malformed, format!("the CRL cannot be read: {error}"))
        };
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| malformed(&error))?;
        let read =
            CertificateList::<x509_cert::certificate::Rfc5280>::from_der(der).map_err(|error| malformed(&error))?;
        let extensions = read.tbs_cert_list.crl_extensions.as_deref().unwrap_or_default();
        let scope = extensions.iter().find(|extension| extension.extn_id == IssuingDistributionPoint::OID);
        let scope = match scope {
            Some(extension) => {
                IssuingDistributionPoint::from_der(extension.extn_value.as_bytes())
                    .map_err(|error| malformed(&error))?
                    .distribution_point
            }
            None => None,
        };
        let next_update = read.tbs_cert_list.next_update.map(instant);
        Ok(Self {
            sha256,
            issuer: read.tbs_cert_list.issuer,
            this_update: instant(read.tbs_cert_list.this_update),
            next_update: next_update.ok_or_else(|| malformed(&"it has no nextUpdate"))?,
            scope,
            list: list.into(),
        })
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub const fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// When it was issued.
    pub(crate) const fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// When the next one is due.
    pub(crate) const fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// When it may be relied upon: until just before the next one is due.
    pub(super) fn window(&self) -> Window {
        Window { first: self.this_update, last: self.next_update.just_before() }
    }

    /// The issuer's common name, where it has exactly one.
    pub(crate) fn issuer_common_name(&self) -> Option<String> {
        common_name(&self.issuer)
    }

    /// Whether that name issued it.
    pub(crate) fn is_issued_by(&self, name: &Name) -> bool {
        self.issuer == *name
    }

    /// Whether it speaks of that certificate: the same issuer, and a scope (RFC 5280, section 5.2.5), where it has
    /// one, that the certificate points to.
    pub(super) fn covers(&self, certificate: &Certificate) -> bool {
        let points = &certificate.crl_distribution_points;
        self.is_issued_by(&certificate.issuer)
            && self
                .scope
                .as_ref()
                .is_none_or(|scope| points.iter().any(|point| is_same_distribution_point(point, scope)))
    }

    /// Checks that it is in force.
    pub(crate) fn check_validity(&self, at: Timestamp) -> Result<(), Reason> {
        if self.window().contains(at) {
            return Ok(());
        }
        let (code, need) = if at < self.this_update {
            (ReasonCode::TimeCrlNotYetValid, format!("{} or later", self.this_update))
        } else {
            (ReasonCode::TimeCrlExpired, format!("before {}", self.next_update))
        };
        Err(Reason::from(code).have(at).need(need))
    }
}
