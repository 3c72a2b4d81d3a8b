//! The bounded cache of verified certificates and signatures that every verification of this process shares.
//!
//! AWS re-issues a leaf every three hours and an instance certificate every day, and an Intel platform's quoting enclave
//! signs its report once a start, so a few thousand entries serve a large fleet. An entry that has ended is useless but
//! harmless (its window is checked at every use) and is evicted in its turn.

use std::{fmt, sync::Arc};

use prooftrail_evidence::{PathId, SignatureId, VerifiedCertificate, VerifiedIssuers};
use quick_cache::sync::Cache;

/// At about 2 KiB a certificate, 16 MiB; a signature is 32 bytes.
const ENTRIES: usize = 8192;

/// A bounded, concurrent cache.
pub struct BoundedIssuers {
    certificates: Cache<PathId, Arc<VerifiedCertificate>>,
    signatures: Cache<SignatureId, ()>,
}

impl Default for BoundedIssuers {
    fn default() -> Self {
        Self { certificates: Cache::new(ENTRIES), signatures: Cache::new(ENTRIES) }
    }
}

impl VerifiedIssuers for BoundedIssuers {
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>> {
        self.certificates.get(path)
    }

    fn insert(&self, path: PathId, certificate: Arc<VerifiedCertificate>) {
        self.certificates.insert(path, certificate);
    }

    fn knows_signature(&self, signature: &SignatureId) -> bool {
        self.signatures.get(signature).is_some()
    }

    fn insert_signature(&self, signature: SignatureId) {
        self.signatures.insert(signature, ());
    }
}

impl fmt::Debug for BoundedIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundedIssuers({} and {} of {ENTRIES})", self.certificates.len(), self.signatures.len())
    }
}
