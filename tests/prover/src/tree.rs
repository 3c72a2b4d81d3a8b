//! The Merkle sum tree. In: accounts; out: its root's hash and the sum of the balances. A node's hash covers its
//! children's hashes and sums, so a root fixes every partial sum on the way down. Sums are taken in the field and never
//! wrap there: 256 balances below 2⁶⁴ sum to less than 2⁷².

use ark_bn254::Fr;
use zeroize::Zeroizing;

use crate::{Account, Error, Hashes, MAX_ACCOUNTS};

/// What is published about a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Commitment {
    /// The root's hash, the first public input.
    pub root: Fr,
    /// The sum of all balances, the second public input.
    pub total: Fr,
}

/// Commits to the accounts, in their order.
///
/// # Errors
/// [`Error::Accounts`].
pub fn commit(hashes: &Hashes, accounts: &[Account]) -> Result<Commitment, Error> {
    check_count(accounts.len())?;
    let leaf = |account: &Account| (hashes.leaf(account.id, account.balance), account.balance);
    // Partial sums and hashes tell about the accounts, so each level is wiped when the next is made.
    let mut level: Zeroizing<Vec<(Fr, Fr)>> = Zeroizing::new(accounts.iter().map(leaf).collect());
    while level.len() > 1 {
        let (pairs, _) = level.as_chunks::<2>();
        let next = pairs.iter().map(|&[left, right]| (hashes.node(left, right), left.1 + right.1)).collect();
        level = Zeroizing::new(next);
    }
    let (root, total) = level.first().copied().unwrap_or_default();
    Ok(Commitment { root, total })
}

pub(crate) fn check_count(accounts: usize) -> Result<(), Error> {
    if accounts.is_power_of_two() && (2..=MAX_ACCOUNTS).contains(&accounts) {
        Ok(())
    } else {
        Err(Error::Accounts { accounts, max: MAX_ACCOUNTS })
    }
}
