//! The policy document: TOML text, at most 1 MiB, read into the form below. Unknown keys are errors everywhere.
//!
//! In: text. Out: [`PolicyDocument`], which [`PolicyDocument::compile`] turns into a [`crate::Policy`]. docs/policy.md
//! describes the format for the people who write it.

pub(crate) mod literal;

use prooftrail_evidence::{Revocation, RevocationMode};
use serde::Deserialize;
use toml::{Spanned, Value as Toml};

use crate::{NameOf, PolicyError, Problem, error::Located, revocation};

/// The largest text that is read, in bytes.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// The most rules of one policy, presets and platforms included.
pub const MAX_RULES: usize = 1_000;

/// The most values of one policy, over all reference sets and inline lists.
pub const MAX_VALUES: usize = 100_000;

/// The format that this build reads and writes about.
const FORMAT: i64 = 1;

/// A policy as written, well-formed, its names not yet resolved.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    pub(crate) text: Box<str>,
    pub(crate) form: PolicyForm,
}

impl PolicyDocument {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`PolicyError`]: too large, not TOML, another format, an unknown or missing key, or a value of another TOML type.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        capped(text)
            .and_then(|()| check_format(text))
            .and_then(|()| Ok(toml::from_str(text)?))
            .map(|form| Self { text: text.into(), form })
            .map_err(|located| located.in_text(text))
    }

    /// The policy's name, as written.
    #[must_use]
    pub fn name(&self) -> &str {
        self.form.name.get_ref()
    }
}

/// Refuses a text over the cap before anything is allocated for it.
pub(crate) const fn capped(text: &str) -> Result<(), Located> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Located::anywhere(Problem::TooLarge { bytes: text.len(), max: MAX_TEXT_BYTES }));
    }
    Ok(())
}

/// Looks at the format's version before anything else, so that a later format is named instead of its unknown keys.
fn check_format(text: &str) -> Result<(), Located> {
    #[derive(Deserialize)]
    struct Format {
        prooftrail_policy: Option<Spanned<Toml>>,
    }
    let Some(version) = toml::from_str::<Format>(text)?.prooftrail_policy else {
        return Err(Located::anywhere(Problem::VersionMissing));
    };
    let other = match version.get_ref() {
        Toml::Integer(FORMAT) => return Ok(()),
        Toml::Integer(other) => other.to_string(),
        other => format!("a {}", other.type_str()),
    };
    Err(Located::at(version.span(), Problem::VersionUnsupported(other)))
}

/// Names that policies define: 1 to 64 of `a`–`z`, `0`–`9` and `-`. They appear in metrics, logs and file names.
pub(crate) fn check_name(of: NameOf, name: &Spanned<String>) -> Result<Box<str>, Located> {
    let text = name.get_ref().as_str();
    let permitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&text.len()) && text.bytes().all(permitted) {
        Ok(text.into())
    } else {
        Err(Located::at(name.span(), Problem::InvalidName { of, name: text.chars().take(128).collect() }))
    }
}

/// A whole policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyForm {
    #[expect(dead_code, reason = "read by `check_format`; it stands here so that it is a known key")]
    prooftrail_policy: i64,
    pub(crate) name: Spanned<String>,
    pub(crate) rationale: String,
    #[serde(default)]
    pub(crate) presets: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) allow_debug: bool,
    #[serde(default)]
    pub(crate) allow_simulated: bool,
    #[serde(default = "yes")]
    pub(crate) allow_unknown_fields: bool,
    #[serde(default)]
    pub(crate) allow_issuer_keys: bool,
    #[serde(default = "yes")]
    pub(crate) require_nonce: bool,
    #[serde(default)]
    pub(crate) require_binding: bool,
    pub(crate) roots: Option<Vec<Spanned<String>>>,
    pub(crate) freshness: Option<FreshnessForm>,
    #[serde(default)]
    pub(crate) revocation: RevocationForm,
    #[serde(default, rename = "platform")]
    pub(crate) platforms: Vec<PlatformForm>,
    #[serde(default, rename = "rule")]
    pub(crate) rules: Vec<RuleForm>,
    #[serde(default, rename = "group")]
    pub(crate) groups: Vec<GroupForm>,
    #[serde(default, rename = "reference")]
    pub(crate) references: Vec<ReferenceForm>,
    #[serde(default, rename = "proof")]
    pub(crate) proofs: Vec<ProofForm>,
}

/// `[[proof]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofForm {
    pub(crate) system: Spanned<String>,
    pub(crate) vk_sha256: Spanned<String>,
}

/// The default of what is on unless a policy says otherwise.
const fn yes() -> bool {
    true
}

/// `[freshness]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FreshnessForm {
    pub(crate) max_age: Spanned<String>,
}

/// `[revocation]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationForm {
    amazon: Option<RevocationModeForm>,
    amd: Option<RevocationModeForm>,
    intel: Option<RevocationModeForm>,
    nvidia: Option<RevocationModeForm>,
}

/// A mode, as written.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RevocationModeForm {
    Required,
    BestEffort,
    Off,
}

impl RevocationForm {
    /// What the document says, else the defaults.
    pub(crate) fn with_defaults(&self) -> Revocation {
        let or = |said: Option<RevocationModeForm>, default| match said {
            Some(RevocationModeForm::Required) => RevocationMode::Required,
            Some(RevocationModeForm::BestEffort) => RevocationMode::BestEffort,
            Some(RevocationModeForm::Off) => RevocationMode::Off,
            None => default,
        };
        let default = revocation::DEFAULT;
        Revocation {
            amazon: or(self.amazon, default.amazon),
            amd: or(self.amd, default.amd),
            intel: or(self.intel, default.intel),
            nvidia: or(self.nvidia, default.nvidia),
        }
    }
}

/// `[[platform]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlatformForm {
    pub(crate) name: Spanned<String>,
    pub(crate) primary: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) devices: Vec<DevicesForm>,
    #[serde(default)]
    pub(crate) attached: Vec<DevicesForm>,
    #[serde(default, rename = "rule")]
    pub(crate) rules: Vec<RuleForm>,
}

/// A member of `devices`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevicesForm {
    pub(crate) kind: Spanned<String>,
    pub(crate) min: Option<u16>,
    pub(crate) max: Option<u16>,
}

/// `[[rule]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleForm {
    pub(crate) id: Spanned<String>,
    pub(crate) claim: Spanned<String>,
    pub(crate) operator: Spanned<String>,
    pub(crate) value: Option<Spanned<Toml>>,
    pub(crate) reference: Option<Spanned<String>>,
    pub(crate) rationale: String,
    #[serde(default)]
    pub(crate) controls: Vec<String>,
}

/// `[[group]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupForm {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) when: Vec<ConditionForm>,
    #[serde(default, rename = "rule")]
    pub(crate) rules: Vec<RuleForm>,
}

/// A member of `when`: a comparison with values that stand there, since a group does not come and go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionForm {
    pub(crate) claim: Spanned<String>,
    pub(crate) operator: Spanned<String>,
    pub(crate) value: Spanned<Toml>,
}

/// `[[reference]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReferenceForm {
    pub(crate) name: Spanned<String>,
    #[serde(default, rename = "value")]
    pub(crate) values: Vec<ReferenceValueForm>,
}

/// `[[reference.value]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReferenceValueForm {
    pub(crate) value: Spanned<Toml>,
    pub(crate) not_before: Option<Spanned<Toml>>,
    pub(crate) retire_at: Option<Spanned<Toml>>,
    pub(crate) note: Option<String>,
}

/// A preset: rules and groups, and nothing else.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PresetForm {
    #[serde(rename = "rule")]
    pub(crate) rules: Vec<RuleForm>,
    #[serde(default, rename = "group")]
    pub(crate) groups: Vec<GroupForm>,
}
