//! Every byte of genuine evidence counts: whatever is flipped, the evidence is refused, or the byte is provably outside
//! what is signed and changes neither claims nor evidence id.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, authenticate};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

const DOCUMENT: &[u8] =
    include_bytes!("../../../tests/vectors/nitro/genuine/enclave-2025-01-06-eu-central-1-rsa2048.cose");
const MADE_AT: &str = "2025-01-06T16:07:05Z";

/// A report of SEV-SNP on a Milan, its VCEK and its ASK.
const REPORT: &[u8] = include_bytes!("../../../tests/vectors/snp/milan/sev_v2_report.bin");
const VCEK: &[u8] = include_bytes!("../../../tests/vectors/snp/milan/sev_v2_vcek.der");
const ASK: &[u8] = include_bytes!("../../../tests/vectors/snp/roots/ask_milan.pem");
const REPORTED_AT: &str = "2024-01-01T00:00:00Z";

fn with_context<T>(at: &str, files: &[&[u8]], run: impl FnOnce(&Context<'_>) -> T) -> T {
    let at: Timestamp = at.parse().unwrap();
    let endorsements = Endorsements::read(&AwsLc, files.iter().copied()).unwrap();
    run(&Context {
        crypto: &AwsLc,
        roots: &RootSet::pinned(),
        endorsements: &endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at,
        expected: Expected::default(),
    })
}

#[test]
fn every_flipped_byte_is_refused_or_changes_nothing() {
    with_context(MADE_AT, &[], |context| {
        let genuine = authenticate(Kind::AwsNitro, DOCUMENT, context).unwrap();
        let mut bytes = DOCUMENT.to_vec();
        let mut survived = Vec::new();
        for place in 0..bytes.len() {
            // One bit, walking through the byte from place to place, and all bits.
            for flip in [1 << (place % 8), 0xFF] {
                bytes[place] ^= flip;
                if let Ok(authentic) = authenticate(Kind::AwsNitro, &bytes, context) {
                    assert_eq!(authentic, genuine, "byte {place} xor {flip:#04x} changes the outcome");
                    survived.push(place);
                }
                bytes[place] ^= flip;
            }
        }
        // The strict envelope leaves no byte that can change unnoticed: a twin signature needs all of s changed.
        assert_eq!(survived, [0_usize; 0]);
    });
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    with_context(MADE_AT, &[], |context| {
        for length in 0..DOCUMENT.len() {
            assert!(authenticate(Kind::AwsNitro, &DOCUMENT[..length], context).is_err(), "{length} bytes");
        }
        let longer = [DOCUMENT, &[0]].concat();
        assert!(authenticate(Kind::AwsNitro, &longer, context).is_err());
    });
}

#[test]
fn every_flipped_bit_of_a_report_is_refused() {
    with_context(REPORTED_AT, &[VCEK, ASK], |context| {
        assert!(authenticate(Kind::AmdSevSnp, REPORT, context).is_ok());
        let mut bytes = REPORT.to_vec();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                assert!(authenticate(Kind::AmdSevSnp, &bytes, context).is_err(), "bit {bit} of byte {place:#x}");
                bytes[place] ^= 1 << bit;
            }
        }
    });
}

#[test]
fn every_truncation_and_every_extension_of_a_report_is_refused() {
    with_context(REPORTED_AT, &[VCEK, ASK], |context| {
        for length in 0..REPORT.len() {
            assert!(authenticate(Kind::AmdSevSnp, &REPORT[..length], context).is_err(), "{length} bytes");
        }
        let longer = [REPORT, &[0]].concat();
        assert!(authenticate(Kind::AmdSevSnp, &longer, context).is_err());
    });
}

/// A certificate's flipped bit breaks the chain; none of them is outside what is signed.
#[test]
fn every_flipped_bit_of_a_key_s_certificate_is_refused() {
    let mut vcek = VCEK.to_vec();
    for place in 0..vcek.len() {
        vcek[place] ^= 1 << (place % 8);
        let refused = Endorsements::read(&AwsLc, [vcek.as_slice(), ASK]).is_err()
            || with_context(REPORTED_AT, &[&vcek, ASK], |context| {
                authenticate(Kind::AmdSevSnp, REPORT, context).is_err()
            });
        assert!(refused, "byte {place:#x}");
        vcek[place] ^= 1 << (place % 8);
    }
}
