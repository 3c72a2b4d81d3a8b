//! What can be wrong with a policy document or a file of cases: the fact, and where it stands in the text.

use std::fmt;

use prooftrail_result::{
    InvalidTimestamp, Kind, UnknownKind,
    claims::{ClaimType, InvalidValue, UnknownClaim},
};

use crate::Operator;

/// A place in a text, as editors count: both numbers start at 1, columns count characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in that line.
    pub column: usize,
}

impl Position {
    /// The place of a byte offset; an offset past the end is the end.
    pub(crate) fn in_text(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let (line_start, line) = match before.rfind('\n') {
            Some(newline) => (newline + 1, before.matches('\n').count() + 1),
            None => (0, 1),
        };
        Self { line, column: before.get(line_start..).unwrap_or_default().chars().count() + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a document is not accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyError {
    /// Where; absent where the fact belongs to no one place.
    pub position: Option<Position>,
    /// What.
    pub problem: Problem,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        self.problem.fmt(f)
    }
}

/// Without a source: the problem is part of the sentence already, and would be printed twice.
impl std::error::Error for PolicyError {}

/// A problem that knows its place as a byte offset; the text turns it into a [`Position`].
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) offset: Option<usize>,
    pub(crate) problem: Problem,
}

impl Located {
    /// A problem at a place.
    pub(crate) fn at(span: std::ops::Range<usize>, problem: impl Into<Problem>) -> Self {
        Self { offset: Some(span.start), problem: problem.into() }
    }

    /// A problem of the text as a whole.
    pub(crate) const fn anywhere(problem: Problem) -> Self {
        Self { offset: None, problem }
    }

    /// The error that a person reads.
    pub(crate) fn in_text(self, text: &str) -> PolicyError {
        PolicyError { position: self.offset.map(|offset| Position::in_text(text, offset)), problem: self.problem }
    }
}

impl From<toml::de::Error> for Located {
    fn from(error: toml::de::Error) -> Self {
        let problem = Problem::Syntax(error.message().chars().take(512).collect());
        Self { offset: error.span().map(|span| span.start), problem }
    }
}

/// What kind of name a document defines or quotes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NameOf {
    /// The policy itself.
    Policy,
    /// A preset.
    Preset,
    /// A platform.
    Platform,
    /// The devices of one kind, in a platform.
    Devices,
    /// A group of evidence.
    Group,
    /// A rule.
    Rule,
    /// A set of reference values.
    Reference,
    /// A proof system.
    ProofSystem,
    /// A verifying key, in a proof system.
    VerifyingKey,
    /// A case.
    Case,
}

impl fmt::Display for NameOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "policy",
            Self::Preset => "preset",
            Self::Platform => "platform",
            Self::Devices => "device kind",
            Self::Group => "group",
            Self::Rule => "rule",
            Self::Reference => "reference",
            Self::ProofSystem => "proof system",
            Self::VerifyingKey => "verifying key",
            Self::Case => "case",
        })
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text exceeds its cap.
    #[error("the text has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The cap.
        max: usize,
    },
    /// Not TOML, an unknown or missing key, or a value of another TOML type than the format has there.
    #[error("{0}")]
    Syntax(String),
    /// `prooftrail_policy` is missing.
    #[error("the first line of a policy names its format: `prooftrail_policy = 1`")]
    VersionMissing,
    /// `prooftrail_policy` is not a version that this build reads.
    #[error("`prooftrail_policy` is {0}; this build reads format 1")]
    VersionUnsupported(String),
    /// More rules than the cap, presets and platforms included.
    #[error("the policy has {found} rules; at most {max} are read")]
    TooManyRules {
        /// How many there are.
        found: usize,
        /// The cap.
        max: usize,
    },
    /// More reference values than the cap, over all sets and inline lists.
    #[error("the policy has {found} reference values; at most {max} are read")]
    TooManyValues {
        /// How many there are.
        found: usize,
        /// The cap.
        max: usize,
    },
    /// A name with other characters, or of another length, than names have.
    #[error("`{name}` cannot name a {of}: 1 to 64 of a–z, 0–9 and `-`")]
    InvalidName {
        /// What it should name.
        of: NameOf,
        /// The name, cut to 128 characters.
        name: String,
    },
    /// The same name twice.
    #[error("the {of} `{name}` stands here twice")]
    Duplicate {
        /// What it names.
        of: NameOf,
        /// The name.
        name: String,
    },
    /// A group has no condition, so that all evidence would belong to it.
    #[error("the group `{0}` has no `when`; rules for all evidence are rules of the policy")]
    GroupWithoutCondition(String),
    /// No preset has that name.
    #[error("`{name}` is not a preset; presets: {}", crate::presets::names().collect::<Vec<_>>().join(", "))]
    UnknownPreset {
        /// The name.
        name: String,
    },
    /// A root that is not 64 hex digits.
    #[error("`{0}` is not the SHA-256 of a root: 64 hex digits")]
    InvalidRoot(String),
    /// A verifying key's digest that is not 64 hex digits.
    #[error("`{0}` is not the SHA-256 of a verifying key: 64 hex digits")]
    InvalidVerifyingKey(String),
    /// Neither the policy nor the verifier names a root, so nothing could ever satisfy the policy.
    #[error("neither the policy nor the verifier names a silicon root")]
    NoRoots,
    /// A duration that is not a positive number with a unit.
    #[error("`{0}` is not a duration: a positive number and s, m, h or d, at most 3650d")]
    InvalidDuration(String),
    /// An instant that is not RFC 3339.
    #[error(transparent)]
    InvalidTime(#[from] InvalidTimestamp),
    /// No `[[platform]]`.
    #[error("the policy lists no platform; every policy names the shape of the set with [[platform]]")]
    NoPlatform,
    /// A kind that does not exist.
    #[error(transparent)]
    UnknownKind(#[from] UnknownKind),
    /// A device kind as `primary`.
    #[error("`{0}` is device evidence and cannot be primary; list it under `devices`")]
    PrimaryIsDevice(Kind),
    /// A CPU kind under `devices`.
    #[error("`{0}` is CPU evidence and cannot stand under `devices`; a set has one CPU, its `primary`")]
    DeviceIsCpu(Kind),
    /// A kind under `attached` that no fact links to the primary's.
    #[error(
        "`{0}` cannot stand under `attached`: nothing that was signed could show that it is about the primary's machine. `azure-maa` can beside Azure's vTPMs and `amd-sev-snp`, `intel-trust-authority` beside Intel's quotes"
    )]
    AttachedKind(Kind),
    /// A platform with neither a primary nor devices.
    #[error("a platform needs a `primary`, or for devices alone, `devices`")]
    PlatformEmpty,
    /// A range of devices that is empty or upside down.
    #[error("{min} to {max} devices is no range; `max` is at least 1 and at least `min`")]
    DeviceRange {
        /// The fewest.
        min: u16,
        /// The most.
        max: u16,
    },
    /// A name that is not in the dictionary.
    #[error(transparent)]
    UnknownClaim(#[from] UnknownClaim),
    /// A claim of a case that is a table: its dotted name was written without quotes.
    #[error("`{0}` is a table; write the claim's whole name in quotes, as in \"nitro.pcr0\"")]
    ClaimIsTable(String),
    /// `*` where the claim has no device index.
    #[error("`{0}` has no device index that `*` could stand for")]
    NotPerDevice(String),
    /// An operator that does not exist.
    #[error("`{0}` is not an operator{hint}; operators: {all}", hint = operator_hint(.0), all = Operator::ALL.map(Operator::as_str).join(", "))]
    UnknownOperator(String),
    /// An operator that says nothing about claims of that type.
    #[error("`{operator}` does not apply to `{claim}`, which is {claim_type}; it applies to {}", operator.domain())]
    OperatorType {
        /// The operator.
        operator: Operator,
        /// The claim.
        claim: String,
        /// The claim's type.
        claim_type: ClaimType,
    },
    /// A rule without something to compare with.
    #[error("a rule needs `value` or `reference`")]
    ValueMissing,
    /// A rule with both.
    #[error("a rule has `value` or `reference`, not both")]
    ValueAndReference,
    /// A reference where the operator compares with one value.
    #[error("`{0}` compares with one `value`, not with a reference")]
    ReferenceNotAllowed(Operator),
    /// A reference that the policy does not define.
    #[error("the policy defines no reference `{0}`")]
    UnknownReference(String),
    /// A set of reference values without a value.
    #[error("the reference `{0}` has no value")]
    ReferenceEmpty(String),
    /// A list where the operator compares with one value.
    #[error("`{0}` compares with one value, not with a list")]
    ValueIsList(Operator),
    /// One value where the operator compares with several.
    #[error("`{0}` compares with a list of values: write `value = [ … ]`")]
    ValueNotList(Operator),
    /// A list without values, with which every claim, or none, would satisfy the rule.
    #[error("`{0}` with an empty list says nothing")]
    ValueEmpty(Operator),
    /// A mask without bits, which every register would satisfy.
    #[error("`{0}` with no bits says nothing")]
    NoBits(Operator),
    /// A value of another TOML type than the claim's.
    #[error("`{claim}` is {claim_type}, not a TOML {found}")]
    ValueType {
        /// The claim.
        claim: String,
        /// The claim's type, or its members' type.
        claim_type: ClaimType,
        /// The TOML type that stands there.
        found: &'static str,
    },
    /// A value that does not spell one of the claim's type.
    #[error("`{claim}`: {invalid}")]
    ValueInvalid {
        /// The claim.
        claim: String,
        /// What was found.
        invalid: InvalidValue,
    },
    /// A reference value that is a list or a table.
    #[error("a reference value is one string, integer, boolean or time")]
    ReferenceValueType,
    /// A case that has neither `claims` nor `evidence`, or both.
    #[error("a case has either `claims` or `evidence`")]
    CaseInput,
    /// A key that belongs to a case of the other form.
    #[error("`{0}` goes with `claims`; a piece of evidence states its own")]
    CaseKey(&'static str),
    /// A case of claims without a kind of evidence.
    #[error("a case with `claims` names the set it stands for: `primary`, `devices` or both")]
    CaseSet,
    /// An expected nonce that is not hex, or a binding that is not 48 bytes of it.
    #[error("`{0}` is not hex, or has another length than a binding's 48 bytes")]
    InvalidHex(String),
}

/// The operator that somebody may have meant.
fn operator_hint(operator: &str) -> &'static str {
    match operator {
        "not-equals" | "not_equals" | "ne" | "!=" => " (use `not-in`)",
        "==" | "=" | "eq" => " (use `equals`)",
        ">=" | "gte" | "min" => " (use `at-least`)",
        "<=" | "lte" | "max" => " (use `at-most`)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn positions_count_lines_and_characters() {
        let text = "a\nüb\r\nc";
        for (offset, line, column) in [(0, 1, 1), (1, 1, 2), (2, 2, 1), (4, 2, 2), (7, 3, 1), (99, 3, 2)] {
            assert_eq!(Position::in_text(text, offset), Position { line, column }, "{offset}");
        }
    }
}
