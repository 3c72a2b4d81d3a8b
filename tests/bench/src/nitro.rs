//! Nitro documents: warm, warm with a new leaf, cold; against the signature verifications alone and against two peers.

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, authenticate};
use prooftrail_result::Kind;
use prooftrail_trust_roots::RootSet;

use crate::{
    cache::{Frozen, Recording},
    measure::ratio,
};

pub const DOCUMENT: &[u8] = include_bytes!("../../vectors/nitro/genuine/enclave-2025-01-06-eu-central-1-rsa2048.cose");
pub const MADE_AT: &str = "2025-01-06T16:07:10Z";

pub fn run() {
    let (roots, endorsements) = (RootSet::pinned(), Endorsements::default());
    let cold = Context {
        crypto: &AwsLc,
        roots: &roots,
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: MADE_AT.parse().expect("RFC 3339"),
        expected: Expected::default(),
    };
    let ours = |context: &Context<'_>| {
        black_box(authenticate(Kind::AwsNitro, black_box(DOCUMENT), context)).expect("authentic");
    };
    let pieces = Pieces::of(DOCUMENT);

    let recording = Recording::default();
    ours(&Context { issuers: &recording, ..cold });
    let all = Frozen::of(&recording);
    let warm = Context { issuers: &all, ..cold };
    ratio("nitro-warm", || ours(&warm), || pieces.verify_document());

    let issuers = Frozen::of(&recording).without_certificate(3).without_signatures(
        |issuers| ours(&Context { issuers, ..cold }),
        &[0],
        1,
    );
    let new_leaf = Context { issuers: &issuers, ..cold };
    ratio(
        "nitro-warm-new-leaf",
        || ours(&new_leaf),
        || {
            pieces.verify_document();
            pieces.verify_leaf();
        },
    );

    ratio(
        "nitro-cold-of-five-signatures",
        || ours(&cold),
        || {
            for _ in 0..4 {
                pieces.verify_leaf();
            }
            pieces.verify_document();
        },
    );
    let at = time::OffsetDateTime::from_unix_timestamp(cold.at.unix_seconds()).expect("in range");
    ratio(
        "nitro-cold-vs-nitro_attest-0.2.0",
        || ours(&cold),
        || {
            let document: nitro_attest::UnparsedAttestationDoc<'_> = black_box(DOCUMENT).into();
            black_box(document.parse_and_verify(at)).expect("authentic");
        },
    );
    // This peer reads the system's clock, so the run must stand under a clock of that day (./bench sees to it).
    match attestation_doc_validation::validate_and_parse_attestation_doc(DOCUMENT) {
        Ok(_) => ratio(
            "nitro-cold-vs-attestation-doc-validation-0.10.1",
            || ours(&cold),
            || {
                black_box(attestation_doc_validation::validate_and_parse_attestation_doc(black_box(DOCUMENT)))
                    .expect("authentic");
            },
        ),
        Err(error) => println!("NOT RUN: nitro-cold-vs-attestation-doc-validation-0.10.1: {error}"),
    }
}

/// The signed bytes and signatures of a document, cut out by hand: what no verifier can avoid verifying.
pub struct Pieces {
    sig_structure: Vec<u8>,
    signature: Vec<u8>,
    leaf_key: Vec<u8>,
    leaf_tbs: Vec<u8>,
    leaf_signature: Vec<u8>,
    instance_key: Vec<u8>,
}

impl Pieces {
    pub fn of(document: &[u8]) -> Self {
        // 84 44 A1013822 A0 59 LL LL payload 58 60 signature
        let payload_length = usize::from(document[8]) << 8 | usize::from(document[9]);
        let payload = &document[10..10 + payload_length];
        let mut sig_structure = b"\x84\x6aSignature1\x44\xa1\x01\x38\x22\x40".to_vec();
        sig_structure.extend(&document[7..10 + payload_length]);
        // Certificates are the DER SEQUENCEs with two-byte lengths, in the order leaf, root, regional, zonal, instance.
        let mut certificates = Vec::new();
        let mut place = 0;
        while place + 4 < payload.len() {
            let length = 4 + (usize::from(payload[place + 2]) << 8 | usize::from(payload[place + 3]));
            if payload[place..].starts_with(&[0x30, 0x82]) && payload.get(place + 4..place + 6) == Some(&[0x30, 0x82]) {
                certificates.push(&payload[place..place + length]);
                place += length;
            } else {
                place += 1;
            }
        }
        let (leaf, instance) = (certificates[0], certificates[4]);
        let tbs_length = 4 + (usize::from(leaf[6]) << 8 | usize::from(leaf[7]));
        // After the TBS: the algorithm (12 bytes), the BIT STRING head (3 bytes), then the DER signature.
        let signature = leaf[4 + tbs_length + 12 + 3..].to_vec();
        Self {
            sig_structure,
            signature: document[document.len() - 96..].to_vec(),
            leaf_key: point(leaf),
            leaf_tbs: leaf[4..4 + tbs_length].to_vec(),
            leaf_signature: signature,
            instance_key: point(instance),
        }
    }

    pub fn verify_document(&self) {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &self.leaf_key)
            .verify(black_box(&self.sig_structure), &self.signature)
            .expect("the document's signature");
    }

    fn verify_leaf(&self) {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &self.instance_key)
            .verify(black_box(&self.leaf_tbs), &self.leaf_signature)
            .expect("the leaf's signature");
    }
}

/// The uncompressed point of a certificate's key: after the secp384r1 identifier and the BIT STRING head.
pub fn point(certificate: &[u8]) -> Vec<u8> {
    const SECP384R1: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00];
    let start = certificate.windows(SECP384R1.len()).position(|window| window == SECP384R1).expect("a P-384 key");
    certificate[start + SECP384R1.len()..][..97].to_vec()
}
