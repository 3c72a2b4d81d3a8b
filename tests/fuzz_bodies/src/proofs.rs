//! Proofs: a document is read or refused, whatever the system; what a key and inputs are read from names one statement.

use prooftrail_proofs::{Documents, Proof, ProofSystem, PublicInputs, StatementId, Verdict, VerifyingKey, judge};

/// Each document alone, in every system.
pub(crate) fn document(bytes: &[u8]) {
    for system in ProofSystem::ALL {
        if let Ok(proof) = Proof::parse(system, bytes) {
            assert_eq!(proof.system(), system);
        }
        if let Ok(inputs) = PublicInputs::parse(system, bytes) {
            assert_eq!(inputs.system(), system);
        }
        if let Ok(key) = VerifyingKey::parse(system, bytes) {
            assert_eq!(VerifyingKey::parse(system, bytes).map(|again| again.digest()), Ok(key.digest()));
        }
    }
}

/// The key, the proof and the inputs of one verification, with a zero byte between them.
pub(crate) fn verification(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let (Some(verifying_key), Some(proof), Some(public_inputs)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    for system in ProofSystem::ALL {
        if let Verdict::Verified(verified) = judge(system.as_str(), Documents { verifying_key, proof, public_inputs }) {
            let key = VerifyingKey::parse(system, verifying_key);
            let inputs = PublicInputs::parse(system, public_inputs);
            let statement = key.and_then(|key| StatementId::of(&key, &inputs?));
            assert_eq!(statement, Ok(verified.statement));
        }
    }
}
