//! Proving. In: keys and a witness; out: a proof that has been verified, with the statement it proves. The assignment of
//! the circuit and the blinding are wiped on every way out; what arkworks copies inside is not ours to reach (see the
//! crate's documentation).

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand as _;
use ark_groth16::{Groth16, Proof};
use ark_relations::gr1cs::{
    ConstraintSynthesizer as _, ConstraintSystem, ConstraintSystemRef, OptimizationGoal, R1CS_PREDICATE_LABEL,
    SynthesisError, SynthesisMode,
};
use ark_relations::utils::matrix::Matrix;
use ark_snark::SNARK as _;
use ark_std::rand::{SeedableRng as _, rngs::StdRng};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{Commitment, Error, Hashes, Keys, Solvency, Witness, commit};

/// A proof and what it proves.
pub struct Proven {
    /// The proof.
    pub proof: Proof<Bn254>,
    /// The public inputs.
    pub statement: Commitment,
}

/// Commits to the accounts and proves the commitment's total.
///
/// # Errors
/// [`Error::WitnessCount`], [`Error::Unsatisfied`], [`Error::ProofDoesNotVerify`], [`Error::Synthesis`] or
/// [`Error::Randomness`].
pub fn prove(hashes: &Hashes, keys: &Keys, witness: &Witness) -> Result<Proven, Error> {
    let accounts = witness.accounts();
    if accounts.len() != keys.accounts {
        return Err(Error::WitnessCount { have: accounts.len(), need: keys.accounts });
    }
    let statement = commit(hashes, accounts)?;
    let proof = prove_claim(keys, Solvency { hashes, accounts, claimed: statement })?;
    let inputs = [statement.root, statement.total];
    match Groth16::<Bn254>::verify(&keys.proving.vk, &inputs, &proof) {
        Ok(true) => Ok(Proven { proof, statement }),
        _ => Err(Error::ProofDoesNotVerify),
    }
}

/// Proves a claim about accounts, if it holds.
fn prove_claim(keys: &Keys, circuit: Solvency<'_>) -> Result<Proof<Bn254>, Error> {
    let failed = |error: SynthesisError| Error::Synthesis(error.to_string());
    let assigned = Assigned(ConstraintSystem::new_ref());
    let cs = &assigned.0;
    cs.set_optimization_goal(OptimizationGoal::Constraints);
    cs.set_mode(SynthesisMode::Prove { construct_matrices: true, generate_lc_assignments: false });
    circuit.generate_constraints(cs.clone()).map_err(failed)?;
    cs.finalize();

    let matrices = cs.to_matrices().map_err(failed)?;
    let matrices = matrices.get(R1CS_PREDICATE_LABEL).ok_or_else(|| failed(SynthesisError::MissingCS))?;
    let assignment = {
        let public = Zeroizing::new(cs.instance_assignment().map_err(failed)?);
        let private = Zeroizing::new(cs.witness_assignment().map_err(failed)?);
        Zeroizing::new([public.as_slice(), private.as_slice()].concat())
    };
    if !satisfied(matrices, &assignment) {
        return Err(Error::Unsatisfied);
    }
    let mut chance = system_randomness()?;
    let (r, s) = (Zeroizing::new(Fr::rand(&mut chance)), Zeroizing::new(Fr::rand(&mut chance)));
    let (inputs, constraints) = (cs.num_instance_variables(), cs.num_constraints());
    Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
        &keys.proving,
        *r,
        *s,
        matrices,
        inputs,
        constraints,
        &assignment,
    )
    .map_err(failed)
}

/// Whether every constraint holds: (A·z)(B·z) = C·z. The constraint system's own answer takes twenty times as long.
fn satisfied(matrices: &[Matrix<Fr>], assignment: &[Fr]) -> bool {
    let [a, b, c] = matrices else { return false };
    let value = |row: &Vec<(Fr, usize)>| -> Fr {
        row.iter().map(|(factor, variable)| assignment.get(*variable).map_or_else(Fr::default, |z| *z * factor)).sum()
    };
    a.iter().zip(b).zip(c).all(|((a, b), c)| value(a) * value(b) == value(c))
}

/// A constraint system whose assignment is wiped when it is dropped.
struct Assigned(ConstraintSystemRef<Fr>);

impl Assigned {
    fn wipe(&self) {
        if let Some(mut system) = self.0.borrow_mut() {
            let assignments = &mut system.assignments;
            assignments.instance_assignment.zeroize();
            assignments.witness_assignment.zeroize();
            assignments.lc_assignment.zeroize();
        }
    }
}

impl Drop for Assigned {
    fn drop(&mut self) {
        self.wipe();
    }
}

fn system_randomness() -> Result<StdRng, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|error| Error::Randomness(error.to_string()))?;
    Ok(StdRng::from_seed(*seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Account, sample};

    #[test]
    fn the_assignment_is_wiped() {
        let hashes = Hashes::default();
        let witness = Witness::parse(sample(2, "seed").unwrap().as_bytes()).unwrap();
        let claimed = commit(&hashes, witness.accounts()).unwrap();
        let assigned = Assigned(ConstraintSystem::new_ref());
        let circuit = Solvency { hashes: &hashes, accounts: witness.accounts(), claimed };
        circuit.generate_constraints(assigned.0.clone()).unwrap();
        let secret = witness.accounts()[0].balance;
        assert!(assigned.0.witness_assignment().unwrap().contains(&secret));
        assigned.wipe();
        let system = assigned.0.borrow().unwrap();
        assert!(system.assignments.witness_assignment.is_empty());
        assert!(system.assignments.instance_assignment.is_empty());
        assert!(system.assignments.lc_assignment.is_empty());
    }

    /// The prover itself refuses what the circuit refuses: there is no way around [`prove`] that ends in a proof.
    #[test]
    fn a_false_claim_has_no_proof() {
        let hashes = Hashes::default();
        let keys = Keys::generate(&hashes, 2, "seed").unwrap();
        let accounts = [5, 7].map(|balance| Account { id: balance.into(), balance: balance.into() });
        let claimed = commit(&hashes, &accounts).unwrap();
        let honest = Solvency { hashes: &hashes, accounts: &accounts, claimed };
        assert!(prove_claim(&keys, honest).is_ok());
        let lie = Commitment { total: claimed.total - Fr::from(1), ..claimed };
        let refused = prove_claim(&keys, Solvency { claimed: lie, ..honest });
        assert!(matches!(refused, Err(Error::Unsatisfied)));
    }
}
