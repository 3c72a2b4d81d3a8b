//! Why a proof, a key or public inputs were refused. Every refusal is one value with its facts and one stable code.

use crate::{Document, InvalidDecimal, InvalidPoint, JsonFault, Place, ProofSystem};

/// A refusal. The order is that of the checks, from the bytes to the equation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A document has more bytes than its cap; nothing of it was read.
    #[error("{document} has {bytes} bytes, more than {max}")]
    TooLarge {
        /// Which one.
        document: Document,
        /// Its length.
        bytes: usize,
        /// The cap.
        max: usize,
    },
    /// A document is not JSON as it is read here.
    #[error("{document}: {fault}")]
    Json {
        /// Which one.
        document: Document,
        /// What is wrong with it.
        fault: JsonFault,
    },
    /// A value has not the type or the number of items that the format demands.
    #[error("{place} is not {need}")]
    Shape {
        /// Where it stands.
        place: Place,
        /// What the format demands.
        need: &'static str,
    },
    /// A mandatory field is missing.
    #[error("{document} has no `{field}`")]
    FieldMissing {
        /// Where it is missing.
        document: Document,
        /// Its name.
        field: &'static str,
    },
    /// A field that the format does not have.
    #[error("{document} has an unknown field `{field}`")]
    FieldUnknown {
        /// Where it stands.
        document: Document,
        /// Its name, cut to [`JsonFault::MAX_NAME`] characters.
        field: String,
    },
    /// A document names another protocol than its system's.
    #[error("{document} is for the protocol `{have}`, not `{need}`")]
    Protocol {
        /// Which document.
        document: Document,
        /// The name in the document, cut to [`JsonFault::MAX_NAME`] characters.
        have: String,
        /// The system's protocol.
        need: &'static str,
    },
    /// A document names another curve than its system's.
    #[error("{document} is for the curve `{have}`, not `{need}`")]
    Curve {
        /// Which document.
        document: Document,
        /// The name in the document, cut to [`JsonFault::MAX_NAME`] characters.
        have: String,
        /// The name of the system's curve in such documents.
        need: &'static str,
    },
    /// A number is not the canonical decimal of an element of its field.
    #[error("{place}: {fault}")]
    Decimal {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        fault: InvalidDecimal,
    },
    /// A point is not one that the system permits there.
    #[error("{place}: {fault}")]
    Point {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        fault: InvalidPoint,
    },
    /// More public inputs than [`crate::MAX_PUBLIC_INPUTS`].
    #[error("{document} has {have} inputs, more than {max}")]
    TooManyInputs {
        /// The list or the key.
        document: Document,
        /// How many it has.
        have: usize,
        /// The cap.
        max: usize,
    },
    /// The key's `nPublic` and the length of its `IC` contradict each other: `IC` has one point more.
    #[error("the verifying key says {declared} public inputs, and `IC` has {points} points")]
    KeyInputCount {
        /// `nPublic`.
        declared: u64,
        /// The points of `IC`.
        points: usize,
    },
    /// Key, proof and inputs were parsed for different systems.
    #[error("a key of {key}, a proof of {proof} and inputs of {inputs} do not belong together")]
    SystemMismatch {
        /// The key's system.
        key: ProofSystem,
        /// The proof's system.
        proof: ProofSystem,
        /// The inputs' system.
        inputs: ProofSystem,
    },
    /// Not as many public inputs as the key needs.
    #[error("{have} public inputs, and the verifying key needs {need}")]
    InputCount {
        /// How many were given.
        have: usize,
        /// How many the key needs.
        need: usize,
    },
    /// Everything is well-formed, and the proof does not prove these inputs under this key.
    #[error("the proof does not verify under this key and these public inputs")]
    DoesNotVerify,
}

impl ProofError {
    /// The stable code. Codes are never renamed or reused.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "proof.too_large",
            Self::Json { fault, .. } => fault.code(),
            Self::Shape { .. } => "proof.shape",
            Self::FieldMissing { .. } => "proof.field_missing",
            Self::FieldUnknown { .. } => "proof.field_unknown",
            Self::Protocol { .. } => "proof.protocol",
            Self::Curve { .. } => "proof.curve",
            Self::Decimal { fault, .. } => fault.code(),
            Self::Point { fault, .. } => fault.code(),
            Self::TooManyInputs { .. } => "proof.too_many_inputs",
            Self::KeyInputCount { .. } => "proof.key_input_count",
            Self::SystemMismatch { .. } => "proof.system_mismatch",
            Self::InputCount { .. } => "proof.input_count",
            Self::DoesNotVerify => "proof.does_not_verify",
        }
    }
}
