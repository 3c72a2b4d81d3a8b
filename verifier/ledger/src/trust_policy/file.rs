//! Policy files. In: lines of `log`, `witness`, `group` and `quorum`; out: a policy, or the line that is wrong and why.
//! C2SP tlog-policy, sections "Policy file syntax and structure" and "Character set".
//!
//! A last line without newline is refused: a file cut short could name another quorum than the one written.

use std::str;

use crate::{
    InvalidDecimal, VerifierKey, decimal,
    note::VerifierKeyError,
    trust_policy::{PolicyError, Threshold, TrustPolicy, TrustPolicyBuilder, TrustedLog},
};

/// The longest policy file that is read, in bytes: 1 MiB.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

impl TrustPolicy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyFileError`].
    pub fn parse(file: &[u8]) -> Result<Self, PolicyFileError> {
        if file.len() > MAX_POLICY_BYTES {
            return Err(PolicyFileError::TooLong { have: file.len(), max: MAX_POLICY_BYTES });
        }
        let Some(lines) = file.strip_suffix(b"\n") else {
            return Err(PolicyFileError::Unterminated);
        };
        let mut builder = TrustPolicyBuilder::new();
        for (line, number) in lines.split(|&byte| byte == b'\n').zip(1..) {
            add_line(&mut builder, line).map_err(|reason| PolicyFileError::Line { number, reason })?;
        }
        Ok(builder.build()?)
    }
}

fn add_line(builder: &mut TrustPolicyBuilder, line: &[u8]) -> Result<(), PolicyLineError> {
    let is_forbidden = |byte: &&u8| (**byte < b' ' && **byte != b'\t') || **byte == 0x7f;
    if let Some(&byte) = line.iter().find(is_forbidden) {
        return Err(PolicyLineError::ControlCharacter { byte });
    }
    let words: Vec<&[u8]> =
        line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).take(MAX_WORDS).collect();
    match words.as_slice() {
        [] => {}
        [comment, ..] if comment.starts_with(b"#") => {}
        [b"log", key, url @ ..] => {
            let key = parse_key(key)?;
            let origin = key.name().as_str().to_owned();
            builder.log(TrustedLog { origin, key, url: parse_url(url)? })?;
        }
        [b"witness", name, key, url @ ..] => {
            builder.cosigner(name, parse_key(key)?, parse_url(url)?)?;
        }
        [b"group", name, threshold, members @ ..] => {
            builder.group(name, parse_threshold(threshold)?, members)?;
        }
        [b"quorum", name] => {
            builder.quorum(name)?;
        }
        [b"log" | b"witness" | b"group" | b"quorum", ..] => return Err(PolicyLineError::Fields),
        _ => return Err(PolicyLineError::Keyword),
    }
    Ok(())
}

/// More words than any valid line has: a keyword, a name, a threshold, and each other name as a member.
const MAX_WORDS: usize = 3 + crate::trust_policy::MAX_NAMES;

fn parse_key(key: &[u8]) -> Result<VerifierKey, PolicyLineError> {
    let key = str::from_utf8(key).map_err(|_| PolicyLineError::KeyNotUtf8)?;
    Ok(VerifierKey::parse(key)?)
}

fn parse_url(words: &[&[u8]]) -> Result<Option<Vec<u8>>, PolicyLineError> {
    match words {
        [] => Ok(None),
        [url] => Ok(Some(url.to_vec())),
        _ => Err(PolicyLineError::Fields),
    }
}

fn parse_threshold(word: &[u8]) -> Result<Threshold, PolicyLineError> {
    match word {
        b"all" => Ok(Threshold::All),
        b"any" => Ok(Threshold::Any),
        number => {
            let number = str::from_utf8(number).map_err(|_| PolicyLineError::Threshold(InvalidDecimal::NotADigit))?;
            let number = decimal::parse(number, u64::MAX).map_err(PolicyLineError::Threshold)?;
            Ok(Threshold::AtLeast(number))
        }
    }
}

/// Why a file is not a policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFileError {
    /// More bytes than [`MAX_POLICY_BYTES`].
    #[error("the policy has {have} bytes; at most {max} are accepted")]
    TooLong {
        /// Its length in bytes.
        have: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// No newline at the end.
    #[error("the policy does not end with a newline: it may have been cut short")]
    Unterminated,
    /// A line that is wrong.
    #[error("line {number}: {reason}")]
    Line {
        /// Which one, counted from 1.
        number: usize,
        /// Why.
        reason: PolicyLineError,
    },
    /// The lines together are no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Why a line of a policy is wrong.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyLineError {
    /// An ASCII control character other than a tab.
    #[error("it has the control character 0x{byte:02x}")]
    ControlCharacter {
        /// The first such character.
        byte: u8,
    },
    /// It begins with no known keyword.
    #[error("it begins neither with log, witness, group, quorum nor #")]
    Keyword,
    /// Too few or too many words for its keyword.
    #[error("it has too few or too many words")]
    Fields,
    /// The key is not UTF-8.
    #[error("the key is not UTF-8")]
    KeyNotUtf8,
    /// The key is no verifier key.
    #[error(transparent)]
    Key(#[from] VerifierKeyError),
    /// The threshold is neither `all`, `any` nor a number.
    #[error("the threshold is neither all, any nor a number: {0}")]
    Threshold(InvalidDecimal),
    /// What it says contradicts the lines before it.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}
