//! The trust file: what the relying party brings to a bundle. In: TOML; out: keys, digests and demands, or the reason why it
//! is no trust file. docs/trust-file.md.
//!
//! Nothing of it may come from the bundle, and a bundle cannot relax it.

use prooftrail_ledger::{
    TrustPolicy,
    trust_policy::{PolicyFileError, Quorum},
};
use prooftrail_protocol::{Malformed, ReleasePublic};
use serde::Deserialize;

/// The largest trust file, in bytes.
pub const MAX_TRUST_BYTES: usize = 1 << 20;
/// The most values of a list.
pub const MAX_VALUES: usize = 4096;

/// What a relying party trusts, and demands.
#[derive(Clone, Debug)]
pub struct TrustFile {
    pub(crate) log: TrustPolicy,
    pub(crate) release_keys: Vec<ReleasePublic>,
    pub(crate) policies: Vec<[u8; 48]>,
    pub(crate) roots: Option<Vec<[u8; 32]>>,
    pub(crate) verifiers: Option<Vec<String>>,
    pub(crate) verifying_keys: Vec<[u8; 32]>,
    pub(crate) max_endorsement_age_seconds: Option<i64>,
    pub(crate) accept_operator_time: bool,
    pub(crate) accept_simulated: bool,
}

/// Why a file is no trust file.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// More bytes than [`MAX_TRUST_BYTES`].
    #[error("a trust file has at most {MAX_TRUST_BYTES} bytes, this has {0}")]
    TooLarge(usize),
    /// Not TOML of this form.
    #[error("the trust file cannot be read: {0}")]
    Syntax(String),
    /// Another version of the format.
    #[error("the trust file is of version {0}; this build reads version 1")]
    Version(u64),
    /// The log and its cosigners.
    #[error("`log`: {0}")]
    Log(#[from] PolicyFileError),
    /// More values than [`MAX_VALUES`].
    #[error("`{0}` has more than {MAX_VALUES} values")]
    TooMany(&'static str),
    /// Not a digest or a key in hexadecimal.
    #[error("`{field}`: {value} is not {bytes} bytes in hexadecimal")]
    Hex {
        /// The list.
        field: &'static str,
        /// What stands there.
        value: String,
        /// How many bytes it should have.
        bytes: usize,
    },
    /// A release key that no signature could verify under.
    #[error("`release_keys`: {0}")]
    Key(#[from] Malformed),
    /// A list that must name something names nothing.
    #[error("`{0}` is empty: nothing could be shown")]
    Empty(&'static str),
}

/// The document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    prooftrail_trust: u64,
    log: String,
    release_keys: Vec<String>,
    policies: Vec<String>,
    roots: Option<Vec<String>>,
    verifiers: Option<Vec<String>>,
    #[serde(default)]
    verifying_keys: Vec<String>,
    max_endorsement_age_seconds: Option<u32>,
    #[serde(default)]
    accept_operator_time: bool,
    #[serde(default)]
    accept_simulated: bool,
}

impl TrustFile {
    /// Reads a trust file.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        if text.len() > MAX_TRUST_BYTES {
            return Err(TrustError::TooLarge(text.len()));
        }
        let form: Form = toml::from_str(text).map_err(|error| TrustError::Syntax(error.to_string()))?;
        let Form {
            prooftrail_trust,
            log,
            release_keys,
            policies,
            roots,
            verifiers,
            verifying_keys,
            max_endorsement_age_seconds,
            accept_operator_time,
            accept_simulated,
        } = form;
        if prooftrail_trust != 1 {
            return Err(TrustError::Version(prooftrail_trust));
        }
        let release_keys = digests::<32>("release_keys", &release_keys)?;
        let trust = Self {
            log: TrustPolicy::parse(log.as_bytes())?,
            release_keys: release_keys.iter().map(ReleasePublic::from_bytes).collect::<Result<_, _>>()?,
            policies: digests("policies", &policies)?,
            roots: roots.map(|roots| digests("roots", &roots)).transpose()?,
            verifiers,
            verifying_keys: digests("verifying_keys", &verifying_keys)?,
            max_endorsement_age_seconds: max_endorsement_age_seconds.map(i64::from),
            accept_operator_time,
            accept_simulated,
        };
        for (field, is_empty) in [
            ("log", trust.log.logs().is_empty()),
            ("release_keys", trust.release_keys.is_empty()),
            ("policies", trust.policies.is_empty()),
            ("roots", trust.roots.as_ref().is_some_and(Vec::is_empty)),
            ("verifiers", trust.verifiers.as_ref().is_some_and(Vec::is_empty)),
        ] {
            if is_empty {
                return Err(TrustError::Empty(field));
            }
        }
        Ok(trust)
    }

    /// Whether anyone but the log must have seen a checkpoint.
    pub(crate) fn has_cosigners(&self) -> bool {
        *self.log.quorum() != Quorum::None
    }
}

/// Digests in hexadecimal, of either case.
fn digests<const N: usize>(field: &'static str, texts: &[String]) -> Result<Vec<[u8; N]>, TrustError> {
    if texts.len() > MAX_VALUES {
        return Err(TrustError::TooMany(field));
    }
    let digest = |text: &String| {
        let mut bytes = [0; N];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(TrustError::Hex { field, value: text.chars().take(128).collect(), bytes: N }),
        }
    };
    texts.iter().map(digest).collect()
}
