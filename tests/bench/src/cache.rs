//! What the service's cache holds, made to order: all that a verification found out, less what shall be new every time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use prooftrail_evidence::{PathId, SignatureId, VerifiedCertificate, VerifiedIssuers};

/// Remembers what a cold verification inserted, in order.
#[derive(Debug, Default)]
pub struct Recording {
    certificates: Mutex<Vec<(PathId, Arc<VerifiedCertificate>)>>,
    signatures: Mutex<Vec<SignatureId>>,
}

impl VerifiedIssuers for Recording {
    fn get(&self, _: &PathId) -> Option<Arc<VerifiedCertificate>> {
        None
    }

    fn insert(&self, path: PathId, certificate: Arc<VerifiedCertificate>) {
        self.certificates.lock().expect("one thread").push((path, certificate));
    }

    fn knows_signature(&self, _: &SignatureId) -> bool {
        false
    }

    fn insert_signature(&self, signature: SignatureId) {
        self.signatures.lock().expect("one thread").push(signature);
    }
}

/// A cache that never learns, so that what is new stays new.
#[derive(Debug)]
pub struct Frozen {
    order: Vec<PathId>,
    certificates: HashMap<PathId, Arc<VerifiedCertificate>>,
    signatures: HashSet<SignatureId>,
}

impl Frozen {
    /// All that was recorded.
    pub fn of(recording: &Recording) -> Self {
        let certificates = recording.certificates.lock().expect("one thread").clone();
        let signatures = recording.signatures.lock().expect("one thread").clone();
        Self {
            order: certificates.iter().map(|(path, _)| *path).collect(),
            certificates: certificates.into_iter().collect(),
            signatures: signatures.into_iter().collect(),
        }
    }

    /// Without the certificate that was verified at that place, by whatever it is found.
    pub fn without_certificate(mut self, place: usize) -> Self {
        let gone = self.certificates.get(&self.order[place]).expect("was recorded").clone();
        self.certificates.retain(|_, known| !Arc::ptr_eq(known, &gone));
        self
    }

    /// Without some of the signatures that are asked for in `run`, by their places in it.
    pub fn without_signatures(mut self, run: impl Fn(&dyn VerifiedIssuers), places: &[usize], of: usize) -> Self {
        let asked = Asked { frozen: &self, signatures: Mutex::default() };
        run(&asked);
        let asked = asked.signatures.into_inner().expect("one thread");
        assert_eq!(asked.len(), of, "so many signatures stand beside the evidence's");
        for place in places {
            assert!(self.signatures.remove(&asked[*place]), "was recorded");
        }
        self
    }
}

/// A cache that notes which signatures it is asked for.
#[derive(Debug)]
struct Asked<'a> {
    frozen: &'a Frozen,
    signatures: Mutex<Vec<SignatureId>>,
}

impl VerifiedIssuers for Asked<'_> {
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>> {
        self.frozen.get(path)
    }

    fn insert(&self, _: PathId, _: Arc<VerifiedCertificate>) {}

    fn knows_signature(&self, signature: &SignatureId) -> bool {
        self.signatures.lock().expect("one thread").push(*signature);
        self.frozen.knows_signature(signature)
    }

    fn insert_signature(&self, _: SignatureId) {}
}

impl VerifiedIssuers for Frozen {
    fn get(&self, path: &PathId) -> Option<Arc<VerifiedCertificate>> {
        self.certificates.get(path).cloned()
    }

    fn insert(&self, _: PathId, _: Arc<VerifiedCertificate>) {}

    fn knows_signature(&self, signature: &SignatureId) -> bool {
        self.signatures.contains(signature)
    }

    fn insert_signature(&self, _: SignatureId) {}
}
