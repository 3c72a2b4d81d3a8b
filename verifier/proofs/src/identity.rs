//! What proofs, keys and statements are called. In: checked values; out: SHA-256 digests. A key's and a statement's are
//! over deterministic CBOR (RFC 8949, section 4.2) that begins with a name of its own, so that no two kinds of digest can
//! be confused. docs/proofs.md defines the encodings, with a test vector.

use std::{convert::Infallible, fmt};

use minicbor::Encoder;
use sha2::{Digest as _, Sha256};

use crate::{
    ProofError, PublicInputs, VerifyingKey,
    decimal::Element,
    documents::BySystem,
    groth16::{Curve, Key},
    point::Point,
};

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A digest that was computed before, from where it is stored.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        /// 64 lower-case hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )*};
}

digests! {
    /// SHA-256 of a proof's bytes. Anyone can turn a Groth16 proof into another for the same statement, so that two
    /// digests do not mean two statements, and one statement has no one digest.
    ProofDigest;
    /// SHA-256 of the canonical encoding of a verifying key: the same for every document that says the same.
    VerifyingKeyDigest;
    /// SHA-256 of the canonical encoding of system, key and public inputs: what is proved, whichever proof proves it.
    StatementId;
}

/// What the first item of the encodings says.
const KEY_DOMAIN: &str = "prooftrail/verifying-key/v1";
const STATEMENT_DOMAIN: &str = "prooftrail/proof-statement/v1";

type Output = Encoder<Vec<u8>>;
type Written = Result<(), minicbor::encode::Error<Infallible>>;

#[expect(clippy::expect_used, reason = "writing numbers, text and bytes to memory cannot fail")]
fn hashed(write: impl FnOnce(&mut Output) -> Written) -> [u8; 32] {
    let mut out = Encoder::new(Vec::new());
    write(&mut out).expect("memory takes every write");
    Sha256::digest(out.into_writer()).into()
}

/// The head of an array whose length is that of something in memory.
fn array(out: &mut Output, items: usize) -> Written {
    out.array(u64::try_from(items).unwrap_or(u64::MAX)).map(drop)
}

impl ProofDigest {
    /// The digest of a proof's bytes, whatever its system.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl VerifyingKeyDigest {
    pub(crate) fn of<E: Curve>(key: &Key<E>) -> Self {
        Self(hashed(|out| {
            array(out, 7)?;
            out.str(KEY_DOMAIN)?.str(E::SYSTEM.as_str())?.bytes(&key.alpha.to_bytes())?;
            out.bytes(&key.beta.to_bytes())?.bytes(&key.gamma.to_bytes())?.bytes(&key.delta.to_bytes())?;
            array(out, key.inputs.len().saturating_add(1))?;
            out.bytes(&key.constant.to_bytes())?;
            key.inputs.iter().try_for_each(|point| out.bytes(&point.to_bytes()).map(drop))
        }))
    }
}

impl StatementId {
    /// The id of the statement that the circuit of `key` accepts `inputs`. It says nothing about whether that is so.
    ///
    /// # Errors
    /// [`ProofError::SystemMismatch`] and [`ProofError::InputCount`]: without the key's own number of inputs there is no
    /// statement.
    pub fn of(key: &VerifyingKey, inputs: &PublicInputs) -> Result<Self, ProofError> {
        let elements = match &inputs.0 {
            BySystem::Groth16Bn254(inputs) => encoded(inputs),
            BySystem::Groth16Bls12381(inputs) => encoded(inputs),
        };
        if key.system() != inputs.system() {
            // There is no proof here; the inputs are what differs.
            return Err(ProofError::SystemMismatch { key: key.system(), proof: key.system(), inputs: inputs.system() });
        }
        let (have, need) = (elements.len(), key.public_inputs());
        if have != need {
            return Err(ProofError::InputCount { have, need });
        }
        Ok(Self(hashed(|out| {
            array(out, 4)?;
            out.str(STATEMENT_DOMAIN)?.str(key.system().as_str())?.bytes(key.digest().as_bytes())?;
            array(out, elements.len())?;
            elements.iter().try_for_each(|element| out.bytes(element).map(drop))
        })))
    }
}

fn encoded<F: Element>(elements: &[F]) -> Vec<Vec<u8>> {
    let bytes = |element: &F| {
        let mut bytes = Vec::new();
        element.write(&mut bytes);
        bytes
    };
    elements.iter().map(bytes).collect()
}
