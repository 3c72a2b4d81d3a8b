//! Every byte of a genuine quote and of its collateral counts: whatever is flipped, the verdict is a refusal, or it is the
//! same one, and the byte is one that nobody signs and that is named here.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper that fails fails its test")]

use prooftrail_evidence::{
    Authentic, AwsLc, Context, Endorsements, Expected, NoIssuers, Refusal, Revocation, authenticate,
};
use prooftrail_result::{Kind, claims::cross_vendor::REVOCATION};
use prooftrail_trust_roots::RootSet;

const QUOTE: &[u8] = include_bytes!("../../../tests/vectors/tdx/quotes/tdx-v4-phala-b0c06f.bin");
const COLLATERAL: &[u8] = include_bytes!("../../../tests/vectors/tdx/collateral/dq-tdx_quote.json");
const SGX_QUOTE: &[u8] = include_bytes!("../../../tests/vectors/tdx/quotes/sgx-v3-processorca-00a067.bin");
const SGX_COLLATERAL: &[u8] = include_bytes!("../../../tests/vectors/tdx/collateral/dq-sgx_quote.json");
const AT: &str = "2025-07-01T00:00:00Z";

fn run(kind: Kind, quote: &[u8], endorsements: &Endorsements) -> Result<Authentic, Refusal> {
    let context = Context {
        crypto: &AwsLc,
        roots: &RootSet::pinned(),
        endorsements,
        issuers: &NoIssuers,
        revocation: Revocation::default(),
        at: AT.parse().unwrap(),
        expected: Expected::default(),
    };
    authenticate(kind, quote, &context)
}

/// The places where a flip of one bit, or of all, went unnoticed; there, nothing may have changed.
fn survivors(kind: Kind, quote: &[u8], collateral: &[u8]) -> Vec<usize> {
    let endorsements = Endorsements::read(&AwsLc, [collateral]).unwrap();
    let genuine = run(kind, quote, &endorsements).unwrap();
    let mut bytes = quote.to_vec();
    let mut survived = Vec::new();
    for place in 0..bytes.len() {
        // One bit, walking through the byte from place to place, and all bits.
        for flip in [1 << (place % 8), 0xFF] {
            bytes[place] ^= flip;
            if let Ok(authentic) = run(kind, &bytes, &endorsements) {
                assert_eq!(authentic, genuine, "byte {place} xor {flip:#04x} changes the outcome");
                survived.push(place);
            }
            bytes[place] ^= flip;
        }
    }
    survived
}

#[test]
fn every_flipped_byte_of_a_quote_is_refused() {
    assert_eq!(survivors(Kind::IntelTdx, QUOTE, COLLATERAL), [0_usize; 0]);
    assert_eq!(survivors(Kind::IntelSgx, SGX_QUOTE, SGX_COLLATERAL), [0_usize; 0]);
}

#[test]
fn every_truncation_into_what_is_signed_is_refused_and_padding_may_be_cut() {
    let endorsements = Endorsements::read(&AwsLc, [COLLATERAL]).unwrap();
    let genuine = run(Kind::IntelTdx, QUOTE, &endorsements).unwrap();
    let padding = QUOTE.iter().rev().take_while(|byte| **byte == 0).count();
    // The NUL behind the chain in PEM is inside the quote.
    let end = QUOTE.len() - padding + 1;
    for length in 0..end {
        assert!(run(Kind::IntelTdx, &QUOTE[..length], &endorsements).is_err(), "{length} bytes");
    }
    for length in end..=QUOTE.len() {
        assert_eq!(run(Kind::IntelTdx, &QUOTE[..length], &endorsements).as_ref(), Ok(&genuine), "{length} bytes");
    }
}

/// In collateral, what is read is signed. What may change unnoticed is the bundle's own spelling: the member that is not
/// read, and the case of hex.
#[test]
fn every_flipped_byte_of_collateral_is_refused_or_changes_nothing() {
    let endorsements = Endorsements::read(&AwsLc, [COLLATERAL]).unwrap();
    let genuine = run(Kind::IntelTdx, QUOTE, &endorsements).unwrap();
    let mut bytes = COLLATERAL.to_vec();
    let mut survived = Vec::new();
    for place in 0..bytes.len() {
        let flip = 1 << (place % 8);
        bytes[place] ^= flip;
        if let Ok(endorsements) = Endorsements::read(&AwsLc, [bytes.as_slice()])
            && let Ok(authentic) = run(Kind::IntelTdx, QUOTE, &endorsements)
        {
            // A CRL under a misspelled key is not supplied, and one of another issuer is not used (which a request
            // refuses); without it, nothing is said to be good.
            let without_crl = authentic.inputs().len() < genuine.inputs().len();
            assert!(without_crl || authentic == genuine, "byte {place} xor {flip:#04x} changes the outcome");
            if without_crl {
                assert_eq!(authentic.claims().get(REVOCATION), Some(&"not_checked".into()), "byte {place}");
            } else {
                survived.push(place);
            }
        }
        bytes[place] ^= flip;
    }
    let text = std::str::from_utf8(COLLATERAL).unwrap();
    // The chain of the PCK CA: the quote brings its own.
    let unread = text.find("pck_crl_issuer_chain").unwrap()..text.find("\"root_ca_crl\"").unwrap();
    let elsewhere = survived.iter().filter(|place| !unread.contains(place));
    for place in elsewhere {
        let is_hex_case = bytes[*place].is_ascii_alphabetic() && 1 << (place % 8) == 0x20;
        assert!(is_hex_case, "byte {place}: {:?}", &text[place.saturating_sub(12)..(place + 12).min(text.len())]);
    }
}
