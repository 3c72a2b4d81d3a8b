//! Records: what was written is read, and nothing else is.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_protocol::{
    Context, Fault, KeyRef, Malformed, Nonce, ProofKey, ProofRecord, Purpose, RecipientPublic, ReleaseId, SealingSuite,
    Signature, SignedProofRecord, wire::ProblemReason,
};
use prooftrail_provenance::{
    Commitment, DecisionRecord, EvidenceRecord, PolicyRecord, ProofEntry, ProofFinding, RecordedChallenge,
    RecordedRelease, RevocationRecord, Revoked,
};
use prooftrail_result::{EvidenceId, Kind, Reason, ReasonCode, Timestamp, Verdict};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn recipient() -> RecipientPublic {
    let prefix = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x6E, 0x03, 0x21, 0x00];
    RecipientPublic::from_spki(&[&prefix[..], &[9; 32]].concat()).unwrap()
}

fn release() -> DecisionRecord {
    DecisionRecord {
        project: "default".to_owned(),
        release_id: ReleaseId([1; 16]),
        verdict: Verdict::Affirming,
        reasons: Vec::new(),
        challenge: RecordedChallenge {
            random: [2; 32],
            checkpoint_sha256: [3; 32],
            recovery_epoch: 0,
            issued: at(1_790_000_000_000),
            expires: at(1_790_000_300_000),
        },
        context: Context {
            log_origin: "log.example/prooftrail".parse().unwrap(),
            nonce: Nonce([4; 32]),
            purpose: Purpose::Release,
            key: Some(KeyRef { name: "solvency".parse().unwrap(), version: 1 }),
            suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
            recipient: recipient(),
            proof_key: ProofKey::from_seed(&[5; 32]).public(),
        },
        statement_sha384: [6; 48],
        witness_header_sha384: Some([7; 48]),
        evidence: vec![EvidenceRecord {
            id: EvidenceId { kind: Kind::AwsNitro, signed_sha384: [8; 48] },
            sha256: [9; 32],
        }],
        endorsements: vec![[10; 32]],
        policy: PolicyRecord { name: "prover".to_owned(), version: 3, digest: [11; 48], text_sha256: [12; 32] },
        result_sha256: [13; 32],
        trusted_roots: vec![[14; 32], [15; 32]],
        verifier: "prooftrail 0.1.0".to_owned(),
        release: Some(RecordedRelease { terms: vec![16; 9], sealed_sha256: [17; 32], signature: Signature([18; 64]) }),
        governance_epoch: 7,
        at: at(1_790_000_001_000),
    }
}

fn denial() -> DecisionRecord {
    let reason = Reason::from(ReasonCode::PolicyRuleViolated).have("00").need("11").rule("image");
    DecisionRecord {
        verdict: Verdict::Refused,
        reasons: vec![
            ProblemReason::from(&reason),
            ProblemReason::from(&Reason::from(ReasonCode::PolicyNonceRequired)),
        ],
        release: None,
        ..release()
    }
}

fn appraisal() -> DecisionRecord {
    let DecisionRecord { context, .. } = release();
    let context = Context { purpose: Purpose::Appraisal, key: None, ..context };
    DecisionRecord { context, witness_header_sha384: None, release: None, ..release() }
}

fn signed() -> SignedProofRecord {
    let record = ProofRecord {
        release_leaf_hash: [1; 32],
        session: ReleaseId([1; 16]),
        sequence: 0,
        statement_sha384: [6; 48],
        witness_header_sha384: [7; 48],
        witness_sha256: [2; 32],
        system: Some("groth16-bn254".to_owned()),
        vk_sha256: Some([3; 32]),
        public_sha256: Some([4; 32]),
        proof_sha256: Some([5; 32]),
        exit_status: 0,
        started: at(1_790_000_002_000),
        ended: at(1_790_000_009_000),
    };
    ProofKey::from_seed(&[5; 32]).sign(&record)
}

fn proof(finding: ProofFinding) -> ProofEntry {
    ProofEntry {
        project: "default".to_owned(),
        signed: signed(),
        release_index: 41,
        finding,
        verifier: "prooftrail 0.1.0".to_owned(),
        at: at(1_790_000_010_000),
    }
}

fn revocation(what: Revoked) -> RevocationRecord {
    RevocationRecord {
        project: "default".to_owned(),
        what,
        leaf_hash: [1; 32],
        leaf_index: 41,
        why: "the image leaks its witness".to_owned(),
        by: "alice".to_owned(),
        at: at(1_790_000_020_000),
    }
}

fn findings() -> [ProofFinding; 5] {
    let verified = |weakness: Option<&str>| ProofFinding::Verified {
        statement_id: [1; 32],
        verifying_key: [2; 32],
        weakness: weakness.map(str::to_owned),
    };
    [
        verified(None),
        verified(Some("gamma_equals_delta")),
        ProofFinding::Refused { code: "proof.does_not_verify".to_owned() },
        ProofFinding::Unsupported,
        ProofFinding::NoProof,
    ]
}

#[test]
fn every_record_reads_back() {
    for record in [release(), denial(), appraisal()] {
        assert_eq!(DecisionRecord::decode(&record.encode()), Ok(record));
    }
    for finding in findings() {
        let record = proof(finding);
        assert_eq!(ProofEntry::decode(&record.encode()), Ok(record));
    }
    for what in [Revoked::Release, Revoked::Proof] {
        let record = revocation(what);
        assert_eq!(RevocationRecord::decode(&record.encode()), Ok(record));
    }
}

#[test]
fn a_changed_record_reads_differently_or_not_at_all() {
    // The commitment is over the bytes; this shows that no byte is read past.
    let bytes = release().encode();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_ne!(DecisionRecord::decode(&changed), Ok(release()), "byte {at}");
        assert_ne!(Commitment::of(&[0; 32], &changed), Commitment::of(&[0; 32], &bytes));
    }
    assert!(DecisionRecord::decode(&[&bytes[..], &[0]].concat()).is_err());
    assert!(ProofEntry::decode(&bytes).is_err() && RevocationRecord::decode(&bytes).is_err());
}

#[test]
fn contradictions_are_refused_by_field() {
    type Edit = fn(&mut DecisionRecord);
    let table: [(&str, Edit); 14] = [
        ("reasons", |record| record.reasons = denial().reasons),
        ("reasons", |record| {
            record.verdict = Verdict::Refused;
            record.release = None;
        }),
        ("release", |record| record.release = None),
        ("release", |record| {
            record.verdict = Verdict::Refused;
            record.reasons = denial().reasons;
        }),
        ("release", |record| record.release.as_mut().unwrap().terms = vec![0; 16 * 1024 + 1]),
        ("witness header", |record| record.witness_header_sha384 = None),
        ("challenge", |record| record.challenge.expires = record.challenge.issued),
        ("trusted roots", |record| record.trusted_roots.reverse()),
        ("policy", |record| record.policy.version = 0),
        ("policy", |record| record.policy.name = "a\nb".to_owned()),
        ("project", |record| record.project = String::new()),
        ("verifier", |record| record.verifier = "v".repeat(257)),
        ("code", |record| {
            *record = denial();
            record.reasons[0].code = String::new();
        }),
        ("detail", |record| {
            *record = denial();
            record.reasons[0].detail = "d".repeat(5000);
        }),
    ];
    for (field, edit) in table {
        let mut record = release();
        edit(&mut record);
        let read = DecisionRecord::decode(&record.encode());
        assert_eq!(read, Err(Malformed::new("decision record", Fault::Field(field))));
    }
    let mut record = release();
    record.endorsements = vec![[0; 32]; 257];
    assert_eq!(
        DecisionRecord::decode(&record.encode()),
        Err(Malformed::new("decision record", Fault::Cbor("endorsements")))
    );
    let too_large = Fault::TooLarge { have: 262_145, max: 262_144 };
    assert_eq!(DecisionRecord::decode(&[0; 262_145]), Err(Malformed::new("decision record", too_large)));
}

#[test]
fn a_proof_entry_keeps_what_was_signed_as_it_was() {
    let entry = ProofEntry::decode(&proof(ProofFinding::Unsupported).encode()).unwrap();
    assert!(entry.signed.verify(&ProofKey::from_seed(&[5; 32]).public()).is_ok());
    let long = proof(ProofFinding::Refused { code: "x".repeat(257) });
    assert_eq!(ProofEntry::decode(&long.encode()), Err(Malformed::new("proof entry", Fault::Field("finding"))));
}
