//! Every byte of a genuine document counts: whatever is flipped, the document is refused, or the byte is provably
//! outside what is signed and changes neither claims nor evidence id.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{AwsLc, Context, Endorsements, Expected, NoIssuers, Revocation, authenticate};
use prooftrail_result::{Kind, Timestamp};
use prooftrail_trust_roots::RootSet;

const DOCUMENT: &[u8] =
    include_bytes!("../../../tests/vectors/nitro/genuine/enclave-2025-01-06-eu-central-1-rsa2048.cose");
const MADE_AT: &str = "2025-01-06T16:07:05Z";

fn with_context<T>(at: &str, run: impl FnOnce(&Context<'_>) -> T) -> T {
    let at: Timestamp = at.parse().unwrap();
    run(&Context {
        crypto: &AwsLc,
        roots: &RootSet::pinned(),
        endorsements: &Endorsements::default(),
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at,
        expected: Expected::default(),
    })
}

#[test]
fn every_flipped_byte_is_refused_or_changes_nothing() {
    with_context(MADE_AT, |context| {
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
    with_context(MADE_AT, |context| {
        for length in 0..DOCUMENT.len() {
            assert!(authenticate(Kind::AwsNitro, &DOCUMENT[..length], context).is_err(), "{length} bytes");
        }
        let longer = [DOCUMENT, &[0]].concat();
        assert!(authenticate(Kind::AwsNitro, &longer, context).is_err());
    });
}
