//! A compiled policy: every name resolved, every value typed, presets merged, every default explicit. It is immutable
//! and cheap to share; the `digest` module says what its digest covers.

use prooftrail_evidence::Revocation;
use prooftrail_result::{
    Kind, Timestamp,
    claims::{ClaimId, ClaimName, ClaimType, Claims, Value},
};

use crate::{ClaimPattern, Group, Platform, Rule, RuleOutcome, claim_pattern::DeviceCounts, value_set::Window};

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
    pub(crate) allow_issuer_keys: bool,
    pub(crate) require_nonce: bool,
    pub(crate) require_binding: bool,
    /// Sorted.
    pub(crate) roots: Box<[[u8; 32]]>,
    pub(crate) max_age_seconds: Option<i64>,
    pub(crate) revocation: Revocation,
    /// Sorted by name.
    pub(crate) platforms: Box<[Platform]>,
    /// Sorted by id; those of groups among them.
    pub(crate) rules: Box<[Rule]>,
    /// Sorted by name.
    pub(crate) groups: Box<[Group]>,
    /// Sorted by name.
    pub(crate) references: Box<[Reference]>,
    /// Sorted; none where any proof may be recorded.
    pub(crate) proofs: Box<[ProofPin]>,
}

/// A proof system with a verifying key: the circuit of which proofs may be recorded under a policy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ProofPin {
    /// The name of the system, such as `groth16-bn254`.
    pub system: Box<str>,
    /// The digest of the verifying key: the canonical one of docs/proofs.md where this build verifies the system, else the
    /// SHA-256 of the key's bytes.
    pub vk_sha256: [u8; 32],
}

/// A reference value, for reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pin<'a> {
    /// The name of its set.
    pub reference: &'a str,
    /// As it was written.
    pub value: &'a str,
    /// What its author says it is.
    pub note: Option<&'a str>,
    /// From when on it counts; always where there is none.
    pub not_before: Option<Timestamp>,
    /// From when on it counts no more.
    pub retire_at: Option<Timestamp>,
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

    /// The circuits of which proofs may be recorded, sorted; empty where the policy names none and so allows any.
    #[must_use]
    pub const fn proofs(&self) -> &[ProofPin] {
        &self.terms.proofs
    }

    /// Whether a proof of that system under that verifying key may be recorded for a release under this policy. Where the
    /// policy names circuits, a proof whose system or key is not known is none of them.
    #[must_use]
    pub fn allows_proof(&self, system: Option<&str>, vk_sha256: Option<&[u8; 32]>) -> bool {
        let allowed = |pin: &ProofPin| Some(&*pin.system) == system && Some(&pin.vk_sha256) == vk_sha256;
        self.terms.proofs.is_empty() || self.terms.proofs.iter().any(allowed)
    }

    /// Whether any rule, of the policy or of a platform, or any condition of a group, is about a claim of that line of the dictionary.
    #[must_use]
    pub fn asks_for(&self, claim: ClaimId) -> bool {
        let platforms = self.terms.platforms.iter().flat_map(|platform| &platform.rules);
        let groups = self.terms.groups.iter().flat_map(|group| &group.when);
        self.terms.rules.iter().chain(platforms).chain(groups).any(|rule| rule.claim().name().id() == claim)
    }

    /// Whether the rules that hold for all evidence of some platform name that value of a claim, with `equals` or `in`, and none
    /// of them refuses it: for whoever is to decide whom to ask before the evidence is appraised.
    #[must_use]
    pub fn names(&self, claim: ClaimName, value: Value, at: Timestamp) -> bool {
        let mut claims = Claims::default();
        claims.insert(claim, value);
        let holds =
            |rule: &Rule| matches!(rule.evaluate(&claims, DeviceCounts::default(), at), RuleOutcome::Satisfied { .. });
        self.platforms().iter().any(|platform| {
            let rules = self.rules().iter().filter(|rule| rule.group().is_none()).chain(platform.rules());
            let about: Vec<_> = rules.filter(|rule| rule.claim() == ClaimPattern::One(claim)).collect();
            about.iter().any(|rule| rule.operator().pins()) && about.into_iter().all(holds)
        })
    }

    /// The first platform whose shape a set of those kinds has.
    #[must_use]
    pub fn platform_of(&self, kinds: &[Kind]) -> Option<&Platform> {
        self.terms.platforms.iter().find(|platform| platform.fits(kinds))
    }

    /// The reference values, sorted by the names of their sets.
    pub fn pins(&self) -> impl Iterator<Item = Pin<'_>> {
        self.terms.references.iter().flat_map(|reference| {
            reference.values.iter().map(|value| Pin {
                reference: &reference.name,
                value: &value.written,
                note: value.note.as_deref(),
                not_before: value.window.not_before,
                retire_at: value.window.retire_at,
            })
        })
    }

    /// The groups of evidence that rules are about, sorted by name.
    #[must_use]
    pub const fn groups(&self) -> &[Group] {
        &self.terms.groups
    }

    /// The rules that hold for every platform, presets and groups included, sorted by id.
    #[must_use]
    pub const fn rules(&self) -> &[Rule] {
        &self.terms.rules
    }
}
