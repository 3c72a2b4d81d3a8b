//! The proof systems: the names by which the agent, the API and the ledger tell them apart.

use std::{fmt, str::FromStr};

/// A proof system together with its curve. It decides which parser reads the documents; nothing is guessed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ProofSystem {
    /// Groth16 over BN254 (snarkjs' `bn128`, Ethereum's `alt_bn128`), about 100 bits of security.
    Groth16Bn254,
    /// Groth16 over BLS12-381.
    Groth16Bls12381,
}

impl ProofSystem {
    /// Every system, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Groth16Bn254, Self::Groth16Bls12381];

    /// The stable spelling. It is hashed into [`crate::StatementId`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Groth16Bn254 => "groth16-bn254",
            Self::Groth16Bls12381 => "groth16-bls12-381",
        }
    }

    /// The name that snarkjs writes into `curve`.
    pub(crate) const fn snarkjs_curve(self) -> &'static str {
        match self {
            Self::Groth16Bn254 => "bn128",
            Self::Groth16Bls12381 => "bls12381",
        }
    }
}

impl fmt::Display for ProofSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProofSystem {
    type Err = UnknownSystem;

    fn from_str(name: &str) -> Result<Self, UnknownSystem> {
        Self::ALL.into_iter().find(|system| system.as_str() == name).ok_or_else(|| UnknownSystem(name.to_owned()))
    }
}

/// A name that is no proof system of this build.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownSystem(String);

impl UnknownSystem {
    /// The name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this build does not verify proofs of the system `{}`; it verifies:", self.0)?;
        ProofSystem::ALL.iter().try_for_each(|system| write!(f, " {system}"))
    }
}

impl std::error::Error for UnknownSystem {}

#[cfg(test)]
mod tests {
    use super::ProofSystem;

    #[test]
    fn every_name_reads_back() {
        for system in ProofSystem::ALL {
            assert_eq!(system.as_str().parse(), Ok(system));
        }
        for name in ["", "groth16", "groth16-bn128", "GROTH16-BN254", "plonk-bn254"] {
            assert_eq!(name.parse::<ProofSystem>().unwrap_err().name(), name);
        }
    }
}
