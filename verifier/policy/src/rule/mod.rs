//! A rule: one claim, an operator, what to compare with. Its outcome has three values: an absent claim is neither
//! satisfied nor violated, and only satisfied counts.
//!
//! In: claims and an instant. Out: [`RuleOutcome`]. A satisfied rule allocates nothing.

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use prooftrail_result::{
    Reason, ReasonCode, Timestamp,
    claims::{ClaimName, Claims, Value},
};

use crate::{
    ClaimPattern, Operator,
    claim_pattern::DeviceCounts,
    value_set::{Covered, ValueSet},
};

/// A rule of a compiled policy.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) id: Box<str>,
    pub(crate) claim: ClaimPattern,
    pub(crate) operator: Operator,
    pub(crate) operand: Operand,
    pub(crate) rationale: Box<str>,
    pub(crate) controls: Box<[Box<str>]>,
    /// The group whose evidence it is about; all evidence where there is none.
    pub(crate) group: Option<Arc<str>>,
}

/// What a rule compares with.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// One value; a list only under `equals`.
    One(Value),
    /// Several, written in the rule or in a reference.
    Many { reference: Option<Box<str>>, values: Arc<ValueSet> },
}

/// How a rule ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RuleOutcome {
    /// It holds.
    Satisfied {
        /// The last instant at which it still does, for the same claims.
        until: Timestamp,
    },
    /// It does not hold.
    Violated {
        /// What the evidence has.
        have: String,
        /// What would have been accepted.
        need: String,
    },
    /// Nothing can be said; this does not satisfy the rule.
    Indeterminate {
        /// What is missing.
        missing: Missing,
    },
}

/// What a rule found missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Missing {
    /// This claim was not established.
    Claim(ClaimName),
    /// There is no device to quantify over.
    Devices(ClaimPattern),
    /// No value of the reference counts at this instant.
    ActiveValues,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(name) => write!(f, "`{name}` was not established"),
            Self::Devices(pattern) => {
                write!(f, "there is no device that `{pattern}` could speak of")
            }
            Self::ActiveValues => f.write_str("no value of the reference counts at this instant"),
        }
    }
}

/// How one value compares.
enum Comparison {
    Holds { until: Timestamp },
    Fails,
    NothingActive,
}

impl From<Option<Timestamp>> for Comparison {
    fn from(until: Option<Timestamp>) -> Self {
        until.map_or(Self::Fails, |until| Self::Holds { until })
    }
}

impl From<bool> for Comparison {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds { until: Timestamp::MAX } } else { Self::Fails }
    }
}

impl Rule {
    /// Its stable id; `preset/id` for a rule that a preset brought.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The group of evidence that it is about; `None` where it is about all evidence.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// What it speaks of.
    #[must_use]
    pub const fn claim(&self) -> ClaimPattern {
        self.claim
    }

    /// How it compares.
    #[must_use]
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// The reference it compares with, where it does not list its values itself.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        match &self.operand {
            Operand::Many { reference, .. } => reference.as_deref(),
            Operand::One(_) => None,
        }
    }

    /// Why it exists.
    #[must_use]
    pub fn rationale(&self) -> &str {
        &self.rationale
    }

    /// The controls it serves, such as `SOC2 CC6.1`, sorted.
    pub fn controls(&self) -> impl ExactSizeIterator<Item = &str> {
        self.controls.iter().map(AsRef::as_ref)
    }

    /// Compares the claims of an evidence set.
    pub(crate) fn evaluate(&self, claims: &Claims, devices: DeviceCounts, at: Timestamp) -> RuleOutcome {
        let devices = match self.claim {
            ClaimPattern::One(_) => 1,
            ClaimPattern::EveryDevice(name) => devices.in_family(name.family()),
        };
        let mut missing = (devices == 0).then_some(Missing::Devices(self.claim));
        let mut until = Timestamp::MAX;
        for device in 0..devices {
            let name = match self.claim {
                ClaimPattern::One(name) => name,
                ClaimPattern::EveryDevice(name) => name.with_device(device),
            };
            match claims.get(name).map(|value| (value, self.compare(value, at))) {
                None => missing = missing.or(Some(Missing::Claim(name))),
                Some((_, Comparison::Holds { until: this })) => until = until.min(this),
                Some((_, Comparison::NothingActive)) => {
                    missing = missing.or(Some(Missing::ActiveValues));
                }
                Some((value, Comparison::Fails)) => {
                    let have = match self.claim {
                        ClaimPattern::One(_) => value.to_string(),
                        ClaimPattern::EveryDevice(_) => format!("{name} = {value}"),
                    };
                    return RuleOutcome::Violated { have, need: self.need(at) };
                }
            }
        }
        missing.map_or(RuleOutcome::Satisfied { until }, |missing| RuleOutcome::Indeterminate { missing })
    }

    /// Compares one value. A value of another type than the claim's satisfies nothing.
    fn compare(&self, have: &Value, at: Timestamp) -> Comparison {
        match (self.operator, &self.operand, have) {
            (Operator::Equals, Operand::One(value), have) => is_same(value, have).into(),
            (Operator::AtLeast, Operand::One(least), have) => in_order(least, have).into(),
            (Operator::AtMost, Operand::One(most), have) => in_order(have, most).into(),
            (Operator::HasBits, Operand::One(Value::Mask(bits)), Value::Mask(have)) => (have & bits == *bits).into(),
            (Operator::LacksBits, Operand::One(Value::Mask(bits)), Value::Mask(have)) => (have & bits == 0).into(),
            (Operator::In, Operand::Many { values, .. }, have) => values.admits(have, at).into(),
            (Operator::NotIn, Operand::Many { values, .. }, have) => values.stays_out_until(have, at).into(),
            (Operator::SubsetOf, Operand::Many { values, .. }, Value::List(members)) => {
                earliest(members.iter().map(|member| values.admits(member, at))).into()
            }
            (Operator::ContainsNone, Operand::Many { values, .. }, Value::List(members)) => {
                earliest(members.iter().map(|member| values.stays_out_until(member, at))).into()
            }
            (Operator::ContainsAll, Operand::Many { values, .. }, Value::List(members)) => {
                match values.is_covered_by(members, at) {
                    Covered::Until(until) => Comparison::Holds { until },
                    Covered::No => Comparison::Fails,
                    Covered::NothingActive => Comparison::NothingActive,
                }
            }
            _ => Comparison::Fails,
        }
    }

    /// What would be accepted at that instant, in words; of many values the first few.
    fn need(&self, at: Timestamp) -> String {
        const SHOWN: usize = 8;
        match &self.operand {
            Operand::One(value) => match self.operator {
                Operator::AtLeast => format!("at least {value}"),
                Operator::AtMost => format!("at most {value}"),
                Operator::HasBits => format!("every bit of {value} set"),
                Operator::LacksBits => format!("no bit of {value} set"),
                _ => value.to_string(),
            },
            Operand::Many { reference, values } => {
                let quantity = match self.operator {
                    Operator::In => "one of",
                    Operator::ContainsAll => "all of",
                    Operator::SubsetOf => "nothing but",
                    _ => "none of",
                };
                let mut need = quantity.to_owned();
                if let Some(reference) = reference {
                    need.push_str(&format!(" `{reference}`:"));
                }
                let mut active = values.written().filter(|entry| entry.window.is_active(at));
                for (place, entry) in active.by_ref().take(SHOWN).enumerate() {
                    need.push_str(if place == 0 { " " } else { ", " });
                    need.push_str(&entry.value.to_string());
                }
                if active.next().is_some() {
                    need.push_str(", …");
                }
                need
            }
        }
    }

    /// The reason of a refusal, where the rule is not satisfied.
    pub(crate) fn reason(&self, outcome: RuleOutcome) -> Option<Reason> {
        let Self { id, claim, operator, .. } = self;
        match outcome {
            RuleOutcome::Satisfied { .. } => None,
            RuleOutcome::Violated { have, need } => {
                let detail = format!("`{claim}` does not satisfy the rule `{id}` ({operator})");
                Some(Reason::new(ReasonCode::PolicyRuleViolated, detail).have(have).need(need).rule(&**id))
            }
            RuleOutcome::Indeterminate { missing } => {
                let detail = format!("the rule `{id}` is not satisfied: {missing}");
                Some(Reason::new(ReasonCode::PolicyClaimAbsent, detail).need(format_args!("`{claim}`")).rule(&**id))
            }
        }
    }
}

/// The same value, or lists of the same values in the same order.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b)),
        _ => a.is_same(b),
    }
}

/// Whether two numbers or two instants stand in ascending order.
fn in_order(low: &Value, high: &Value) -> bool {
    match (low, high) {
        (Value::Int(low), Value::Int(high)) => low <= high,
        (Value::Time(low) | Value::TimeMillis(low), Value::Time(high) | Value::TimeMillis(high)) => low <= high,
        _ => false,
    }
}

/// The earliest of all, or nothing where one is missing.
fn earliest(mut instants: impl Iterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    instants.try_fold(Timestamp::MAX, |earliest, instant| instant.map(|instant| instant.min(earliest)))
}
