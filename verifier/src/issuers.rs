//! The bounded cache of verified certificates that every verification of this process shares.
//!
//! AWS re-issues a leaf every three hours and an instance certificate every day, so a few thousand entries serve a
//! large fleet. An entry that has ended is useless but harmless (its window is checked at every use) and is evicted in
//! its turn.

use std::{fmt, sync::Arc};

use prooftrail_evidence::{PathId, VerifiedCertificate, VerifiedIssuers};
use quick_cache::sync::Cache;

/// At about 2 KiB an entry, 16 MiB.
const ENTRIES: usize = 8192;

/// A bounded, concurrent cache.
pub struct BoundedIssuers(Cache<PathId, Arc<VerifiedCertificate>>);

impl Default for BoundedIssuers {
    fn default() -> Self {
        Self(Cache::new(ENTRIES))
    }
}

impl VerifiedIssuers for BoundedIssuers {
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>> {
        self.0.get(path)
    }

    fn insert(&self, path: PathId, certificate: Arc<VerifiedCertificate>) {
        self.0.insert(path, certificate);
    }
}

impl fmt::Debug for BoundedIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoundedIssuers({} of {ENTRIES})", self.0.len())
    }
}
