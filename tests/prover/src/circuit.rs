//! The circuit. Public: root, total. Private: an id and a balance for each account. Constraints: every balance is the sum
//! of 64 bits; leaves and nodes hash up to the root; the sums add up to the total. For 64 accounts it has about 39,000
//! constraints.

use ark_bn254::Fr;
use ark_ff::{BigInteger as _, PrimeField as _};
use ark_r1cs_std::{alloc::AllocVar as _, boolean::Boolean, eq::EqGadget as _, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};

use crate::{Account, Commitment, Hashes};

/// How many bits a balance has. It is what keeps a balance from being negative: −1 is a field element of 254 bits.
const BALANCE_BITS: usize = 64;

/// The statement with its witness. In a setup only the number of accounts counts.
#[derive(Clone, Copy)]
pub struct Solvency<'a> {
    /// The tree's hash.
    pub hashes: &'a Hashes,
    /// The private part.
    pub accounts: &'a [Account],
    /// The public part.
    pub claimed: Commitment,
}

impl ConstraintSynthesizer<Fr> for Solvency<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let root = FpVar::new_input(cs.clone(), || Ok(self.claimed.root))?;
        let total = FpVar::new_input(cs.clone(), || Ok(self.claimed.total))?;

        let leaf = |account: &Account| self.leaf(&cs, account);
        let mut level: Vec<(FpVar<Fr>, FpVar<Fr>)> = self.accounts.iter().map(leaf).collect::<Result<_, _>>()?;
        while level.len() > 1 {
            let (pairs, _) = level.as_chunks::<2>();
            let node = |[left, right]: &[(FpVar<Fr>, FpVar<Fr>); 2]| {
                let children = [left.0.clone(), left.1.clone(), right.0.clone(), right.1.clone()];
                Ok((self.hashes.node_gadget(&children)?, &left.1 + &right.1))
            };
            level = pairs.iter().map(node).collect::<Result<_, SynthesisError>>()?;
        }
        let (hash, sum) = level.first().ok_or(SynthesisError::Unsatisfiable)?;
        hash.enforce_equal(&root)?;
        sum.enforce_equal(&total)
    }
}

impl Solvency<'_> {
    /// The hash and the balance of an account.
    fn leaf(&self, cs: &ConstraintSystemRef<Fr>, account: &Account) -> Result<(FpVar<Fr>, FpVar<Fr>), SynthesisError> {
        let id = FpVar::new_witness(cs.clone(), || Ok(account.id))?;
        let balance = FpVar::new_witness(cs.clone(), || Ok(account.balance))?;
        let integer = account.balance.into_bigint();
        let bits: Vec<Boolean<Fr>> = (0..BALANCE_BITS)
            .map(|bit| Boolean::new_witness(cs.clone(), || Ok(integer.get_bit(bit))))
            .collect::<Result<_, _>>()?;
        balance.enforce_equal(&Boolean::le_bits_to_fp(&bits)?)?;
        Ok((self.hashes.leaf_gadget(id, balance.clone())?, balance))
    }
}
