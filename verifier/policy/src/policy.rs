//! A compiled policy: every name resolved, every value typed, presets merged, every default explicit. It is immutable
//! and cheap to share; the `digest` module says what its digest covers.

use prooftrail_evidence::Revocation;
use prooftrail_result::claims::{ClaimType, Value};

use crate::{Platform, Rule, value_set::Window};

/// A policy that evidence can be appraised against.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) terms: Terms,
    pub(crate) digest: [u8; 48],
}

/// Everything that the digest covers.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) name: Box<str>,
    pub(crate) rationale: Box<str>,
    pub(crate) allow_debug: bool,
    pub(crate) allow_simulated: bool,
    pub(crate) allow_unknown_fields: bool,
    pub(crate) require_nonce: bool,
    pub(crate) require_binding: bool,
    /// Sorted.
    pub(crate) roots: Box<[[u8; 32]]>,
    pub(crate) max_age_seconds: Option<i64>,
    pub(crate) revocation: Revocation,
    /// Sorted by name.
    pub(crate) platforms: Box<[Platform]>,
    /// Sorted by id.
    pub(crate) rules: Box<[Rule]>,
    /// Sorted by name.
    pub(crate) references: Box<[Reference]>,
}

/// A set of reference values, as defined.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) name: Box<str>,
    pub(crate) values: Box<[ReferenceValue]>,
    pub(crate) is_used: bool,
}

/// A reference value.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceValue {
    /// As it was written.
    pub(crate) written: Box<str>,
    /// Typed, once for each type of claim that is compared with it; as TOML types it where none is.
    pub(crate) forms: Vec<(ClaimType, Value)>,
    pub(crate) window: Window,
    pub(crate) note: Option<Box<str>>,
}

impl Policy {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.terms.name
    }

    /// Why it exists.
    #[must_use]
    pub fn rationale(&self) -> &str {
        &self.terms.rationale
    }

    /// SHA-384 of the canonical form of everything the policy says, notes and rationales included. Comments, order,
    /// spelling of hex and of instants do not change it; docs/policy.md defines the form.
    #[must_use]
    pub const fn digest(&self) -> [u8; 48] {
        self.digest
    }

    /// Whether debug evidence is accepted.
    #[must_use]
    pub const fn allows_debug(&self) -> bool {
        self.terms.allow_debug
    }

    /// Whether evidence of simulators is accepted.
    #[must_use]
    pub const fn allows_simulated(&self) -> bool {
        self.terms.allow_simulated
    }

    /// Whether a nonce must have been checked.
    #[must_use]
    pub const fn requires_nonce(&self) -> bool {
        self.terms.require_nonce
    }

    /// Whether a binding must have been checked.
    #[must_use]
    pub const fn requires_binding(&self) -> bool {
        self.terms.require_binding
    }

    /// The greatest age of evidence, in seconds; `None` where it is not limited.
    #[must_use]
    pub const fn max_age_seconds(&self) -> Option<i64> {
        self.terms.max_age_seconds
    }

    /// The SHA-256 of the silicon roots that may stand behind evidence, sorted.
    #[must_use]
    pub const fn roots(&self) -> &[[u8; 32]] {
        &self.terms.roots
    }

    /// What is demanded of revocation data: for a caller to fetch, and for the authentication's context.
    #[must_use]
    pub const fn revocation(&self) -> Revocation {
        self.terms.revocation
    }

    /// The shapes of set that are accepted, sorted by name.
    #[must_use]
    pub const fn platforms(&self) -> &[Platform] {
        &self.terms.platforms
    }

    /// The rules that hold for every platform, presets included, sorted by id.
    #[must_use]
    pub const fn rules(&self) -> &[Rule] {
        &self.terms.rules
    }
}
