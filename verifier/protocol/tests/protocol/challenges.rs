//! Challenges: tokens that only the fleet makes and that end.

use prooftrail_protocol::{
    Challenge, ChallengeError, Fault, FleetKeys, Malformed, Nonce,
    limits::{CHALLENGE_MILLIS, CHECKPOINT_BYTES},
    wire::base64url,
};
use prooftrail_result::Timestamp;

use crate::fixture::{CHECKPOINT, challenge, fleet, fleet_keys, now};

fn millis(of: Timestamp, add: i64) -> Timestamp {
    Timestamp::from_unix_millis(of.unix_millis() + add).unwrap()
}

#[test]
fn a_token_brings_its_challenge_back() {
    let token = fleet_keys().token(&challenge());
    let back = fleet_keys().challenge(token.as_str(), now()).unwrap();
    assert_eq!(back, challenge());
    assert_eq!(back.nonce(), Nonce::of(&[0x11; 32], CHECKPOINT, 3));
    assert_eq!(fleet_keys().challenge(token.as_str(), millis(now(), 299_999)), Ok(back));
}

#[test]
fn each_part_of_a_challenge_changes_its_nonce() {
    let nonce = challenge().nonce();
    for other in [
        Nonce::of(&[0x12; 32], CHECKPOINT, 3),
        Nonce::of(&[0x11; 32], &CHECKPOINT.replacen('7', "8", 1), 3),
        Nonce::of(&[0x11; 32], CHECKPOINT, 4),
    ] {
        assert_ne!(nonce, other);
    }
}

#[test]
fn every_key_verifies_and_the_first_makes() {
    let old = FleetKeys::new(fleet(0xF0), Vec::new()).token(&challenge());
    assert!(fleet_keys().challenge(old.as_str(), now()).is_ok());
    let new = fleet_keys().token(&challenge());
    assert_ne!(new, old);
    let retired = FleetKeys::new(fleet(0xF0), Vec::new());
    assert_eq!(retired.challenge(new.as_str(), now()), Err(ChallengeError::Forged));
}

#[test]
fn a_token_of_which_any_bit_is_changed_is_refused() {
    let token = base64url::decode(fleet_keys().token(&challenge()).as_str(), "token", usize::MAX).unwrap();
    for place in 0..token.len() {
        for bit in 0..8 {
            let mut changed = token.clone();
            changed[place] ^= 1 << bit;
            let changed = base64url::encode(&changed);
            match fleet_keys().challenge(&changed, now()) {
                Err(ChallengeError::Forged | ChallengeError::Malformed(_)) => {}
                other => panic!("byte {place} bit {bit}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_token_ends_and_begins() {
    let token = fleet_keys().token(&challenge());
    let expired = challenge().expires();
    assert_eq!(fleet_keys().challenge(token.as_str(), expired), Err(ChallengeError::Expired { expired }));
    assert!(fleet_keys().challenge(token.as_str(), millis(now(), -60_000)).is_ok());
    assert_eq!(fleet_keys().challenge(token.as_str(), millis(now(), -60_001)), Err(ChallengeError::Times));
}

#[test]
fn a_challenge_lasts_five_minutes_at_most() {
    let lasting = |millis_long| Challenge::new([0; 32], CHECKPOINT, 0, now(), millis(now(), millis_long));
    assert!(lasting(CHALLENGE_MILLIS).is_ok());
    for too in [CHALLENGE_MILLIS + 1, 0, -1] {
        assert!(matches!(lasting(too), Err(Malformed { fault: Fault::Field("expires"), .. })), "{too}");
    }
    let large = "a".repeat(CHECKPOINT_BYTES + 1);
    let refused = Challenge::new([0; 32], &large, 0, now(), millis(now(), 1)).unwrap_err();
    assert_eq!(refused.code(), "malformed.too_large");
    let largest = Challenge::new([0; 32], &large[1..], u64::MAX, now(), millis(now(), 1)).unwrap();
    assert_eq!(fleet_keys().challenge(fleet_keys().token(&largest).as_str(), now()), Ok(largest));
}

#[test]
fn what_is_no_token_is_malformed() {
    for (token, code) in [
        (String::new(), "malformed.cbor"),
        ("!".to_owned(), "malformed.base64"),
        (format!("{}=", fleet_keys().token(&challenge()).as_str()), "malformed.base64"),
        (base64url::encode(&[0x87, 0x02]), "malformed.domain"),
        ("A".repeat(1 << 20), "malformed.too_large"),
    ] {
        match fleet_keys().challenge(&token, now()) {
            Err(ChallengeError::Malformed(malformed)) => assert_eq!(malformed.code(), code),
            other => panic!("{token:.20}: {other:?}"),
        }
    }
}
