//! Why nothing was proved. No variant carries a piece of the witness: what is printed may be logged.

use std::{io, path::PathBuf};

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, or standard input, cannot be read or written.
    #[error("{place}: {source}")]
    Io {
        /// Which.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// Not a number of accounts that a tree can have.
    #[error("{accounts} accounts: the number must be a power of two from 2 to {max}")]
    Accounts {
        /// The number.
        accounts: usize,
        /// The most.
        max: usize,
    },
    /// The witness is larger than its cap.
    #[error("the witness has more than {max} bytes")]
    WitnessTooLarge {
        /// The cap.
        max: usize,
    },
    /// The witness is not JSON of the form that `witness` writes.
    #[error("the witness is not as expected at line {line}, column {column}")]
    WitnessForm {
        /// The line, from 1.
        line: usize,
        /// The byte in the line.
        column: usize,
    },
    /// An account's id or balance is not as expected.
    #[error("account {index}: {what}")]
    WitnessAccount {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The witness has another number of accounts than the proving key's circuit.
    #[error("the witness has {have} accounts and the proving key is for {need}")]
    WitnessCount {
        /// How many there are.
        have: usize,
        /// How many the circuit has.
        need: usize,
    },
    /// A file is not a proving key of this program.
    #[error("{} is not a proving key of this program", .0.display())]
    ProvingKey(PathBuf),
    /// The statement is false for this witness, so there is no proof of it.
    #[error("the accounts do not satisfy the circuit; there is no proof")]
    Unsatisfied,
    /// The proof that was made does not verify: the proving key is damaged, or of another circuit.
    #[error("the proof does not verify under the proving key's own verifying key: the key is damaged")]
    ProofDoesNotVerify,
    /// The circuit could not be built.
    #[error("the circuit could not be built: {0}")]
    Synthesis(String),
    /// The machine gave no randomness.
    #[error("no randomness from the system: {0}")]
    Randomness(String),
}
