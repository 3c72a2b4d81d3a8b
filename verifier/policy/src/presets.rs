//! Presets: named bundles of rules that ship with the crate. A rule of a preset enters a policy as `preset/id`, or as
//! `preset/group/id` where it is about a group.
//!
//! What stands under a name never changes, because approvers sign digests of policies that contain it: a better bundle
//! gets a new name, and a test holds the digest of each.

use crate::{Problem, document::PresetForm};

/// Every preset by name, with its text.
static PRESETS: [(&str, &str); 8] = [
    ("amd-sev-snp", include_str!("../presets/amd-sev-snp.toml")),
    ("amd-sev-snp-2026-10-strict", include_str!("../presets/amd-sev-snp-2026-10-strict.toml")),
    ("amd-sev-snp-sb-3019", include_str!("../presets/amd-sev-snp-sb-3019.toml")),
    ("aws-nitro-enclave", include_str!("../presets/aws-nitro-enclave.toml")),
    ("aws-nitrotpm", include_str!("../presets/aws-nitrotpm.toml")),
    ("intel-tdx", include_str!("../presets/intel-tdx.toml")),
    ("intel-tdx-2026-10-strict", include_str!("../presets/intel-tdx-2026-10-strict.toml")),
    ("nvidia-gpu", include_str!("../presets/nvidia-gpu.toml")),
];

/// The names of the presets, sorted.
pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// The text of a preset, as TOML with the `[[rule]]` of policies.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
}

/// Where texts of presets come from: [`text`], but for tests.
pub(crate) type Library<'a> = &'a dyn Fn(&str) -> Option<&'static str>;

/// The rules and groups of a preset.
pub(crate) fn load(name: &str, library: Library<'_>) -> Result<PresetForm, Problem> {
    let text = library(name).ok_or_else(|| Problem::UnknownPreset { name: name.chars().take(128).collect() })?;
    toml::from_str(text).map_err(|error| Problem::Syntax(error.message().to_owned()))
}
