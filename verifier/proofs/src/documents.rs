//! The three documents of a verification as types that hold only what has been checked. In: a system and a document's
//! bytes; out: a key, a proof or inputs of that system.

use ark_bls12_381::Bls12_381;
use ark_bn254::Bn254;

use crate::{
    KeyWeakness, ProofDigest, ProofError, ProofSystem, VerifyingKeyDigest,
    groth16::{self, Key, Points},
};

/// A value of each system.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum BySystem<N, L> {
    Groth16Bn254(N),
    Groth16Bls12381(L),
}

impl<N, L> BySystem<N, L> {
    const fn system(&self) -> ProofSystem {
        match self {
            Self::Groth16Bn254(_) => ProofSystem::Groth16Bn254,
            Self::Groth16Bls12381(_) => ProofSystem::Groth16Bls12381,
        }
    }
}

/// A verifying key.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyingKey {
    pub(crate) key: BySystem<Box<Key<Bn254>>, Box<Key<Bls12_381>>>,
    digest: VerifyingKeyDigest,
}

impl VerifyingKey {
    /// Reads a `verification_key.json`.
    ///
    /// # Errors
    /// [`ProofError`], of the kinds before [`ProofError::SystemMismatch`].
    pub fn parse(system: ProofSystem, bytes: &[u8]) -> Result<Self, ProofError> {
        let key = match system {
            ProofSystem::Groth16Bn254 => BySystem::Groth16Bn254(Box::new(Key::parse(bytes)?)),
            ProofSystem::Groth16Bls12381 => BySystem::Groth16Bls12381(Box::new(Key::parse(bytes)?)),
        };
        let digest = match &key {
            BySystem::Groth16Bn254(key) => VerifyingKeyDigest::of(key),
            BySystem::Groth16Bls12381(key) => VerifyingKeyDigest::of(key),
        };
        Ok(Self { key, digest })
    }

    /// Its system.
    #[must_use]
    pub const fn system(&self) -> ProofSystem {
        self.key.system()
    }

    /// The digest of what it says, however its document spells that.
    #[must_use]
    pub const fn digest(&self) -> VerifyingKeyDigest {
        self.digest
    }

    /// What is wrong with its setup, as far as the key shows it. `None` does not mean that the setup was sound.
    #[must_use]
    pub fn weakness(&self) -> Option<KeyWeakness> {
        match &self.key {
            BySystem::Groth16Bn254(key) => key.weakness(),
            BySystem::Groth16Bls12381(key) => key.weakness(),
        }
    }

    /// How many public inputs its circuit has.
    #[must_use]
    pub fn public_inputs(&self) -> usize {
        match &self.key {
            BySystem::Groth16Bn254(key) => key.inputs.len(),
            BySystem::Groth16Bls12381(key) => key.inputs.len(),
        }
    }
}

/// A proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub(crate) points: BySystem<Points<Bn254>, Box<Points<Bls12_381>>>,
    digest: ProofDigest,
}

impl Proof {
    /// Reads a `proof.json`.
    ///
    /// # Errors
    /// [`ProofError`], of the kinds before [`ProofError::SystemMismatch`].
    pub fn parse(system: ProofSystem, bytes: &[u8]) -> Result<Self, ProofError> {
        let points = match system {
            ProofSystem::Groth16Bn254 => BySystem::Groth16Bn254(Points::parse(bytes)?),
            ProofSystem::Groth16Bls12381 => BySystem::Groth16Bls12381(Box::new(Points::parse(bytes)?)),
        };
        Ok(Self { points, digest: ProofDigest::of(bytes) })
    }

    /// Its system.
    #[must_use]
    pub const fn system(&self) -> ProofSystem {
        self.points.system()
    }

    /// The digest of the bytes it was read from. It does not name what is proved.
    #[must_use]
    pub const fn digest(&self) -> ProofDigest {
        self.digest
    }
}

/// Public inputs, in the order of the circuit.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicInputs(pub(crate) BySystem<Vec<ark_bn254::Fr>, Vec<ark_bls12_381::Fr>>);

impl PublicInputs {
    /// Reads a `public.json`.
    ///
    /// # Errors
    /// [`ProofError`], of the kinds before [`ProofError::SystemMismatch`].
    pub fn parse(system: ProofSystem, bytes: &[u8]) -> Result<Self, ProofError> {
        Ok(Self(match system {
            ProofSystem::Groth16Bn254 => BySystem::Groth16Bn254(groth16::inputs::<Bn254>(bytes)?),
            ProofSystem::Groth16Bls12381 => BySystem::Groth16Bls12381(groth16::inputs::<Bls12_381>(bytes)?),
        }))
    }

    /// Their system.
    #[must_use]
    pub const fn system(&self) -> ProofSystem {
        self.0.system()
    }
}
