//! Keys and proofs that ark-groth16 makes for a tiny circuit, as snarkjs' documents. The generator of chance has a fixed
//! seed, so every run has the same ones.

use ark_bls12_381::Bls12_381;
use ark_bn254::Bn254;
use ark_ec::{
    AffineRepr, CurveGroup,
    pairing::Pairing,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{Field, PrimeField, UniformRand};
use ark_groth16::{Groth16, Proof, VerifyingKey};
use ark_relations::{
    gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError},
    lc,
};
use ark_snark::SNARK;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use prooftrail_proofs::{Documents, ProofSystem, Verdict, judge};
use serde_json::{Value, json};

/// Two numbers are known whose product and sum are the public inputs.
#[derive(Clone, Copy)]
struct ProductAndSum<F> {
    left: F,
    right: F,
}

impl<F: Field> ConstraintSynthesizer<F> for ProductAndSum<F> {
    fn generate_constraints(self, cs: ConstraintSystemRef<F>) -> Result<(), SynthesisError> {
        let left = cs.new_witness_variable(|| Ok(self.left))?;
        let right = cs.new_witness_variable(|| Ok(self.right))?;
        let product = cs.new_input_variable(|| Ok(self.left * self.right))?;
        let sum = cs.new_input_variable(|| Ok(self.left + self.right))?;
        cs.enforce_r1cs_constraint(|| lc!() + left, || lc!() + right, || lc!() + product)?;
        cs.enforce_r1cs_constraint(
            || lc!() + left + right,
            || lc!() + ark_relations::gr1cs::Variable::One,
            || lc!() + sum,
        )
    }
}

/// The three documents, as JSON that a test edits.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) system: ProofSystem,
    pub(crate) key: Value,
    pub(crate) proof: Value,
    pub(crate) inputs: Value,
}

impl Fixture {
    /// The verdict on them.
    pub(crate) fn judge(&self) -> Verdict {
        judge(
            self.system.as_str(),
            Documents {
                verifying_key: self.key.to_string().as_bytes(),
                proof: self.proof.to_string().as_bytes(),
                public_inputs: self.inputs.to_string().as_bytes(),
            },
        )
    }
}

/// What a test must know of a curve beyond the pairing.
pub(crate) trait Curve: Pairing<G1Affine: Coordinates, G2Affine: Coordinates> {
    const SYSTEM: ProofSystem;
    const NAME: &'static str;
}

impl Curve for Bn254 {
    const SYSTEM: ProofSystem = ProofSystem::Groth16Bn254;
    const NAME: &'static str = "bn128";
}

impl Curve for Bls12_381 {
    const SYSTEM: ProofSystem = ProofSystem::Groth16Bls12381;
    const NAME: &'static str = "bls12381";
}

/// A point as snarkjs writes it.
pub(crate) trait Coordinates: AffineRepr {
    fn json(&self) -> Value;
    /// A point on the curve that is not in the subgroup, if the curve has one.
    fn outside_subgroup() -> Self;
}

fn coordinate<F: Field>(value: &F) -> Value {
    let parts: Vec<_> = value.to_base_prime_field_elements().map(|part| part.into_bigint().to_string()).collect();
    match parts.as_slice() {
        [one] => json!(one),
        parts => json!(parts),
    }
}

impl<P: SWCurveConfig> Coordinates for Affine<P> {
    fn json(&self) -> Value {
        json!([coordinate(&self.x), coordinate(&self.y), coordinate(&P::BaseField::ONE)])
    }

    fn outside_subgroup() -> Self {
        let xs = (1u64..).map(P::BaseField::from);
        let mut points = xs.filter_map(|x| Self::get_point_from_x_unchecked(x, true));
        points.find(|point| !point.is_in_correct_subgroup_assuming_on_curve()).unwrap()
    }
}

/// What ark-groth16 made.
pub(crate) struct Made<E: Pairing> {
    pub(crate) key: VerifyingKey<E>,
    pub(crate) proof: Proof<E>,
    pub(crate) inputs: Vec<E::ScalarField>,
}

pub(crate) fn made<E: Curve>(seed: u64) -> Made<E> {
    let mut chance = StdRng::seed_from_u64(seed);
    let [left, right] = [E::ScalarField::rand(&mut chance), E::ScalarField::rand(&mut chance)];
    let circuit = ProductAndSum { left, right };
    let (prover, key) = Groth16::<E>::circuit_specific_setup(circuit, &mut chance).unwrap();
    let proof = Groth16::<E>::prove(&prover, circuit, &mut chance).unwrap();
    Made { key, proof, inputs: vec![left * right, left + right] }
}

impl<E: Curve> Made<E> {
    pub(crate) fn fixture(&self) -> Fixture {
        let ic: Vec<_> = self.key.gamma_abc_g1.iter().map(Coordinates::json).collect();
        Fixture {
            system: E::SYSTEM,
            key: json!({
                "protocol": "groth16", "curve": E::NAME, "nPublic": self.inputs.len(),
                "vk_alpha_1": self.key.alpha_g1.json(), "vk_beta_2": self.key.beta_g2.json(),
                "vk_gamma_2": self.key.gamma_g2.json(), "vk_delta_2": self.key.delta_g2.json(), "IC": ic,
            }),
            proof: json!({
                "pi_a": self.proof.a.json(), "pi_b": self.proof.b.json(), "pi_c": self.proof.c.json(),
                "protocol": "groth16", "curve": E::NAME,
            }),
            inputs: self.inputs.iter().map(coordinate).collect(),
        }
    }

    /// The same proof with A and B negated.
    pub(crate) fn negated(&self) -> Proof<E> {
        let (a, b) = (-self.proof.a.into_group(), -self.proof.b.into_group());
        Proof { a: a.into_affine(), b: b.into_affine(), c: self.proof.c }
    }
}
