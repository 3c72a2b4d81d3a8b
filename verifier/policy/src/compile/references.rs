//! Sets of reference values: their windows when they are defined, their types when rules compare claims with them.

use std::sync::Arc;

use prooftrail_result::claims::{ClaimType, Value};
use toml::{Spanned, Value as Toml};

use super::check_unique;
use crate::{
    NameOf, Problem,
    document::{
        ReferenceForm, check_name,
        literal::{read_instant, read_value},
    },
    error::Located,
    policy::{Reference, ReferenceValue},
    value_set::{ValueSet, Window},
};

/// The reference sets, typed where rules ask for it.
pub(super) struct References<'a> {
    forms: &'a [ReferenceForm],
    resolved: Vec<Reference>,
    /// Place in `forms`, type of claim, values.
    typed: Vec<(usize, ClaimType, Arc<ValueSet>)>,
}

impl<'a> References<'a> {
    /// Resolves names and windows; the values' types depend on the claims they are compared with.
    pub(super) fn resolve(forms: &'a [ReferenceForm]) -> Result<Self, Located> {
        check_unique(NameOf::Reference, forms.iter().map(|form| &form.name))?;
        let mut resolved = Vec::with_capacity(forms.len());
        for form in forms {
            let name = check_name(NameOf::Reference, &form.name)?;
            if form.values.is_empty() {
                return Err(Located::at(form.name.span(), Problem::ReferenceEmpty(name.into())));
            }
            let values = form.values.iter().map(|value| {
                let instant = |toml: &Option<Spanned<Toml>>| {
                    let read = |toml: &Spanned<Toml>| {
                        read_instant(toml.get_ref()).map_err(|problem| Located::at(toml.span(), problem))
                    };
                    toml.as_ref().map(read).transpose()
                };
                Ok(ReferenceValue {
                    written: written(value.value.get_ref())
                        .ok_or_else(|| Located::at(value.value.span(), Problem::ReferenceValueType))?,
                    forms: Vec::new(),
                    window: Window { not_before: instant(&value.not_before)?, retire_at: instant(&value.retire_at)? },
                    note: value.note.as_deref().map(Into::into),
                })
            });
            resolved.push(Reference { name, values: values.collect::<Result<_, Located>>()?, is_used: false });
        }
        Ok(Self { forms, resolved, typed: Vec::new() })
    }

    /// Whether there is a reference of that name.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.forms.iter().any(|form| form.name.get_ref() == name)
    }

    /// The values of a reference as values of a claim's type; shared by all rules that ask for the same.
    pub(super) fn typed(
        &mut self,
        name: &Spanned<String>,
        claim: &str,
        claim_type: ClaimType,
    ) -> Result<Arc<ValueSet>, Located> {
        let claim_type = claim_type.member().unwrap_or(claim_type);
        let unknown =
            || Located::at(name.span(), Problem::UnknownReference(name.get_ref().chars().take(128).collect()));
        let place = self.forms.iter().position(|form| form.name.get_ref() == name.get_ref()).ok_or_else(unknown)?;
        if let Some((_, _, values)) = self.typed.iter().find(|(at, of, _)| *at == place && *of == claim_type) {
            return Ok(Arc::clone(values));
        }
        let (form, reference) = self.forms.get(place).zip(self.resolved.get_mut(place)).ok_or_else(unknown)?;
        reference.is_used = true;
        for (form, resolved) in form.values.iter().zip(&mut reference.values) {
            let value = read_value(claim, claim_type, form.value.get_ref())
                .map_err(|problem| Located::at(form.value.span(), problem))?;
            resolved.forms.push((claim_type, value));
        }
        let values = reference.values.iter();
        let values = values.filter_map(|value| Some((value.forms.last()?.1.clone(), value.window)));
        let values = Arc::new(ValueSet::new(claim_type, values));
        self.typed.push((place, claim_type, Arc::clone(&values)));
        Ok(values)
    }

    /// The sets by name; values that no rule compares with are typed as TOML types them.
    pub(super) fn finish(self) -> Box<[Reference]> {
        let Self { forms, mut resolved, .. } = self;
        for (form, reference) in forms.iter().zip(&mut resolved).filter(|(_, reference)| !reference.is_used) {
            for (form, value) in form.values.iter().zip(&mut reference.values) {
                value.forms.push(match form.value.get_ref() {
                    Toml::Boolean(truth) => (ClaimType::Bool, Value::Bool(*truth)),
                    Toml::Integer(number) if *number >= 0 => (ClaimType::Int, Value::Int(number.unsigned_abs())),
                    _ => (ClaimType::Text, Value::Text(value.written.clone())),
                });
            }
        }
        resolved.sort_by(|a, b| a.name.cmp(&b.name));
        resolved.into()
    }
}

/// A single TOML value as it was written; `None` for lists and tables.
fn written(value: &Toml) -> Option<Box<str>> {
    match value {
        Toml::String(text) => Some(text.as_str().into()),
        Toml::Integer(number) => Some(number.to_string().into()),
        Toml::Boolean(truth) => Some(truth.to_string().into()),
        Toml::Datetime(instant) => Some(instant.to_string().into()),
        Toml::Float(_) | Toml::Array(_) | Toml::Table(_) => None,
    }
}
