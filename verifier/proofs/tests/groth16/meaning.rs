//! What verifies and what does not, and what the ids say about it.

use ark_bls12_381::Bls12_381;
use ark_bn254::Bn254;
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::{Groth16, prepare_verifying_key};
use prooftrail_proofs::{
    Document, KeyWeakness, Proof, ProofDigest, ProofError, ProofSystem, PublicInputs, StatementId, Verdict, Verified,
    VerifyingKey, verify,
};
use serde_json::{Value, json};

use crate::fixture::{Coordinates, Curve, Fixture, made};

fn verified(fixture: &Fixture) -> Verified {
    match fixture.judge() {
        Verdict::Verified(verified) => verified,
        other => panic!("{}: {other:?}", fixture.system),
    }
}

fn refused(fixture: &Fixture) -> ProofError {
    match fixture.judge() {
        Verdict::Refused(error) => error,
        other => panic!("{}: {other:?}", fixture.system),
    }
}

fn genuine_proof_verifies<E: Curve>() {
    let fixture = made::<E>(1).fixture();
    let verdict = verified(&fixture);
    assert_eq!(verdict.system, E::SYSTEM);
    assert_eq!(verdict.weakness, None);
    assert_eq!(verdict.proof, ProofDigest::of(fixture.proof.to_string().as_bytes()));
    let key = VerifyingKey::parse(E::SYSTEM, fixture.key.to_string().as_bytes()).unwrap();
    let inputs = PublicInputs::parse(E::SYSTEM, fixture.inputs.to_string().as_bytes()).unwrap();
    assert_eq!(verdict.verifying_key, key.digest());
    assert_eq!(StatementId::of(&key, &inputs), Ok(verdict.statement));
    assert_eq!(key.public_inputs(), 2);
}

#[test]
fn genuine_proofs_verify() {
    genuine_proof_verifies::<Bn254>();
    genuine_proof_verifies::<Bls12_381>();
}

/// Another proof of the same statement: other bytes, another digest, one statement.
fn negated_proof_verifies<E: Curve>() {
    let made = made::<E>(1);
    let genuine = made.fixture();
    let negated = made.negated();
    let mut other = genuine.clone();
    (other.proof["pi_a"], other.proof["pi_b"]) = (negated.a.json(), negated.b.json());
    let (genuine, other) = (verified(&genuine), verified(&other));
    assert_eq!(genuine.statement, other.statement);
    assert_ne!(genuine.proof, other.proof);
}

#[test]
fn a_statement_outlives_the_proofs_malleability() {
    negated_proof_verifies::<Bn254>();
    negated_proof_verifies::<Bls12_381>();
}

fn does_not_verify<E: Curve>() {
    let genuine = made::<E>(1).fixture();
    let other = made::<E>(2).fixture();
    let negated = made::<E>(1).negated();
    let mutations: [fn(&mut Fixture, &Fixture, Value); 6] = [
        |fixture, other, _| fixture.key = other.key.clone(),
        |fixture, other, _| fixture.proof = other.proof.clone(),
        |fixture, _, _| fixture.inputs.as_array_mut().unwrap().swap(0, 1),
        |fixture, _, _| fixture.inputs[1] = json!("0"),
        |fixture, _, a| fixture.proof["pi_a"] = a, // A alone negated
        |fixture, _, _| fixture.proof["pi_c"] = fixture.proof["pi_a"].clone(),
    ];
    for (number, mutate) in mutations.iter().enumerate() {
        let mut fixture = genuine.clone();
        mutate(&mut fixture, &other, negated.a.json());
        assert_eq!(refused(&fixture), ProofError::DoesNotVerify, "mutation {number}");
    }
}

#[test]
fn what_was_not_proved_does_not_verify() {
    does_not_verify::<Bn254>();
    does_not_verify::<Bls12_381>();
}

/// ark-groth16 0.6 says yes to an appended input; if that changes, this test says so.
fn every_input_counts<E: Curve>() {
    let made = made::<E>(1);
    let appended: Vec<_> = made.inputs.iter().copied().chain([E::ScalarField::from(7u64)]).collect();
    let prepared = prepare_verifying_key::<E>(&made.key);
    assert_eq!(Groth16::<E>::verify_proof(&prepared, &made.proof, &made.inputs), Ok(true));
    assert_eq!(Groth16::<E>::verify_proof(&prepared, &made.proof, &appended), Ok(true));

    let genuine = made.fixture();
    for (inputs, have) in [(json!([]), 0), (json!([genuine.inputs[0]]), 1), (json!(["1", "2", "3"]), 3)] {
        let fixture = Fixture { inputs, ..genuine.clone() };
        assert_eq!(refused(&fixture), ProofError::InputCount { have, need: 2 });
        let key = VerifyingKey::parse(E::SYSTEM, fixture.key.to_string().as_bytes()).unwrap();
        let inputs = PublicInputs::parse(E::SYSTEM, fixture.inputs.to_string().as_bytes()).unwrap();
        assert_eq!(StatementId::of(&key, &inputs), Err(ProofError::InputCount { have, need: 2 }));
    }
    let mut fixture = genuine;
    fixture.inputs.as_array_mut().unwrap().push(json!("7"));
    assert_eq!(refused(&fixture), ProofError::InputCount { have: 3, need: 2 });
}

#[test]
fn every_input_is_counted() {
    every_input_counts::<Bn254>();
    every_input_counts::<Bls12_381>();
}

/// A key as the first phase leaves it, γ = δ, verifies what nobody proved, and the verdict says so.
fn forgery_verifies_and_is_told<E: Curve>() {
    for sign in [1i64, -1] {
        let mut made = made::<E>(1);
        let gamma = made.key.gamma_g2.into_group();
        made.key.delta_g2 = if sign == 1 { gamma.into_affine() } else { (-gamma).into_affine() };
        made.inputs = vec![E::ScalarField::from(1u64), E::ScalarField::from(2u64)];
        let [constant, first, second] = made.key.gamma_abc_g1.as_slice() else { panic!() };
        let sum = constant.into_group() + first.into_group() + second.into_group() + second.into_group();
        made.proof.a = made.key.alpha_g1;
        made.proof.b = made.key.beta_g2;
        made.proof.c = if sign == 1 { (-sum).into_affine() } else { sum.into_affine() };
        let prepared = prepare_verifying_key::<E>(&made.key);
        assert_eq!(Groth16::<E>::verify_proof(&prepared, &made.proof, &made.inputs), Ok(true));
        assert_eq!(verified(&made.fixture()).weakness, Some(KeyWeakness::Forgeable));
    }
}

#[test]
fn keys_without_a_second_phase_are_told() {
    forgery_verifies_and_is_told::<Bn254>();
    forgery_verifies_and_is_told::<Bls12_381>();
}

#[test]
fn systems_do_not_mix() {
    let [bn, bls] = [made::<Bn254>(1).fixture(), made::<Bls12_381>(1).fixture()];
    let (bn_system, bls_system) = (ProofSystem::Groth16Bn254, ProofSystem::Groth16Bls12381);
    let curve = |document| ProofError::Curve { document, have: "bls12381".to_owned(), need: "bn128" };
    assert_eq!(refused(&Fixture { key: bls.key.clone(), ..bn.clone() }), curve(Document::VerifyingKey));
    assert_eq!(refused(&Fixture { proof: bls.proof.clone(), ..bn.clone() }), curve(Document::Proof));
    let curve = |document| ProofError::Curve { document, have: "bn128".to_owned(), need: "bls12381" };
    assert_eq!(refused(&Fixture { system: bls_system, ..bn.clone() }), curve(Document::VerifyingKey));

    let key = VerifyingKey::parse(bn_system, bn.key.to_string().as_bytes()).unwrap();
    let proof = Proof::parse(bls_system, bls.proof.to_string().as_bytes()).unwrap();
    let inputs = PublicInputs::parse(bn_system, bn.inputs.to_string().as_bytes()).unwrap();
    let mismatch = ProofError::SystemMismatch { key: bn_system, proof: bls_system, inputs: bn_system };
    assert_eq!(verify(&key, &proof, &inputs), Err(mismatch));
    let inputs = PublicInputs::parse(bls_system, b"[\"1\",\"2\"]").unwrap();
    let mismatch = ProofError::SystemMismatch { key: bn_system, proof: bn_system, inputs: bls_system };
    assert_eq!(StatementId::of(&key, &inputs), Err(mismatch));
}

#[test]
fn other_systems_are_unsupported_and_nothing_else() {
    let documents = prooftrail_proofs::Documents { verifying_key: b"", proof: b"", public_inputs: b"" };
    for name in ["plonk-bn254", "groth16", "", "GROTH16-BN254", "risc0", "sp1"] {
        let verdict = prooftrail_proofs::judge(name, documents);
        assert_eq!(verdict.as_str(), "unsupported");
        let Verdict::Unsupported(unknown) = verdict else { panic!("{verdict:?}") };
        assert_eq!(unknown.name(), name);
    }
}

#[test]
fn the_digest_of_a_key_is_of_what_it_says() {
    let fixture = made::<Bn254>(1).fixture();
    let digest = |json: &str| VerifyingKey::parse(ProofSystem::Groth16Bn254, json.as_bytes()).unwrap().digest();
    let genuine = digest(&fixture.key.to_string());
    assert_eq!(digest(&format!("{:#}\n", fixture.key)), genuine);
    let mut cached = fixture.key.clone();
    let triple = json!([["1", "0"], ["0", "0"], ["0", "0"]]);
    cached["vk_alphabeta_12"] = json!([triple, triple]);
    assert_eq!(digest(&cached.to_string()), genuine);
    for edit in [
        |key: &mut Value| key["vk_alpha_1"] = key["IC"][0].clone(),
        |key: &mut Value| key["vk_beta_2"] = key["vk_gamma_2"].clone(),
        |key: &mut Value| key["vk_gamma_2"] = key["vk_beta_2"].clone(),
        |key: &mut Value| key["vk_delta_2"] = key["vk_beta_2"].clone(),
        |key: &mut Value| key["IC"].as_array_mut().unwrap().swap(0, 1),
        |key: &mut Value| key["IC"].as_array_mut().unwrap().swap(1, 2),
        |key: &mut Value| {
            key["IC"].as_array_mut().unwrap().pop();
            key["nPublic"] = json!(1);
        },
    ] {
        let mut key = fixture.key.clone();
        edit(&mut key);
        assert_ne!(digest(&key.to_string()), genuine);
    }
}
