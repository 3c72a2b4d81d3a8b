//! GPU reports compared with their reference values: warm, against the report's signature alone; with a device that was never
//! seen, and with one whose provisioner was not either, against four such signatures.

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use prooftrail_evidence::{
    AwsLc, Context, EndorsementFile, Endorsements, Expected, Revocation, VerifiedIssuers, authenticate, certificate_der,
};
use prooftrail_result::Kind;
use prooftrail_trust_roots::RootSet;

use crate::{
    cache::{Frozen, Recording},
    measure::ratio,
    nitro::point,
};

const REPORT: &[u8] = include_bytes!("../../vectors/nvgpu/gpu/h100_545.00.bin");
const CHAIN: &[u8] = include_bytes!("../../vectors/nvgpu/gpu/h100_545.00.chain.pem");
const DRIVER: &[u8] = include_bytes!("../../vectors/nvgpu/rim/driver_545.00.swidtag");
const VBIOS: &[u8] = include_bytes!("../../vectors/nvgpu/rim/vbios_96005E0001_test_no_gpu.swidtag");

/// What goes with the report.
const FILES: [&[u8]; 3] = [CHAIN, DRIVER, VBIOS];

/// A new device brings the certificates of its attestation key and of itself. That of its provisioner is one for a whole model:
/// fourteen genuine H100 have the same, and five genuine switches another.
const NEW_CERTIFICATES: usize = 2;

/// The family's CA, the provisioner, the device, its attestation key.
const DEVICE_CERTIFICATES: usize = 4;

/// What a report may cost whose chain is new.
const VERIFICATIONS: usize = 4;

pub fn run() {
    let roots = RootSet::pinned();
    let read = || Endorsements::read(&AwsLc, black_box(FILES)).expect("a chain and two RIMs");
    let endorsements = read();
    let ours = |endorsements: &Endorsements, issuers: &dyn VerifiedIssuers| {
        let context = Context {
            crypto: &AwsLc,
            roots: &roots,
            endorsements,
            issuers,
            revocation: Revocation::default(),
            at: "2024-06-01T00:00:00Z".parse().expect("RFC 3339"),
            expected: Expected::default(),
        };
        let authentic = authenticate(Kind::NvidiaGpu, black_box(REPORT), &context).expect("authentic");
        assert!(black_box(authentic).objections().is_empty(), "the reference values are met");
    };
    let recording = Recording::default();
    ours(&endorsements, &recording);

    let signature = Signature::of(CHAIN);
    let all = Frozen::of(&recording);
    ratio("gpu-warm", || ours(&endorsements, &all), || signature.verify());
    let files = FILES.map(EndorsementFile::from);
    ratio(
        "gpu-known-files",
        || drop(black_box(Endorsements::of(&AwsLc, black_box(&files)))),
        || drop(black_box(read())),
    );
    // The device's certificates come first in the record, from the family's CA down. A RIM is known with its signature, so that
    // asked for are those of the certificates alone.
    for (name, new) in [("gpu-cold", NEW_CERTIFICATES), ("gpu-cold-new-provisioner", NEW_CERTIFICATES + 1)] {
        let places = DEVICE_CERTIFICATES - new..DEVICE_CERTIFICATES;
        let known = places.fold(Frozen::of(&recording), Frozen::without_certificate);
        let signatures: Vec<usize> = (0..new).collect();
        let known = known.without_signatures(|issuers| ours(&endorsements, issuers), &signatures, new);
        ratio(name, || ours(&endorsements, &known), || (0..VERIFICATIONS).for_each(|_| signature.verify()));
    }
}

/// The report's signature: what no verifier can avoid verifying.
struct Signature {
    key: Vec<u8>,
}

impl Signature {
    fn of(chain: &[u8]) -> Self {
        const END: &[u8] = b"-----END CERTIFICATE-----\n";
        let end = chain.windows(END.len()).position(|window| window == END).expect("a certificate") + END.len();
        Self { key: point(&certificate_der(&chain[..end]).expect("PEM")) }
    }

    fn verify(&self) {
        let (signed, signature) = REPORT.split_at(REPORT.len() - 96);
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &self.key)
            .verify(black_box(signed), signature)
            .expect("the report's signature");
    }
}
