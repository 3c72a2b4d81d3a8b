//! From a document to a policy: presets merged, names resolved, values typed by the dictionary, defaults made explicit,
//! sets sorted. Whatever could make a rule say less than its author meant is an error here.
//!
//! In: [`PolicyDocument`] and the roots that the verifier trusts. Out: [`Policy`], or the first problem with its place.

mod groups;
mod references;
mod rules;
#[cfg(test)]
mod tests;

use prooftrail_result::Kind;
use toml::Spanned;

use crate::{
    DeviceRange, NameOf, Platform, Policy, PolicyDocument, PolicyError, Problem, digest,
    document::{
        DevicesForm, GroupForm, MAX_RULES, MAX_VALUES, PlatformForm, PolicyForm, ProofForm, RuleForm, check_name,
        literal::{read_duration, read_root, read_verifying_key},
    },
    error::Located,
    policy::{ProofPin, Terms},
    presets::{self, Library},
};
use groups::resolve_group;
use references::References;
use rules::resolve_rule;

impl PolicyDocument {
    /// Resolves the document. `trusted_roots` are the SHA-256 of the roots that the verifier trusts (pinned ones and
    /// those an operator configured); they are the policy's where it lists none itself.
    ///
    /// # Errors
    /// [`PolicyError`] for the first problem found: a name that is unknown or defined twice, a value that is not of its
    /// claim's type, an operator that does not apply, a shape that no set can have, or a cap exceeded.
    pub fn compile(&self, trusted_roots: &[[u8; 32]]) -> Result<Policy, PolicyError> {
        self.compile_with(trusted_roots, &presets::text)
    }

    /// As [`Self::compile`], with presets out of a library.
    pub(crate) fn compile_with(&self, trusted_roots: &[[u8; 32]], library: Library<'_>) -> Result<Policy, PolicyError> {
        let terms = resolve(&self.form, trusted_roots, library).map_err(|located| located.in_text(&self.text))?;
        Ok(Policy { digest: digest::of(&terms), terms })
    }
}

/// Resolves every part of the document.
fn resolve(form: &PolicyForm, trusted_roots: &[[u8; 32]], library: Library<'_>) -> Result<Terms, Located> {
    let name = check_name(NameOf::Policy, &form.name)?;
    let presets = load_presets(&form.presets, library)?;
    check_caps(form, &presets)?;
    let mut references = References::resolve(&form.references)?;

    let (mut rules, mut groups) = (Vec::new(), Vec::new());
    for Preset { name, rules: preset_rules, groups: preset_groups, span } in &presets {
        // A preset's own places mean nothing to the reader of the policy; its name does.
        let here = |located| Located { offset: Some(span.start), ..located };
        for rule in preset_rules {
            let mut rule = resolve_rule(rule, &mut references).map_err(here)?;
            rule.id = format!("{name}/{}", rule.id).into();
            rules.push(rule);
        }
        for group in preset_groups {
            if !groups::has_its_references(group, &references) {
                continue;
            }
            let (group, group_rules) = resolve_group(group, name, &mut references).map_err(here)?;
            groups.push(group);
            rules.extend(group_rules);
        }
    }
    for group in &form.groups {
        let (group, group_rules) = resolve_group(group, "", &mut references)?;
        groups.push(group);
        rules.extend(group_rules);
    }
    // Ids are `preset/rule` and `group/rule`: of one name, they could not be told apart.
    check_unique(NameOf::Group, form.presets.iter().chain(form.groups.iter().map(|group| &group.name)))?;
    let mut ids = Vec::new();
    for rule in &form.rules {
        rules.push(resolve_rule(rule, &mut references)?);
        ids.push(&rule.id);
    }
    let mut platforms = Vec::new();
    for platform in &form.platforms {
        platforms.push(resolve_platform(platform, &mut references)?);
        ids.extend(platform.rules.iter().map(|rule| &rule.id));
    }
    if platforms.is_empty() {
        return Err(Located::anywhere(Problem::NoPlatform));
    }
    check_unique(NameOf::Rule, ids)?;
    check_unique(NameOf::Platform, form.platforms.iter().map(|platform| &platform.name))?;
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    platforms.sort_by(|a, b| a.name.cmp(&b.name));

    let max_age_seconds = form.freshness.as_ref().map(|freshness| {
        let max_age = &freshness.max_age;
        read_duration(max_age.get_ref()).map_err(|problem| Located::at(max_age.span(), problem))
    });
    Ok(Terms {
        name,
        rationale: form.rationale.as_str().into(),
        allow_debug: form.allow_debug,
        allow_simulated: form.allow_simulated,
        allow_unknown_fields: form.allow_unknown_fields,
        allow_issuer_keys: form.allow_issuer_keys,
        require_nonce: form.require_nonce,
        require_binding: form.require_binding,
        roots: resolve_roots(form.roots.as_deref(), trusted_roots)?,
        max_age_seconds: max_age_seconds.transpose()?,
        revocation: form.revocation.with_defaults(),
        platforms: platforms.into(),
        rules: rules.into(),
        groups: groups.into(),
        references: references.finish(),
        proofs: resolve_proofs(&form.proofs)?,
    })
}

/// The circuits of which proofs may be recorded, each once.
fn resolve_proofs(forms: &[ProofForm]) -> Result<Box<[ProofPin]>, Located> {
    let mut pins = std::collections::BTreeSet::new();
    for ProofForm { system, vk_sha256: written } in forms {
        let vk_sha256 =
            read_verifying_key(written.get_ref()).map_err(|problem| Located::at(written.span(), problem))?;
        if !pins.insert(ProofPin { system: check_name(NameOf::ProofSystem, system)?, vk_sha256 }) {
            let name = hex::encode(vk_sha256);
            return Err(Located::at(written.span(), Problem::Duplicate { of: NameOf::VerifyingKey, name }));
        }
    }
    Ok(pins.into_iter().collect())
}

/// A preset that the policy names.
struct Preset<'a> {
    name: &'a str,
    span: std::ops::Range<usize>,
    rules: Vec<RuleForm>,
    groups: Vec<GroupForm>,
}

/// Loads the presets that the policy names, each once.
fn load_presets<'a>(names: &'a [Spanned<String>], library: Library<'_>) -> Result<Vec<Preset<'a>>, Located> {
    check_unique(NameOf::Preset, names)?;
    let load = |name: &'a Spanned<String>| {
        let form = presets::load(name.get_ref(), library).map_err(|problem| Located::at(name.span(), problem))?;
        Ok(Preset { name: name.get_ref(), span: name.span(), rules: form.rules, groups: form.groups })
    };
    names.iter().map(load).collect()
}

/// Refuses more rules or values than the caps allow, before any is resolved. A condition of a group counts as a rule.
fn check_caps(form: &PolicyForm, presets: &[Preset<'_>]) -> Result<(), Located> {
    let groups = || form.groups.iter().chain(presets.iter().flat_map(|preset| &preset.groups));
    let own = form.rules.iter().chain(form.platforms.iter().flat_map(|platform| &platform.rules));
    let rules =
        own.chain(presets.iter().flat_map(|preset| &preset.rules)).chain(groups().flat_map(|group| &group.rules));
    let conditions = || groups().flat_map(|group| &group.when);
    let found = rules.clone().count() + conditions().count();
    if found > MAX_RULES {
        return Err(Located::anywhere(Problem::TooManyRules { found, max: MAX_RULES }));
    }
    let inline = rules.filter_map(|rule| rule.value.as_ref()).chain(conditions().map(|condition| &condition.value));
    let inline = inline.filter_map(|value| value.get_ref().as_array()).map(Vec::len);
    let referenced = form.references.iter().map(|reference| reference.values.len());
    let found = inline.chain(referenced).sum::<usize>() + form.proofs.len();
    if found > MAX_VALUES {
        return Err(Located::anywhere(Problem::TooManyValues { found, max: MAX_VALUES }));
    }
    Ok(())
}

/// Refuses a name that stands there twice, at its second place.
fn check_unique<'a>(of: NameOf, names: impl IntoIterator<Item = &'a Spanned<String>>) -> Result<(), Located> {
    let mut seen = std::collections::BTreeSet::new();
    match names.into_iter().find(|name| !seen.insert(name.get_ref())) {
        Some(twice) => {
            let name = twice.get_ref().chars().take(128).collect();
            Err(Located::at(twice.span(), Problem::Duplicate { of, name }))
        }
        None => Ok(()),
    }
}

/// The roots that the policy lists, else the verifier's.
fn resolve_roots(listed: Option<&[Spanned<String>]>, trusted: &[[u8; 32]]) -> Result<Box<[[u8; 32]]>, Located> {
    let mut roots = match listed {
        Some(listed) => listed
            .iter()
            .map(|root| read_root(root.get_ref()).map_err(|problem| Located::at(root.span(), problem)))
            .collect::<Result<Vec<_>, _>>()?,
        None => trusted.to_vec(),
    };
    roots.sort_unstable();
    roots.dedup();
    if roots.is_empty() { Err(Located::anywhere(Problem::NoRoots)) } else { Ok(roots.into()) }
}

/// A shape with its rules.
fn resolve_platform(form: &PlatformForm, references: &mut References<'_>) -> Result<Platform, Located> {
    let PlatformForm { name, primary, devices, attached, rules } = form;
    let checked_name = check_name(NameOf::Platform, name)?;
    let primary = primary.as_ref().map(|kind| match read_kind(kind) {
        Ok(primary) if primary.is_device() => Err(Located::at(kind.span(), Problem::PrimaryIsDevice(primary))),
        other => other,
    });
    let primary = primary.transpose()?;
    if primary.is_none() && devices.is_empty() {
        return Err(Located::at(name.span(), Problem::PlatformEmpty));
    }
    check_unique(NameOf::Devices, devices.iter().chain(attached).map(|range| &range.kind))?;
    let devices = devices.iter().map(resolve_devices);
    let attached = attached.iter().map(|form| resolve_attached(form, primary));
    let mut devices = devices.chain(attached).collect::<Result<Vec<_>, _>>()?;
    devices.sort_unstable();
    let rules = rules.iter().map(|rule| resolve_rule(rule, references)).collect::<Result<Vec<_>, _>>();
    let mut rules = rules?;
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Platform { name: checked_name, primary, devices: devices.into(), rules: rules.into() })
}

/// One member of `devices`: exactly one piece, unless it says otherwise.
fn resolve_devices(form: &DevicesForm) -> Result<DeviceRange, Located> {
    let kind = read_kind(&form.kind)?;
    if !kind.is_device() {
        return Err(Located::at(form.kind.span(), Problem::DeviceIsCpu(kind)));
    }
    resolve_range(form, kind)
}

/// One member of `attached`: a token about the machine of the primary piece.
fn resolve_attached(form: &DevicesForm, primary: Option<Kind>) -> Result<DeviceRange, Located> {
    let kind = read_kind(&form.kind)?;
    if !primary.is_some_and(|primary| may_stand_beside(kind, primary)) {
        return Err(Located::at(form.kind.span(), Problem::AttachedKind(kind)));
    }
    resolve_range(form, kind)
}

fn resolve_range(form: &DevicesForm, kind: Kind) -> Result<DeviceRange, Located> {
    let min = form.min.unwrap_or(1);
    let max = form.max.unwrap_or(min);
    if max == 0 || max < min {
        return Err(Located::at(form.kind.span(), Problem::DeviceRange { min, max }));
    }
    Ok(DeviceRange { kind, min, max })
}

/// Whether some fact can link a token to hardware's evidence.
pub(crate) const fn may_stand_beside(token: Kind, hardware: Kind) -> bool {
    match token {
        Kind::AzureMaa => matches!(hardware, Kind::AzureSnpVtpm | Kind::AzureTdxVtpm | Kind::AmdSevSnp),
        Kind::IntelTrustAuthority => matches!(hardware, Kind::IntelTdx | Kind::IntelSgx),
        _ => false,
    }
}

/// A kind by its name.
fn read_kind(name: &Spanned<String>) -> Result<Kind, Located> {
    name.get_ref().parse::<Kind>().map_err(|unknown| Located::at(name.span(), unknown))
}
