//! SEV-SNP reports: warm, with a new VCEK, and with nothing known; against the signature alone and against the crate `sev`.

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use prooftrail_evidence::{
    AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, VerifiedIssuers, authenticate,
};
use prooftrail_result::Kind;
use prooftrail_trust_roots::RootSet;
use sev::{
    certs::snp::{Certificate, Chain, Verifiable, builtin::milan, ca},
    firmware::guest::AttestationReport,
    parser::ByteParser,
};

use crate::{
    cache::{Frozen, Recording},
    measure::ratio,
    nitro::point,
};

const REPORT: &[u8] = include_bytes!("../../vectors/snp/milan/sev_v2_report.bin");
const VCEK: &[u8] = include_bytes!("../../vectors/snp/milan/sev_v2_vcek.der");
const ASK: &[u8] = include_bytes!("../../vectors/snp/roots/ask_milan.pem");

pub fn run() {
    let roots = RootSet::pinned();
    let ours = |endorsements: &Endorsements, issuers: &dyn VerifiedIssuers| {
        let context = Context {
            crypto: &AwsLc,
            roots: &roots,
            endorsements,
            issuers,
            revocation: Revocation::default(),
            at: "2024-01-01T00:00:00Z".parse().expect("RFC 3339"),
            expected: Expected::default(),
        };
        black_box(authenticate(Kind::AmdSevSnp, black_box(REPORT), &context)).expect("authentic");
    };
    let read = || Endorsements::read(&AwsLc, black_box([VCEK, ASK])).expect("two certificates");
    let endorsements = read();
    let recording = Recording::default();
    ours(&endorsements, &recording);

    let all = Frozen::of(&recording);
    let signature = Signature::of(REPORT, VCEK);
    ratio("snp-warm", || ours(&endorsements, &all), || signature.verify());
    // A VCEK that came with the evidence, under a known ASK. The peer is given the same bytes.
    let issuers = Frozen::of(&recording).without_certificate(1);
    let issuers = issuers.without_signatures(|issuers| ours(&endorsements, issuers), &[0], 1);
    ratio("snp-cold-vs-sev-8.0.0", || ours(&read(), &issuers), theirs);
    ratio("snp-cold-nothing-known-vs-sev-8.0.0", || ours(&read(), &NoIssuers), theirs);
}

fn theirs() {
    let ca = ca::Chain { ark: milan::ark().expect("built in"), ask: milan::ask().expect("built in") };
    let chain = Chain { ca, vek: Certificate::from_der(black_box(VCEK)).expect("a certificate") };
    let report = AttestationReport::from_bytes(black_box(REPORT)).expect("a report");
    (&chain, &report).verify().expect("authentic");
}

/// The report's signature: what no verifier can avoid verifying.
struct Signature {
    key: Vec<u8>,
    signature: Vec<u8>,
}

impl Signature {
    fn of(report: &[u8], vcek: &[u8]) -> Self {
        // r and s, little endian, 72 bytes each.
        let number = |at: usize| report[at..at + 48].iter().rev().copied();
        Self { key: point(vcek), signature: number(0x2a0).chain(number(0x2a0 + 72)).collect() }
    }

    fn verify(&self) {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &self.key)
            .verify(black_box(&REPORT[..0x2a0]), &self.signature)
            .expect("the report's signature");
    }
}
