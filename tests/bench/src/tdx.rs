//! TDX quotes: warm, a new quote of a new platform under known collateral, and with nothing known; against the quote's
//! signature alone and against dcap-qvl with ring.

use std::hint::black_box;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use dcap_qvl::QuoteCollateralV3;
use prooftrail_evidence::{
    AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, VerifiedIssuers, authenticate,
};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

use crate::{
    cache::{Frozen, Recording},
    measure::ratio,
};

const QUOTE: &[u8] = include_bytes!("../../vectors/tdx/quotes/tdx-v4-phala-b0c06f.bin");
const COLLATERAL: &[u8] = include_bytes!("../../vectors/tdx/collateral/dq-tdx_quote.json");

/// Header and body of version 4, then the length of the signature data.
const SIGNED: usize = 48 + 584;

pub fn run() {
    let roots = RootSet::pinned();
    let at: Timestamp = "2025-07-01T00:00:00Z".parse().expect("RFC 3339");
    let endorsements = Endorsements::read(&AwsLc, [COLLATERAL]).expect("collateral");
    let ours = |endorsements: &Endorsements, issuers: &dyn VerifiedIssuers| {
        let context = Context {
            crypto: &AwsLc,
            roots: &roots,
            endorsements,
            issuers,
            revocation: Revocation::default(),
            at,
            expected: Expected::default(),
        };
        black_box(authenticate(Kind::IntelTdx, black_box(QUOTE), &context)).expect("authentic");
    };
    let collateral: QuoteCollateralV3 = serde_json::from_slice(COLLATERAL).expect("collateral");
    let now = u64::try_from(at.unix_seconds()).expect("after 1970");
    let theirs = || {
        black_box(dcap_qvl::verify::ring::verify(black_box(QUOTE), &collateral, now)).expect("authentic");
    };
    let recording = Recording::default();
    ours(&endorsements, &recording);

    let all = Frozen::of(&recording);
    ratio("tdx-warm", || ours(&endorsements, &all), verify_signature);
    // The platform's certificate under its known CA, the quoting enclave's report, and the quote are new.
    // Asked for are: the certificate's signature, its CA's list, the report's.
    let collateral_known = Frozen::of(&recording).without_certificate(1);
    let collateral_known = collateral_known.without_signatures(|issuers| ours(&endorsements, issuers), &[0, 2], 3);
    ratio("tdx-new-quote-vs-dcap-qvl-0.7.1", || ours(&endorsements, &collateral_known), theirs);
    ratio("tdx-cold-vs-dcap-qvl-0.7.1", || ours(&endorsements, &NoIssuers), theirs);
}

/// The quote's signature by the attestation key that stands behind it: what no verifier can avoid verifying.
fn verify_signature() {
    let data = &QUOTE[SIGNED + 4..];
    let (signature, key) = (&data[..64], [&[4], &data[64..128]].concat());
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
        .verify(black_box(&QUOTE[..SIGNED]), signature)
        .expect("the quote's signature");
}
