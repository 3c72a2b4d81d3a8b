//! A cache for tests of what a cache may change: it keeps every certificate and signature that it is given.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use prooftrail_evidence::{PathId, SignatureId, VerifiedCertificate, VerifiedIssuers};

/// A cache that forgets nothing.
#[derive(Debug, Default)]
pub(crate) struct Everything {
    pub(crate) certificates: Mutex<HashMap<PathId, Arc<VerifiedCertificate>>>,
    pub(crate) signatures: Mutex<HashSet<SignatureId>>,
}

impl VerifiedIssuers for Everything {
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>> {
        self.certificates.lock().unwrap().get(path).cloned()
    }

    fn insert(&self, path: PathId, certificate: Arc<VerifiedCertificate>) {
        self.certificates.lock().unwrap().insert(path, certificate);
    }

    fn knows_signature(&self, signature: &SignatureId) -> bool {
        self.signatures.lock().unwrap().contains(signature)
    }

    fn insert_signature(&self, signature: SignatureId) {
        self.signatures.lock().unwrap().insert(signature);
    }
}
