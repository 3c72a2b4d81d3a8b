//! Points: on the curve, in the subgroup, not at infinity, written in one way — of the proof and of the key alike.

use ark_bls12_381::Bls12_381;
use ark_bn254::Bn254;
use prooftrail_proofs::{
    Document::{self, Proof, VerifyingKey},
    InvalidPoint::{self, Infinity, NotNormalised, OffCurve, OutsideSubgroup},
    Place, ProofError, Verdict,
};
use serde_json::{Value, json};

use crate::fixture::{Coordinates, Curve, Fixture, made};

const FIRST_GROUP: [(Document, &str); 4] =
    [(Proof, "pi_a"), (Proof, "pi_c"), (VerifyingKey, "vk_alpha_1"), (VerifyingKey, "IC")];
const SECOND_GROUP: [(Document, &str); 4] =
    [(Proof, "pi_b"), (VerifyingKey, "vk_beta_2"), (VerifyingKey, "vk_gamma_2"), (VerifyingKey, "vk_delta_2")];

/// Edits a point (of `IC` the last one) and asserts the refusal.
fn assert_refused(genuine: &Fixture, at: (Document, &'static str), edit: impl Fn(&mut Value), fault: InvalidPoint) {
    let (document, field) = at;
    let mut fixture = genuine.clone();
    let value = if document == Proof { &mut fixture.proof[field] } else { &mut fixture.key[field] };
    let mut place = Place::field(document, field);
    if field == "IC" {
        place = place.item(2);
        edit(&mut value[2]);
    } else {
        edit(value);
    }
    assert_eq!(fixture.judge(), Verdict::Refused(ProofError::Point { place, fault }), "{} {place}", genuine.system);
}

fn rules<E: Curve>() {
    let genuine = made::<E>(1).fixture();
    for at in FIRST_GROUP {
        for (coordinates, fault) in [
            (json!(["0", "1", "0"]), Infinity),
            (json!(["0", "0", "0"]), Infinity),
            (json!(["0", "0", "1"]), OffCurve), // arkworks' own spelling of infinity
            (json!(["1", "1", "1"]), OffCurve),
        ] {
            assert_refused(&genuine, at, |point| *point = coordinates.clone(), fault);
        }
        assert_refused(&genuine, at, |point| point.as_array_mut().unwrap().swap(0, 1), OffCurve);
        assert_refused(&genuine, at, |point| point[2] = json!("2"), NotNormalised);
    }
    let (zero, one) = (json!(["0", "0"]), json!(["1", "0"]));
    for at in SECOND_GROUP {
        for (coordinates, fault) in [
            (json!([zero, one, zero]), Infinity),
            (json!([zero, zero, zero]), Infinity),
            (json!([zero, zero, one]), OffCurve),
            (json!([one, one, one]), OffCurve),
            (E::G2Affine::outside_subgroup().json(), OutsideSubgroup),
        ] {
            assert_refused(&genuine, at, |point| *point = coordinates.clone(), fault);
        }
        assert_refused(&genuine, at, |point| point.as_array_mut().unwrap().swap(0, 1), OffCurve);
        // Imaginary part first, as Ethereum's contracts and gnark have it.
        let swap_parts = |point: &mut Value| {
            (0..2).for_each(|coordinate| point[coordinate].as_array_mut().unwrap().swap(0, 1));
        };
        assert_refused(&genuine, at, swap_parts, OffCurve);
        assert_refused(&genuine, at, |point| point[2] = json!(["1", "1"]), NotNormalised);
        assert_refused(&genuine, at, |point| point[2] = json!(["0", "1"]), NotNormalised);
    }
}

#[test]
fn every_point_is_checked_on_bn254() {
    rules::<Bn254>();
}

#[test]
fn every_point_is_checked_on_bls12_381() {
    rules::<Bls12_381>();
}

/// BN254's first group is its whole curve, so only BLS12-381 has points outside it.
#[test]
fn the_first_group_of_bls12_381_has_a_cofactor() {
    let genuine = made::<Bls12_381>(1).fixture();
    let outside = ark_bls12_381::G1Affine::outside_subgroup().json();
    for at in FIRST_GROUP {
        assert_refused(&genuine, at, |point| *point = outside.clone(), OutsideSubgroup);
    }
}
