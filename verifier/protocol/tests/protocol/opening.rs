//! Opening: what is signed, what was asked, what has not ended, and nothing else.

use prooftrail_protocol::{
    Ask, KeyRef, Offer, OpenError, Purpose, RecipientKey, RecipientPublic, ReleaseId, ReleaseKey, ReleaseTerms, Sealed,
    SealingError, Signature, seal,
};
use prooftrail_result::{EvidenceId, Kind, Timestamp};
use proptest::prelude::*;

use crate::fixture::{Fixed, ask, changed_contexts, file_key, key, now, recipient, release, release_key, terms};

fn open(ask: &Ask, terms: &[u8], sealed: &[u8], signature: Signature, at: Timestamp) -> Result<bool, OpenError> {
    let checked = ask.check(Offer { terms, sealed, signature }, &release_key().public(), at)?;
    checked.open(&recipient()).map(|opened| opened.is_same(&file_key()))
}

#[test]
fn a_good_release_opens_until_it_ends() {
    let (encoded, sealed, signature) = release(&terms());
    assert_eq!(open(&ask(), &encoded, &sealed.0, signature, now()), Ok(true));
    let expires = terms().expires;
    assert_eq!(open(&ask(), &encoded, &sealed.0, signature, expires), Err(OpenError::Expired(expires)));
}

#[test]
fn an_agent_that_pins_no_policy_takes_any() {
    let (encoded, sealed, signature) = release(&ReleaseTerms { policy_digest: [1; 48], ..terms() });
    let unpinned = Ask { policy_digest: None, ..ask() };
    assert_eq!(open(&unpinned, &encoded, &sealed.0, signature, now()), Ok(true));
    assert_eq!(open(&ask(), &encoded, &sealed.0, signature, now()), Err(OpenError::NotAsked("policy digest")));
}

#[test]
fn genuine_terms_of_another_release_are_not_what_was_asked() {
    let id = |kind| EvidenceId { kind, signed_sha384: [0x99; 48] };
    for (changed, field) in [
        (ReleaseTerms { origin: "other.example".parse().unwrap(), ..terms() }, "origin"),
        (ReleaseTerms { context_sha384: [1; 48], ..terms() }, "context"),
        (ReleaseTerms { key: KeyRef { version: 1, ..key() }, ..terms() }, "key"),
        (ReleaseTerms { key: KeyRef { name: "other".parse().unwrap(), ..key() }, ..terms() }, "key"),
        (ReleaseTerms { purpose: Purpose::Session, ..terms() }, "purpose"),
        (ReleaseTerms { evidence: vec![id(Kind::AwsNitro)], ..terms() }, "evidence"),
        (ReleaseTerms { evidence: vec![id(Kind::NvidiaGpu), id(Kind::AwsNitro)], ..terms() }, "evidence"),
        (ReleaseTerms { header_sha384: [1; 48], ..terms() }, "witness header"),
    ] {
        let (encoded, sealed, signature) = release(&changed);
        assert_eq!(open(&ask(), &encoded, &sealed.0, signature, now()), Err(OpenError::NotAsked(field)));
    }
    for (field, context) in changed_contexts() {
        let (encoded, sealed, signature) = release(&terms());
        let other = Ask { context, ..ask() };
        assert!(matches!(open(&other, &encoded, &sealed.0, signature, now()), Err(OpenError::NotAsked(_))), "{field}");
    }
}

#[test]
fn a_release_that_another_key_signed_is_not_looked_at() {
    let (encoded, sealed, _) = release(&terms());
    let signature = ReleaseKey::from_seed(&[1; 32]).sign(&encoded, &sealed.0);
    let refused = open(&ask(), &encoded, &sealed.0, signature, now()).unwrap_err();
    assert_eq!(refused.code(), "open.signature");
    // Even where the bytes are no terms at all, the signature is what is missing.
    let refused = open(&ask(), b"junk", &sealed.0, signature, now()).unwrap_err();
    assert_eq!(refused.code(), "open.signature");
}

#[test]
fn what_was_sealed_to_another_recipient_or_under_other_terms_does_not_open() {
    let encoded = terms().encode();
    let other = RecipientKey::generate(&mut Fixed(0x21)).public();
    let context = terms().context_sha384;
    let elsewhere = ReleaseTerms { release_id: ReleaseId([0; 16]), ..terms() }.encode();
    let good = recipient().public();
    for (to, context, aad) in [(&other, &context, &encoded), (&good, &[0; 48], &encoded), (&good, &context, &elsewhere)]
    {
        let sealed = seal(&file_key(), to, context, aad, &mut Fixed(1)).unwrap();
        let signature = release_key().sign(&encoded, &sealed.0);
        let refused = open(&ask(), &encoded, &sealed.0, signature, now());
        assert_eq!(refused, Err(OpenError::Sealing(SealingError::DoesNotOpen)));
    }
    let signature = release_key().sign(&encoded, &[0; 63]);
    assert_eq!(open(&ask(), &encoded, &[0; 63], signature, now()).unwrap_err().code(), "malformed.field");
}

#[test]
fn recipients_whose_secret_anyone_knows_are_refused() {
    let good = recipient().public();
    assert_eq!(RecipientPublic::from_spki(&good.spki()), Ok(good));
    let spki = |key: [u8; 32]| [&good.spki()[..12], &key].concat();
    let mut one = [0; 32];
    one[0] = 1;
    // Points of order 1, 2, 4 and 8 (RFC 7748, section 6.1 asks for the check that finds them).
    let eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let p_minus_1 = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let hex = |text: &str| <[u8; 32]>::try_from(hex::decode(text).unwrap()).unwrap();
    for weak in [[0; 32], one, hex(eight), hex(p_minus_1)] {
        assert!(RecipientPublic::from_spki(&spki(weak)).is_err(), "{}", hex::encode(weak));
    }
    for other in [&good.spki()[12..], &good.spki()[..43], &[good.spki().as_slice(), &[0]].concat(), &[]] {
        assert!(RecipientPublic::from_spki(other).is_err());
    }
}

#[test]
fn two_sealings_of_one_key_differ() {
    let sealed = |chance| seal(&file_key(), &recipient().public(), &[0; 48], b"", &mut Fixed(chance)).unwrap();
    assert_ne!(sealed(1), sealed(2));
    assert_eq!(sealed(1), sealed(1));
    assert_ne!(sealed(1), Sealed([0; 64]));
}

proptest! {
    /// Whatever bit of terms, sealed key or signature an attacker changes, nothing opens.
    #[test]
    fn one_changed_bit_anywhere_opens_nothing(part in 0_usize..3, place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut encoded, mut sealed, mut signature) = release(&terms());
        let bytes: &mut [u8] = match part {
            0 => &mut encoded,
            1 => &mut sealed.0,
            _ => &mut signature.0,
        };
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let refused = open(&ask(), &encoded, &sealed.0, signature, now()).unwrap_err();
        prop_assert_eq!(refused.code(), "open.signature");
    }

    /// And if the service itself signs changed bytes, the terms are refused, not what was asked, or not what was sealed under.
    #[test]
    fn one_changed_bit_that_is_signed_opens_nothing(of_terms: bool, place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (mut encoded, mut sealed, _) = release(&terms());
        let bytes: &mut [u8] = if of_terms { &mut encoded } else { &mut sealed.0 };
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let signature = release_key().sign(&encoded, &sealed.0);
        let refused = open(&ask(), &encoded, &sealed.0, signature, now()).unwrap_err();
        prop_assert!(!matches!(refused, OpenError::Signature(_)));
    }

    /// Readers take any bytes, and what they take they write again.
    #[test]
    fn readers_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(terms) = ReleaseTerms::decode(&bytes) {
            prop_assert_eq!(terms.encode(), bytes);
        }
    }
}
