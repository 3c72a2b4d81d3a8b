//! Verifying a bundle offline, from its bytes: the log, the records, the evidence with its chain, the policy, and a Groth16
//! proof. Nothing is known beforehand, as for a stranger.

use std::time::{Duration, Instant};

use prooftrail_proofs::{Documents, Verdict, judge};
use prooftrail_provenance::Bundle;

use crate::{measure::ratio, scene::Scene};

pub fn run() {
    let scene = Scene::new();
    let file = scene.bundle().to_file().expect("a bundle has a file");
    let verify = || {
        let found = scene.verify(&Bundle::parse(&file).expect("a bundle"));
        assert_eq!(found.verdict(), prooftrail_result::Verdict::Affirming);
    };
    let [verifying_key, proof, public_inputs] = &scene.documents;
    let verify_proof = || {
        let verdict = judge("groth16-bn254", Documents { verifying_key, proof, public_inputs });
        assert!(matches!(verdict, Verdict::Verified(_)));
    };
    ratio("bundle-verify-vs-its-proof-alone", verify, verify_proof);
    ratio("bundle-verify-of-5-ms", verify, || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(5) {}
    });
}
