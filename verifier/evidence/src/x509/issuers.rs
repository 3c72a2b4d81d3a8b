//! Verified certificates and signatures, so that a warm verification costs the evidence's signature and little else.
//!
//! The cache belongs to the caller and is an argument. A certificate's key covers everything the verification rested on: the
//! profile, the root, the revocation snapshot, and every certificate from the root down to this one. A signature's covers the
//! algorithm, the key, the digest and the signature itself: that it verifies is true forever, and says nothing else.

use std::{
    any::Any,
    fmt,
    iter::successors,
    sync::{Arc, OnceLock},
};

use prooftrail_result::{
    Reason, Timestamp,
    claims::{Claims, cross_vendor},
};

use super::{
    certificate::Certificate,
    crl::Crl,
    profile::{CaBudget, Window},
};

/// Identifies a path from a root down to one certificate, under one profile and one revocation snapshot.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PathId(pub(super) [u8; 32]);

/// Identifies a signature with the key that made it and what it is over.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SignatureId(pub(crate) [u8; 32]);

/// A certificate whose path to a root was verified, with what later verifications need of that path.
#[derive(Debug)]
pub struct VerifiedCertificate {
    pub(crate) certificate: Certificate,
    pub(super) window: Window,
    pub(super) budget: CaBudget,
    pub(crate) revocation: Revocation,
    /// SHA-256 of the root that the path begins with.
    pub(crate) root_sha256: [u8; 32],
    /// The certificate above it; none above a root.
    pub(super) issuer: Option<Arc<VerifiedCertificate>>,
    /// See [`VerifiedCertificate::reading`].
    pub(super) reading: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl VerifiedCertificate {
    /// What its vendor's reader makes of the certificate: read when it is first asked for, and then as long as the
    /// certificate is remembered. A certificate is verified under one profile, so it has one reader.
    ///
    /// # Errors
    /// The reader's.
    pub(crate) fn reading<T: Any + Send + Sync>(
        &self,
        read: impl FnOnce(&Certificate) -> Result<T, Reason>,
    ) -> Result<Arc<T>, Reason> {
        let known = self.reading.get().and_then(|known| Arc::clone(known).downcast().ok());
        if let Some(known) = known {
            return Ok(known);
        }
        let reading = Arc::new(read(&self.certificate)?);
        // Whoever was first read the same.
        let _ = self.reading.set(reading.clone());
        Ok(reading)
    }

    /// The certificates of the path, from this one up to the root.
    pub(crate) fn path(&self) -> impl Iterator<Item = &Certificate> {
        successors(Some(self), |below| below.issuer.as_deref()).map(|verified| &verified.certificate)
    }

    /// The first instant at which the path may be relied upon.
    pub(crate) fn valid_from(&self) -> Timestamp {
        self.window.first
    }

    /// The last instant at which the path may be relied upon.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        self.window.last
    }
}

/// What is known of revocation along a path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Revocation {
    /// Certificates for which the vendor publishes revocation, and how many of them were checked.
    pub(crate) published: usize,
    pub(crate) checked: usize,
    /// Oldest thisUpdate among the data used.
    pub(crate) as_of: Option<Timestamp>,
    /// Digests of the CRLs used, each once.
    pub(crate) crls: Vec<[u8; 32]>,
}

impl Revocation {
    /// What is known along this path and another one.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.published += other.published;
        all.checked += other.checked;
        all.as_of = all.as_of.into_iter().chain(other.as_of).min();
        let new: Vec<_> = other.crls.iter().filter(|crl| !all.crls.contains(crl)).copied().collect();
        all.crls.extend(new);
        all
    }

    /// Counts a CRL among the data used.
    pub(super) fn use_crl(&mut self, crl: &Crl) {
        self.as_of = Some(self.as_of.map_or(crl.this_update(), |as_of| as_of.min(crl.this_update())));
        if !self.crls.contains(&crl.sha256()) {
            self.crls.push(crl.sha256());
        }
    }
}

/// Claims what is known of revocation along a path.
pub(crate) fn claim_revocation(claims: &mut Claims, revocation: &Revocation) {
    let status = match revocation {
        Revocation { published: 0, .. } => "not_published",
        Revocation { published, checked, .. } if published == checked => "good",
        _ => "not_checked",
    };
    claims.insert(cross_vendor::REVOCATION, status);
    claims.insert_if(cross_vendor::REVOCATION_AS_OF, revocation.as_of);
    if revocation.checked > 0 {
        claims.insert(cross_vendor::REVOCATION_SCOPE, "chain");
    }
}

/// A bounded store of verified certificates and signatures, owned by whoever runs verifications.
///
/// Entries need no removal when they end: a window is checked at every use.
pub trait VerifiedIssuers: fmt::Debug + Send + Sync {
    /// The certificate that was verified along exactly that path.
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>>;

    /// Remembers a verified certificate.
    fn insert(&self, path: PathId, certificate: Arc<VerifiedCertificate>);

    /// Was this signature verified before?
    fn knows_signature(&self, signature: &SignatureId) -> bool;

    /// Remembers a signature that was verified.
    fn insert_signature(&self, signature: SignatureId);
}

/// Remembers nothing: every verification is a cold one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIssuers;

impl VerifiedIssuers for NoIssuers {
    fn get(&self, _: &PathId) -> Option<Arc<VerifiedCertificate>> {
        None
    }

    fn insert(&self, _: PathId, _: Arc<VerifiedCertificate>) {}

    fn knows_signature(&self, _: &SignatureId) -> bool {
        false
    }

    fn insert_signature(&self, _: SignatureId) {}
}
