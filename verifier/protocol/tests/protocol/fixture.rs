//! One good exchange, from fixed keys.

use std::convert::Infallible;

use prooftrail_protocol::{
    Ask, Challenge, Context, FileKey, FleetKey, FleetKeys, KeyRef, Nonce, ProofKey, ProofRecord, Purpose, RecipientKey,
    ReleaseId, ReleaseKey, ReleaseTerms, Sealed, SealingSuite, Signature, Statement, rand_core, seal, sha384,
};
use prooftrail_result::{EvidenceId, Kind, Timestamp};

/// A generator that gives the same bytes each time. For tests only.
pub(crate) struct Fixed(pub(crate) u8);

impl rand_core::TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from(self.0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed {}

pub(crate) const CHECKPOINT: &str = "prooftrail.example/log\n7\n\
    qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n\n\
    — prooftrail.example/log AAAAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==\n";
pub(crate) const HEADER: &[u8] = b"age-encryption.org/v1\n-> X25519 header\nbody\n--- mac\n";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

pub(crate) fn challenge() -> Challenge {
    Challenge::new([0x11; 32], CHECKPOINT, 3, now(), now().saturating_add_seconds(300)).unwrap()
}

pub(crate) fn fleet(first: u8) -> FleetKey {
    FleetKey::from_bytes(&[first; 32])
}

pub(crate) fn fleet_keys() -> FleetKeys {
    FleetKeys::new(fleet(0xF1), vec![fleet(0xF0)])
}

pub(crate) fn recipient() -> RecipientKey {
    RecipientKey::generate(&mut Fixed(0x20))
}

pub(crate) fn proof_key() -> ProofKey {
    ProofKey::from_seed(&[0x33; 32])
}

pub(crate) fn release_key() -> ReleaseKey {
    ReleaseKey::from_seed(&[0x44; 32])
}

pub(crate) fn file_key() -> FileKey {
    FileKey::from_bytes(&[0x55; 16])
}

pub(crate) fn key() -> KeyRef {
    KeyRef { name: "solvency".parse().unwrap(), version: 2 }
}

pub(crate) fn context() -> Context {
    Context {
        log_origin: "prooftrail.example/log".parse().unwrap(),
        nonce: challenge().nonce(),
        purpose: Purpose::Release,
        key: Some(key()),
        suite: SealingSuite::HpkeX25519HkdfSha256Aes256Gcm,
        recipient: recipient().public(),
        proof_key: proof_key().public(),
    }
}

pub(crate) fn statement() -> Statement {
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Statement {
        agent_version: "0.1.0".into(),
        executable_sha384: [0x66; 48],
        argv: vec!["prove".into(), "--circuit".into(), "solvency".into()],
        environment: set(&["PATH", "LANG"]),
        sandbox: set(&["no_network", "no_core"]),
        witness_header_sha384: Some(sha384(&[HEADER])),
        gpu_cc_mode: None,
    }
}

pub(crate) fn terms() -> ReleaseTerms {
    ReleaseTerms {
        origin: "prooftrail.example/log".parse().unwrap(),
        release_id: ReleaseId([0x77; 16]),
        context_sha384: context().sha384(),
        key: key(),
        purpose: Purpose::Release,
        policy_digest: [0x88; 48],
        evidence: vec![
            EvidenceId { kind: Kind::AwsNitro, signed_sha384: [0x99; 48] },
            EvidenceId { kind: Kind::NvidiaGpu, signed_sha384: [0xAA; 48] },
        ],
        header_sha384: sha384(&[HEADER]),
        expires: now().saturating_add_seconds(300),
    }
}

/// A release as the service makes it under the given terms.
pub(crate) fn release(terms: &ReleaseTerms) -> (Vec<u8>, Sealed, Signature) {
    let encoded = terms.encode();
    let sealed = seal(&file_key(), &recipient().public(), &terms.context_sha384, &encoded, &mut Fixed(0x60)).unwrap();
    let signature = release_key().sign(&encoded, &sealed.0);
    (encoded, sealed, signature)
}

pub(crate) fn ask() -> Ask {
    Ask {
        context: context(),
        header_sha384: sha384(&[HEADER]),
        kinds: vec![Kind::AwsNitro, Kind::NvidiaGpu],
        policy_digest: Some([0x88; 48]),
    }
}

pub(crate) fn record() -> ProofRecord {
    ProofRecord {
        release_leaf_hash: [0xB0; 32],
        session: ReleaseId([0x77; 16]),
        sequence: 0,
        statement_sha384: statement().sha384(),
        witness_header_sha384: sha384(&[HEADER]),
        witness_sha256: [0xB1; 32],
        system: Some("groth16-bn254".into()),
        vk_sha256: Some([0xB2; 32]),
        public_sha256: Some([0xB3; 32]),
        proof_sha256: Some([0xB4; 32]),
        exit_status: 0,
        started: now(),
        ended: now().saturating_add_seconds(42),
    }
}

/// Every context that differs from the good one in one field.
pub(crate) fn changed_contexts() -> Vec<(&'static str, Context)> {
    let good = context;
    vec![
        ("log origin", Context { log_origin: "other.example/log".parse().unwrap(), ..good() }),
        ("nonce", Context { nonce: Nonce([1; 32]), ..good() }),
        ("purpose", Context { purpose: Purpose::Session, ..good() }),
        ("no key", Context { key: None, ..good() }),
        ("key", Context { key: Some(KeyRef { name: "solvency2".parse().unwrap(), version: 2 }), ..good() }),
        ("version", Context { key: Some(KeyRef { version: 3, ..key() }), ..good() }),
        ("recipient", Context { recipient: RecipientKey::generate(&mut Fixed(9)).public(), ..good() }),
        ("proof key", Context { proof_key: ProofKey::from_seed(&[9; 32]).public(), ..good() }),
    ]
}
