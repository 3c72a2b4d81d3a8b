//! Groth16, over any pairing whose points are read here. In: the fields of snarkjs' documents; out: a key, a proof or
//! inputs, all of whose points and numbers are checked; and whether the equation holds.
//!
//! Specification: Groth, EUROCRYPT 2016, section 3.2, with e(A, B) = e(α, β) · e(IC(inputs), γ) · e(C, δ); documents as
//! iden3/snarkjs 0.7.6 exports them. The equation is our own because ark-groth16 0.6 answers it for the shorter of inputs
//! and `IC`, so that an appended input verifies, and unwraps the final exponentiation; the tests compare with it.

use std::iter;

use ark_bls12_381::Bls12_381;
use ark_bn254::Bn254;
use ark_ec::{AffineRepr, CurveGroup as _, pairing::Pairing};
use ark_ff::{One as _, PrimeField as _};

use crate::{
    Document, MAX_PUBLIC_INPUTS, Place, ProofError, ProofSystem,
    decimal::Element,
    json::{self, Fields, Value, cut},
    point::Point,
    weakness::KeyWeakness,
};

/// A pairing that snarkjs has documents for.
pub(crate) trait Curve:
    Pairing<G1Affine: Point, G2Affine: Point<BaseField: Element>, ScalarField: Element>
{
    const SYSTEM: ProofSystem;
}

impl Curve for Bn254 {
    const SYSTEM: ProofSystem = ProofSystem::Groth16Bn254;
}

impl Curve for Bls12_381 {
    const SYSTEM: ProofSystem = ProofSystem::Groth16Bls12381;
}

/// A verifying key. Its points are on the curve, in the subgroup and not at infinity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key<E: Pairing> {
    pub(crate) alpha: E::G1Affine,
    pub(crate) beta: E::G2Affine,
    pub(crate) gamma: E::G2Affine,
    pub(crate) delta: E::G2Affine,
    /// `IC[0]`, the point of the constant 1.
    pub(crate) constant: E::G1Affine,
    /// The rest of `IC`: one point for each public input.
    pub(crate) inputs: Vec<E::G1Affine>,
}

/// A proof. Its points are on the curve, in the subgroup and not at infinity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Points<E: Pairing> {
    a: E::G1Affine,
    b: E::G2Affine,
    c: E::G1Affine,
}

fn protocol_and_curve<E: Curve>(fields: &mut Fields) -> Result<(), ProofError> {
    const PROTOCOL: &str = "groth16";
    let document = fields.document();
    let have = fields.text("protocol")?;
    if have != PROTOCOL {
        return Err(ProofError::Protocol { document, have: cut(&have), need: PROTOCOL });
    }
    let (have, need) = (fields.text("curve")?, E::SYSTEM.snarkjs_curve());
    if have != need {
        return Err(ProofError::Curve { document, have: cut(&have), need });
    }
    Ok(())
}

fn point<P: Point>(fields: &mut Fields, field: &'static str) -> Result<P, ProofError> {
    P::read(&fields.take(field)?, Place::field(fields.document(), field))
}

impl<E: Curve> Key<E> {
    /// Reads `verification_key.json`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let document = Document::VerifyingKey;
        let mut fields = Fields::parse(document, bytes)?;
        protocol_and_curve::<E>(&mut fields)?;
        let declared = fields.number("nPublic")?;
        let alpha = point(&mut fields, "vk_alpha_1")?;
        let beta = point(&mut fields, "vk_beta_2")?;
        let gamma = point(&mut fields, "vk_gamma_2")?;
        let delta = point(&mut fields, "vk_delta_2")?;
        check_alpha_beta::<E>(&mut fields)?;
        let ic = fields.list("IC")?;
        fields.finish()?;

        let points = ic.len();
        let Some(have) = points.checked_sub(1).filter(|have| u64::try_from(*have) == Ok(declared)) else {
            return Err(ProofError::KeyInputCount { declared, points });
        };
        if have > MAX_PUBLIC_INPUTS {
            return Err(ProofError::TooManyInputs { document, have, max: MAX_PUBLIC_INPUTS });
        }
        let place = Place::field(document, "IC");
        let mut ic = ic.iter().enumerate().map(|(item, value)| E::G1Affine::read(value, place.item(item)));
        let Some(constant) = ic.next() else { return Err(ProofError::KeyInputCount { declared, points }) };
        let (constant, inputs) = (constant?, ic.collect::<Result<_, _>>()?);

        Ok(Self { alpha, beta, gamma, delta, constant, inputs })
    }

    /// What anyone can see to be wrong with the setup that made the key.
    pub(crate) fn weakness(&self) -> Option<KeyWeakness> {
        let (gamma, delta) = (self.gamma.into_group(), self.delta.into_group());
        (delta == gamma || delta == -gamma).then_some(KeyWeakness::Forgeable)
    }

    /// Whether the proof proves the inputs under this key.
    pub(crate) fn verify(&self, proof: &Points<E>, inputs: &[E::ScalarField]) -> Result<(), ProofError> {
        let (have, need) = (inputs.len(), self.inputs.len());
        if have != need {
            return Err(ProofError::InputCount { have, need });
        }
        let products = iter::zip(&self.inputs, inputs).map(|(point, input)| point.mul_bigint(input.into_bigint()));
        let inputs = products.fold(self.constant.into_group(), |sum, product| sum + product);

        // One product that must be one: e(−A, B) · e(α, β) · e(IC(inputs), γ) · e(C, δ).
        let minus_a = (-proof.a.into_group()).into_affine();
        let product = E::multi_miller_loop(
            [minus_a, self.alpha, inputs.into_affine(), proof.c],
            [proof.b, self.beta, self.gamma, self.delta],
        );
        match E::final_exponentiation(product) {
            Some(product) if product.0.is_one() => Ok(()),
            _ => Err(ProofError::DoesNotVerify),
        }
    }
}

/// `vk_alphabeta_12` is snarkjs' cache of e(α, β), which no verifier reads, snarkjs' included, and other exporters leave
/// out. Its shape is checked, since the document is; it is not part of the key.
fn check_alpha_beta<E: Curve>(fields: &mut Fields) -> Result<(), ProofError> {
    const FIELD: &str = "vk_alphabeta_12";
    const SHAPE: [usize; 2] = [2, 3];
    let place = Place::field(fields.document(), FIELD);
    let Some(value) = fields.optional(FIELD) else { return Ok(()) };
    let mut level = vec![value];
    for need in SHAPE {
        let mut below = Vec::new();
        for value in level {
            match value {
                Value::List(items) if items.len() == need => below.extend(items),
                _ => return Err(ProofError::Shape { place, need: "two lists of three pairs" }),
            }
        }
        level = below;
    }
    level.iter().try_for_each(|pair| <E::G2Affine as AffineRepr>::BaseField::read(pair, place).map(drop))
}

impl<E: Curve> Points<E> {
    /// Reads `proof.json`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        let mut fields = Fields::parse(Document::Proof, bytes)?;
        protocol_and_curve::<E>(&mut fields)?;
        let a = point(&mut fields, "pi_a")?;
        let b = point(&mut fields, "pi_b")?;
        let c = point(&mut fields, "pi_c")?;
        fields.finish()?;
        Ok(Self { a, b, c })
    }
}

/// Reads `public.json`.
pub(crate) fn inputs<E: Curve>(bytes: &[u8]) -> Result<Vec<E::ScalarField>, ProofError> {
    let document = Document::PublicInputs;
    let place = Place::whole(document);
    let Value::List(values) = json::parse(document, bytes)? else {
        return Err(ProofError::Shape { place, need: "a list" });
    };
    if values.len() > MAX_PUBLIC_INPUTS {
        return Err(ProofError::TooManyInputs { document, have: values.len(), max: MAX_PUBLIC_INPUTS });
    }
    values.iter().enumerate().map(|(item, value)| E::ScalarField::read(value, place.item(item))).collect()
}
