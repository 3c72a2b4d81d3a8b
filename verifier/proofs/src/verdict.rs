//! The verdict. In: checked documents, or the bytes of documents and the name of a system; out: what was proved, why it
//! was not, or that this build cannot say. What is unsupported is recorded as that and never as verified.

use crate::{
    KeyWeakness, Proof, ProofDigest, ProofError, ProofSystem, PublicInputs, StatementId, UnknownSystem, VerifyingKey,
    VerifyingKeyDigest, documents::BySystem,
};

/// A proof that verified. Only [`verify`] makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verified {
    /// Under which system.
    pub system: ProofSystem,
    /// What was proved.
    pub statement: StatementId,
    /// Under which key.
    pub verifying_key: VerifyingKeyDigest,
    /// Which bytes proved it; other bytes may prove the same.
    pub proof: ProofDigest,
    /// Why this proves nothing all the same. Whoever shows a verdict shows this beside it.
    pub weakness: Option<KeyWeakness>,
}

/// Whether `proof` proves `inputs` under `key`.
///
/// # Errors
/// [`ProofError::SystemMismatch`], [`ProofError::InputCount`] or [`ProofError::DoesNotVerify`].
pub fn verify(key: &VerifyingKey, proof: &Proof, inputs: &PublicInputs) -> Result<Verified, ProofError> {
    match (&key.key, &proof.points, &inputs.0) {
        (BySystem::Groth16Bn254(key), BySystem::Groth16Bn254(points), BySystem::Groth16Bn254(inputs)) => {
            key.verify(points, inputs)?;
        }
        (BySystem::Groth16Bls12381(key), BySystem::Groth16Bls12381(points), BySystem::Groth16Bls12381(inputs)) => {
            key.verify(points, inputs)?;
        }
        _ => {
            let (key, proof, inputs) = (key.system(), proof.system(), inputs.system());
            return Err(ProofError::SystemMismatch { key, proof, inputs });
        }
    }
    Ok(Verified {
        system: key.system(),
        statement: StatementId::of(key, inputs)?,
        verifying_key: key.digest(),
        proof: proof.digest(),
        weakness: key.weakness(),
    })
}

/// The bytes of the documents of one verification.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    /// The verifying key.
    pub verifying_key: &'a [u8],
    /// The proof.
    pub proof: &'a [u8],
    /// The public inputs.
    pub public_inputs: &'a [u8],
}

/// What a record says about a proof.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Verdict {
    /// The proof verifies.
    Verified(Verified),
    /// A document is not acceptable, or the proof does not verify.
    Refused(ProofError),
    /// This build has no verifier for the system; nothing was read and nothing is claimed.
    Unsupported(UnknownSystem),
}

impl Verdict {
    /// The stable spelling: `verified`, `refused` or `unsupported`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Verified(_) => "verified",
            Self::Refused(_) => "refused",
            Self::Unsupported(_) => "unsupported",
        }
    }
}

/// Reads and verifies the documents of a proof in the system of that name.
pub fn judge(system: &str, documents: Documents<'_>) -> Verdict {
    let system = match system.parse() {
        Ok(system) => system,
        Err(unknown) => return Verdict::Unsupported(unknown),
    };
    match read_and_verify(system, documents) {
        Ok(verified) => Verdict::Verified(verified),
        Err(error) => Verdict::Refused(error),
    }
}

fn read_and_verify(system: ProofSystem, documents: Documents<'_>) -> Result<Verified, ProofError> {
    let key = VerifyingKey::parse(system, documents.verifying_key)?;
    let proof = Proof::parse(system, documents.proof)?;
    let inputs = PublicInputs::parse(system, documents.public_inputs)?;
    verify(&key, &proof, &inputs)
}
