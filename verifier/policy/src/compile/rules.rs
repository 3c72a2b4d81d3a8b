//! Rules: the claim by the dictionary, the operator by the claim's type, the values by both.

use std::sync::Arc;

use prooftrail_result::claims::{ClaimType, Value};
use toml::{Spanned, Value as Toml};

use super::references::References;
use crate::{
    ClaimPattern, NameOf, Operator, Problem, Rule,
    document::{
        ConditionForm, RuleForm, check_name,
        literal::{read_value, read_value_or_list},
    },
    error::Located,
    rule::Operand,
    value_set::{ValueSet, Window},
};

/// A rule, with its values typed by its claim.
pub(super) fn resolve_rule(form: &RuleForm, references: &mut References<'_>) -> Result<Rule, Located> {
    let RuleForm { id, claim, operator: operator_name, value, reference, rationale, controls } = form;
    let checked_id = check_name(NameOf::Rule, id)?;
    let (pattern, operator) = resolve_operator(claim, operator_name)?;
    let claim_type = pattern.claim_type();
    let operand = match (value, reference) {
        (None, None) => return Err(Located::at(id.span(), Problem::ValueMissing)),
        (Some(_), Some(reference)) => {
            return Err(Located::at(reference.span(), Problem::ValueAndReference));
        }
        (Some(value), None) => resolve_value(value, claim.get_ref(), claim_type, operator)?,
        (None, Some(reference)) if !operator.takes_many() => {
            return Err(Located::at(reference.span(), Problem::ReferenceNotAllowed(operator)));
        }
        (None, Some(reference)) => Operand::Many {
            reference: Some(reference.get_ref().as_str().into()),
            values: references.typed(reference, claim.get_ref(), claim_type)?,
        },
    };
    let mut controls: Vec<Box<str>> = controls.iter().map(|control| control.as_str().into()).collect();
    controls.sort_unstable();
    controls.dedup();
    Ok(Rule {
        id: checked_id,
        claim: pattern,
        operator,
        operand,
        rationale: rationale.as_str().into(),
        controls: controls.into(),
        group: None,
    })
}

/// A condition of a group, as a rule whose id is the group's name.
pub(super) fn resolve_condition(form: &ConditionForm, group: &str) -> Result<Rule, Located> {
    let ConditionForm { claim, operator, value } = form;
    let (pattern, operator) = resolve_operator(claim, operator)?;
    Ok(Rule {
        id: group.into(),
        claim: pattern,
        operator,
        operand: resolve_value(value, claim.get_ref(), pattern.claim_type(), operator)?,
        rationale: "".into(),
        controls: Box::default(),
        group: None,
    })
}

/// A claim, and an operator that applies to it.
fn resolve_operator(claim: &Spanned<String>, name: &Spanned<String>) -> Result<(ClaimPattern, Operator), Located> {
    let pattern: ClaimPattern =
        claim.get_ref().parse().map_err(|problem: Problem| Located::at(claim.span(), problem))?;
    let operator: Operator = name.get_ref().parse().map_err(|problem: Problem| Located::at(name.span(), problem))?;
    let claim_type = pattern.claim_type();
    if !operator.applies_to(claim_type) {
        let problem = Problem::OperatorType { operator, claim: claim.get_ref().clone(), claim_type };
        return Err(Located::at(name.span(), problem));
    }
    Ok((pattern, operator))
}

/// The values that a rule lists itself.
fn resolve_value(
    value: &Spanned<Toml>,
    claim: &str,
    claim_type: ClaimType,
    operator: Operator,
) -> Result<Operand, Located> {
    let located = |problem| Located::at(value.span(), problem);
    match (operator.takes_many(), value.get_ref()) {
        (true, Toml::Array(members)) => {
            // `subset-of []` is the one empty list that says something: the claim's list is empty.
            if members.is_empty() && operator != Operator::SubsetOf {
                return Err(located(Problem::ValueEmpty(operator)));
            }
            let member_type = claim_type.member().unwrap_or(claim_type);
            let values = members.iter().map(|member| Ok((read_value(claim, member_type, member)?, Window::default())));
            let values = values.collect::<Result<Vec<_>, _>>().map_err(located)?;
            Ok(Operand::Many { reference: None, values: Arc::new(ValueSet::new(member_type, values)) })
        }
        (true, _) => Err(located(Problem::ValueNotList(operator))),
        (false, Toml::Array(_)) if claim_type.member().is_none() => Err(located(Problem::ValueIsList(operator))),
        (false, single) => match (operator, read_value_or_list(claim, claim_type, single).map_err(located)?) {
            (Operator::HasBits | Operator::LacksBits, Value::Mask(0)) => Err(located(Problem::NoBits(operator))),
            (_, value) => Ok(Operand::One(value)),
        },
    }
}
