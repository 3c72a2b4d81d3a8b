//! The operators of rules, and which types of claim each one says something about.

use std::{fmt, str::FromStr};

use prooftrail_result::claims::ClaimType;
use serde::{Serialize, Serializer};

/// How a rule compares a claim. There is no `not-equals`: it is the operator by which policies fail open, and `not-in`
/// says the same; under either an absent claim satisfies nothing.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Operator {
    /// The claim is that value; a list in that order.
    Equals,
    /// The claim is one of the values.
    In,
    /// The claim is none of the values.
    NotIn,
    /// The number is no smaller, or the instant no earlier.
    AtLeast,
    /// The number is no greater, or the instant no later.
    AtMost,
    /// The list has every one of the values.
    ContainsAll,
    /// The list has none of the values.
    ContainsNone,
    /// Everything in the list is one of the values.
    SubsetOf,
    /// Every bit of the mask is set in the register.
    HasBits,
    /// No bit of the mask is set in the register.
    LacksBits,
}

impl Operator {
    /// Every operator, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Equals,
        Self::In,
        Self::NotIn,
        Self::AtLeast,
        Self::AtMost,
        Self::ContainsAll,
        Self::ContainsNone,
        Self::SubsetOf,
        Self::HasBits,
        Self::LacksBits,
    ];

    /// The spelling in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::In => "in",
            Self::NotIn => "not-in",
            Self::AtLeast => "at-least",
            Self::AtMost => "at-most",
            Self::ContainsAll => "contains-all",
            Self::ContainsNone => "contains-none",
            Self::SubsetOf => "subset-of",
            Self::HasBits => "has-bits",
            Self::LacksBits => "lacks-bits",
        }
    }

    /// Whether it says something about claims of that type.
    #[must_use]
    pub const fn applies_to(self, claim_type: ClaimType) -> bool {
        match self {
            Self::Equals => true,
            Self::In | Self::NotIn => claim_type.member().is_none(),
            Self::AtLeast | Self::AtMost => matches!(claim_type, ClaimType::Int | ClaimType::Time),
            Self::ContainsAll | Self::ContainsNone | Self::SubsetOf => claim_type.member().is_some(),
            Self::HasBits | Self::LacksBits => matches!(claim_type, ClaimType::Mask),
        }
    }

    /// The types it applies to, in words.
    #[must_use]
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Equals => "every type",
            Self::In | Self::NotIn => "single values",
            Self::AtLeast | Self::AtMost => "int and time",
            Self::ContainsAll | Self::ContainsNone | Self::SubsetOf => "lists",
            Self::HasBits | Self::LacksBits => "mask",
        }
    }

    /// Whether it compares with several values, and so with a reference, or with one.
    #[must_use]
    pub const fn takes_many(self) -> bool {
        matches!(self, Self::In | Self::NotIn | Self::ContainsAll | Self::ContainsNone | Self::SubsetOf)
    }

    /// Whether a rule with it names what is accepted, and not only what is refused or how far a value may go.
    #[must_use]
    pub const fn pins(self) -> bool {
        matches!(self, Self::Equals | Self::In)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Operator {
    type Err = crate::Problem;

    fn from_str(text: &str) -> Result<Self, crate::Problem> {
        Self::ALL
            .into_iter()
            .find(|operator| operator.as_str() == text)
            .ok_or_else(|| crate::Problem::UnknownOperator(text.chars().take(64).collect()))
    }
}

impl Serialize for Operator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
