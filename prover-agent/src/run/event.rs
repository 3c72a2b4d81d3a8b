//! What a run tells while it runs: a JSON line each for scripts, a line of text for people. No event carries a secret, or
//! anything that the command said.

use std::fmt;

use serde::Serialize;

/// A step.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Something is less than it could be.
    Warning {
        /// In a sentence.
        message: String,
    },
    /// The command is confined, and waits.
    Confined {
        /// SHA-384 of the program.
        executable_sha384: String,
        /// What is enforced: the statement's `sandbox`.
        sandbox: Vec<&'static str>,
        /// What is not, and why.
        missing: Vec<String>,
    },
    /// The service gave a challenge.
    Challenged {
        /// The log's origin.
        log_origin: String,
        /// What the hardware signs.
        nonce: String,
        /// When it ends.
        expires: String,
    },
    /// The hardware answered.
    Attested {
        /// The kinds, in order; the last is the primary.
        kinds: Vec<&'static str>,
    },
    /// The release is signed, is what was asked for, and was opened.
    Released {
        /// Its id.
        release_id: String,
        /// Its entry's index in the ledger.
        leaf_index: u64,
    },
    /// The command ended, and nothing of it is left.
    Ended {
        /// Exit status; 128 and the signal; 124 out of time; 125 without a proof.
        exit_status: u8,
        /// How long it took, in milliseconds.
        millis: i64,
        /// Bytes on standard output, dropped unless they are the proof.
        stdout_bytes: u64,
        /// Bytes on standard error.
        stderr_bytes: u64,
    },
    /// The record stands in the ledger.
    Registered {
        /// SHA-256 of the proof, if there is one.
        proof_id: Option<String>,
        /// What was proved, if it was verified.
        statement_id: Option<String>,
        /// `verified`, `unsupported` or `no_proof`.
        verified: String,
        /// The proof's page.
        url: Option<String>,
        /// The entry's index in the ledger.
        leaf_index: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Warning { message } => write!(out, "warning: {message}"),
            Self::Confined { sandbox, missing, .. } => {
                write!(out, "confined: {}", sandbox.join(" "))?;
                missing.iter().try_for_each(|missing| write!(out, "; NOT {missing}"))
            }
            Self::Challenged { log_origin, expires, .. } => write!(out, "challenged by {log_origin}, until {expires}"),
            Self::Attested { kinds } => write!(out, "attested: {}", kinds.join(" ")),
            Self::Released { release_id, leaf_index } => {
                write!(out, "released: {release_id}, entry {leaf_index}; the command runs")
            }
            Self::Ended { exit_status, millis, .. } => write!(out, "ended: status {exit_status} after {millis} ms"),
            Self::Registered { proof_id, verified, url, leaf_index, .. } => {
                let proof = proof_id.as_deref().unwrap_or("no proof");
                write!(out, "registered: {proof} ({verified}), entry {leaf_index}")?;
                url.iter().try_for_each(|url| write!(out, ", {url}"))
            }
        }
    }
}
