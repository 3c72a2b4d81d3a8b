//! What a verifying key shows about the setup that made it. A key cannot show that its setup was sound; some show that it
//! was not, and a proof under such a key proves nothing although the equation holds. In: a key; out: the weakness.

use std::fmt;

/// Why a proof under a key proves nothing. It stands beside the verdict, since the verifier does not choose the key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyWeakness {
    /// Anyone can forge a proof of any public inputs. In Groth16: δ = ±γ, as in a key to whose second phase nobody
    /// contributed (snarkjs before the first `zkey contribute`); then A = α, B = β, C = ∓IC(inputs) satisfies the equation.
    Forgeable,
}

impl KeyWeakness {
    /// The stable code. Codes are never renamed or reused.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Forgeable => "proof.key_forgeable",
        }
    }
}

impl fmt::Display for KeyWeakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forgeable => {
                "anyone can forge proofs under this verifying key: its setup has no contribution of its own"
            }
        })
    }
}
