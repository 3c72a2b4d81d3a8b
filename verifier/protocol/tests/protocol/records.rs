//! Proof records and sessions' requests: signed by the proof key, whole, in one encoding.

use prooftrail_protocol::{
    BadSignature, ProofKey, ProofRecord, ProofRecordError, ReleaseId, SessionRequest, Signature,
};

use crate::fixture::{now, proof_key, record};

#[test]
fn a_signed_record_reads_back() {
    let signed = proof_key().sign(&record());
    assert_eq!(signed.verify(&proof_key().public()), Ok(record()));
    let other = ProofKey::from_seed(&[1; 32]).public();
    assert_eq!(signed.verify(&other), Err(ProofRecordError::Signature(BadSignature)));
}

#[test]
fn a_failed_command_leaves_a_record_without_a_proof() {
    let failed = ProofRecord {
        exit_status: 137,
        proof_sha256: None,
        system: None,
        vk_sha256: None,
        public_sha256: None,
        ..record()
    };
    assert_eq!(proof_key().sign(&failed).verify(&proof_key().public()), Ok(failed));
}

#[test]
fn a_record_keeps_to_its_format() {
    for (changed, field) in [
        (ProofRecord { exit_status: 1, ..record() }, "proof"),
        (ProofRecord { proof_sha256: None, ..record() }, "proof"),
        (ProofRecord { system: None, ..record() }, "verifying key"),
        (ProofRecord { system: None, vk_sha256: None, ..record() }, "public inputs"),
        (ProofRecord { system: Some("a b".into()), ..record() }, "system"),
        (ProofRecord { system: Some("a".repeat(65)), ..record() }, "system"),
        (ProofRecord { sequence: 1 << 53, ..record() }, "sequence"),
        (ProofRecord { ended: now().saturating_add_seconds(-1), ..record() }, "ended"),
    ] {
        let refused = ProofRecord::decode(&changed.encode()).unwrap_err();
        assert!(refused.to_string().contains(&format!("`{field}`")), "{field}: {refused}");
        assert!(proof_key().sign(&changed).verify(&proof_key().public()).is_err());
    }
}

#[test]
fn every_bit_of_a_record_is_signed() {
    let good = proof_key().sign(&record());
    for place in 0..good.record.len() * 8 {
        let mut changed = good.clone();
        changed.record[place / 8] ^= 1 << (place % 8);
        assert_eq!(changed.verify(&proof_key().public()), Err(ProofRecordError::Signature(BadSignature)));
        if let Ok(read) = ProofRecord::decode(&changed.record) {
            assert_eq!(read.encode(), changed.record);
            assert_ne!(read, record());
        }
    }
    for place in 0..512 {
        let mut changed = good.clone();
        changed.signature.0[place / 8] ^= 1 << (place % 8);
        assert_eq!(changed.verify(&proof_key().public()), Err(ProofRecordError::Signature(BadSignature)));
    }
}

#[test]
fn a_session_s_request_is_signed_whole_and_as_nothing_else() {
    let request = SessionRequest { session: ReleaseId([7; 16]), sequence: 1, header_sha384: [8; 48] };
    let signature = proof_key().sign_request(&request);
    let key = proof_key().public();
    assert_eq!(key.verify_request(&request, &signature), Ok(()));
    for other in [
        SessionRequest { session: ReleaseId([6; 16]), ..request },
        SessionRequest { sequence: 2, ..request },
        SessionRequest { header_sha384: [9; 48], ..request },
    ] {
        assert_eq!(key.verify_request(&other, &signature), Err(BadSignature));
    }
    let as_record = prooftrail_protocol::SignedProofRecord { record: request.encode(), signature };
    assert_eq!(as_record.verify(&key), Err(ProofRecordError::Signature(BadSignature)));
    assert_eq!(key.verify_request(&request, &Signature([0; 64])), Err(BadSignature));
}
