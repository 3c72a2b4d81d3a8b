//! Groups: their conditions and their rules.

use std::sync::Arc;

use super::{
    check_unique,
    references::References,
    rules::{resolve_condition, resolve_rule},
};
use crate::{
    Group, NameOf, Problem, Rule,
    document::{GroupForm, check_name},
    error::Located,
};

/// Whether every reference that a preset's group compares with is defined. One whose list the policy does not have, such as
/// of chips that it knows, is left out: no evidence belongs to it.
pub(super) fn has_its_references(form: &GroupForm, references: &References<'_>) -> bool {
    form.rules.iter().filter_map(|rule| rule.reference.as_ref()).all(|name| references.defines(name.get_ref()))
}

/// A group with its rules; `preset` is the one that brings it, empty for the policy's own.
pub(super) fn resolve_group(
    form: &GroupForm,
    preset: &str,
    references: &mut References<'_>,
) -> Result<(Group, Vec<Rule>), Located> {
    let GroupForm { name, when, rules } = form;
    let short = check_name(NameOf::Group, name)?;
    let full: Arc<str> = if preset.is_empty() { short.into() } else { format!("{preset}/{short}").into() };
    if when.is_empty() {
        return Err(Located::at(name.span(), Problem::GroupWithoutCondition(full.to_string())));
    }
    check_unique(NameOf::Rule, rules.iter().map(|rule| &rule.id))?;
    let when = when.iter().map(|condition| resolve_condition(condition, &full)).collect::<Result<_, _>>()?;
    let rules = rules.iter().map(|rule| {
        let rule = resolve_rule(rule, references)?;
        Ok::<_, Located>(Rule { id: format!("{full}/{}", rule.id).into(), group: Some(Arc::clone(&full)), ..rule })
    });
    let rules = rules.collect::<Result<_, _>>()?;
    Ok((Group { name: full, set: preset.into(), when }, rules))
}
