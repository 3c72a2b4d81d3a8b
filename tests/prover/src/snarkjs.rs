//! Keys, proofs and public inputs as snarkjs 0.7 writes them: coordinates as decimal text, points with z = 1, elements of
//! the quadratic extension real part first. In: arkworks' types; out: JSON text.

use ark_bn254::{Bn254, Fr};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::Field;
use ark_groth16::{Proof, VerifyingKey};
use serde_json::{Value, json};

use crate::Commitment;

/// `verification_key.json`.
#[must_use]
pub fn verification_key_json(key: &VerifyingKey<Bn254>) -> String {
    let ic: Vec<Value> = key.gamma_abc_g1.iter().map(point).collect();
    let document = json!({
        "protocol": "groth16",
        "curve": "bn128",
        "nPublic": ic.len().saturating_sub(1),
        "vk_alpha_1": point(&key.alpha_g1),
        "vk_beta_2": point(&key.beta_g2),
        "vk_gamma_2": point(&key.gamma_g2),
        "vk_delta_2": point(&key.delta_g2),
        "IC": ic,
    });
    format!("{document:#}\n")
}

/// `proof.json`.
#[must_use]
pub fn proof_json(proof: &Proof<Bn254>) -> String {
    let document = json!({
        "pi_a": point(&proof.a),
        "pi_b": point(&proof.b),
        "pi_c": point(&proof.c),
        "protocol": "groth16",
        "curve": "bn128",
    });
    format!("{document:#}\n")
}

/// `public.json`: the root, then the total.
#[must_use]
pub fn public_json(statement: &Commitment) -> String {
    let document = json!([coordinate::<Fr>(&statement.root), coordinate::<Fr>(&statement.total)]);
    format!("{document:#}\n")
}

fn point<P: SWCurveConfig>(point: &Affine<P>) -> Value {
    json!([coordinate(&point.x), coordinate(&point.y), coordinate(&P::BaseField::ONE)])
}

/// One element, or the parts of one of an extension.
fn coordinate<F: Field>(value: &F) -> Value {
    let parts: Vec<String> = value.to_base_prime_field_elements().map(|part| part.to_string()).collect();
    match parts.as_slice() {
        [one] => json!(one),
        parts => json!(parts),
    }
}
