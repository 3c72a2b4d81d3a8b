//! The tree's hash: Poseidon over the scalar field of BN254 with the reference parameters, so no constant is ours.
//! S-box x⁵, 8 full rounds; leaves absorb 2 elements (width 3, 57 partial rounds), nodes 4 (width 5, 60 partial rounds);
//! round constants and matrices come from the Grain LFSR of the reference implementation, as in circomlib. Leaves and
//! nodes cannot be confused: their permutations differ.
//!
//! Specification: Grassi et al., *Poseidon* (USENIX Security 2021), table 7 and appendix F. The permutations are tested
//! against circomlib's values. The output is the first element of the rate, as in arkworks; circomlib returns the
//! capacity's, so digests differ from its own.

use ark_bn254::Fr;
use ark_crypto_primitives::{
    crh::{
        CRHSchemeGadget as _,
        poseidon::constraints::{CRHGadget, CRHParametersVar},
    },
    sponge::{
        CryptographicSponge as _, FieldBasedCryptographicSponge as _,
        poseidon::{PoseidonConfig, PoseidonSponge, find_poseidon_ark_and_mds},
    },
};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::SynthesisError;

const FULL_ROUNDS: u8 = 8;

/// The parameters of both permutations. Making them takes a few milliseconds, so make them once.
pub struct Hashes {
    leaf: CRHParametersVar<Fr>,
    node: CRHParametersVar<Fr>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { leaf: parameters(2, 57), node: parameters(4, 60) }
    }
}

fn parameters(rate: u8, partial_rounds: u8) -> CRHParametersVar<Fr> {
    let (ark, mds) = find_poseidon_ark_and_mds(254, rate.into(), FULL_ROUNDS.into(), partial_rounds.into(), 0);
    let parameters = PoseidonConfig::new(FULL_ROUNDS.into(), partial_rounds.into(), 5, mds, ark, rate.into(), 1);
    CRHParametersVar { parameters }
}

impl Hashes {
    /// The hash of an account.
    #[must_use]
    pub fn leaf(&self, id: Fr, balance: Fr) -> Fr {
        hash(&self.leaf, &[id, balance])
    }

    /// The hash of a node: its children's hashes and sums.
    #[must_use]
    pub fn node(&self, left: (Fr, Fr), right: (Fr, Fr)) -> Fr {
        hash(&self.node, &[left.0, left.1, right.0, right.1])
    }

    pub(crate) fn leaf_gadget(&self, id: FpVar<Fr>, balance: FpVar<Fr>) -> Result<FpVar<Fr>, SynthesisError> {
        CRHGadget::evaluate(&self.leaf, &[id, balance])
    }

    pub(crate) fn node_gadget(&self, children: &[FpVar<Fr>; 4]) -> Result<FpVar<Fr>, SynthesisError> {
        CRHGadget::evaluate(&self.node, children)
    }
}

fn hash(parameters: &CRHParametersVar<Fr>, inputs: &[Fr]) -> Fr {
    let mut sponge = PoseidonSponge::new(&parameters.parameters);
    sponge.absorb(&inputs);
    sponge.squeeze_native_field_elements(1).into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ark_ff::MontFp;

    use super::*;

    /// circomlib's `poseidon([1, 2])` and `poseidon([1, 2, 3, 4])` are the first element of the permuted state.
    #[test]
    fn the_permutations_are_circomlibs() {
        let cases: [(CRHParametersVar<Fr>, &[u64], Fr); 2] = [
            (
                Hashes::default().leaf,
                &[1, 2],
                MontFp!("7853200120776062878684798364095072458815029376092732009249414926327459813530"),
            ),
            (
                Hashes::default().node,
                &[1, 2, 3, 4],
                MontFp!("18821383157269793795438455681495246036402687001665670618754263018637548127333"),
            ),
        ];
        for (parameters, inputs, expected) in cases {
            let inputs: Vec<Fr> = inputs.iter().copied().map(Fr::from).collect();
            let mut sponge = PoseidonSponge::new(&parameters.parameters);
            sponge.absorb(&inputs.as_slice());
            let _: Vec<Fr> = sponge.squeeze_native_field_elements(1);
            assert_eq!(sponge.state[0], expected);
        }
    }
}
