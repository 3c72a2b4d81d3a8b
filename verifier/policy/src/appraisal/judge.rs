//! The policy stage: a set's claims against a policy's terms. Every check is made and every failure listed; what does not
//! hold, or cannot be told, refuses.
//!
//! In: a policy, the pieces of a set and their claims as one, an instant. Out: [`Judgement`], which is no appraisal: only
//! the parent module makes those, from authentic evidence.

use prooftrail_evidence::RevocationMode;
use prooftrail_result::{
    Check, Kind, Outcome, Reason, ReasonCode, Timestamp, TrustAnchor,
    claims::{Claims, Value, cross_vendor, nitro, nitrotpm},
};

use super::check;
use crate::{
    Platform, Policy, Rule, RuleOutcome,
    claim_pattern::DeviceCounts,
    evidence_set::{self, Discord, Piece},
    group::Membership,
    policy::Terms,
    revocation,
};

/// What is judged: pieces, what they claim as one, and why they may be no set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) pieces: &'a [Piece<'a>],
    pub(crate) claims: &'a Claims,
    pub(crate) discord: Option<&'a Discord>,
}

/// The checks made, why they failed, and until when the verdict holds.
#[derive(Clone, Debug)]
pub(crate) struct Judgement<'p> {
    pub(crate) checks: Vec<Check>,
    pub(crate) reasons: Vec<Reason>,
    /// The platform that the set is, or is compared with.
    pub(crate) platform: Option<&'p Platform>,
    pub(crate) valid_until: Timestamp,
}

impl Judgement<'_> {
    /// Nothing judged yet but what authentication objects to.
    fn begin(subject: Subject<'_>) -> Self {
        let valid_until = subject.pieces.iter().map(|piece| piece.valid_until).min();
        Self {
            checks: Vec::with_capacity(12),
            reasons: subject.pieces.iter().flat_map(|piece| piece.objections).cloned().collect(),
            platform: None,
            valid_until: valid_until.unwrap_or(Timestamp::MAX),
        }
    }

    /// Makes a check: it passes if it adds no reason.
    fn check(&mut self, name: &'static str, make: impl FnOnce(&mut Vec<Reason>)) {
        let before = self.reasons.len();
        make(&mut self.reasons);
        let outcome = if self.reasons.len() == before { Outcome::Passed } else { Outcome::Failed };
        self.checks.push(Check { name, outcome });
    }

    /// Makes a check that the policy asks for, or notes that it does not.
    fn check_if(&mut self, asked: bool, name: &'static str, make: impl FnOnce(&mut Vec<Reason>)) {
        if asked {
            self.check(name, make);
        } else {
            self.checks.push(Check { name, outcome: Outcome::NotPerformed });
        }
    }
}

/// Judges a set without a policy: it is one set, and no debug evidence unless that is allowed.
pub(crate) fn judge_authenticity(subject: Subject<'_>, allow_debug: bool, at: Timestamp) -> Judgement<'static> {
    let mut judgement = Judgement::begin(subject);
    judgement.check(check::SHAPE, |reasons| {
        reasons.extend(subject.discord.map(set_shape));
        reasons.extend(false_topology(subject.claims));
    });
    judgement.check(check::VALIDITY, |reasons| {
        validity(reasons, subject.pieces, at);
    });
    judgement.check_if(!allow_debug, check::DEBUG, |reasons| {
        debug(reasons, subject.pieces);
    });
    judgement
}

/// Judges a set against a policy.
pub(crate) fn judge<'p>(policy: &'p Policy, subject: Subject<'_>, at: Timestamp) -> Judgement<'p> {
    let (terms, Subject { pieces, claims, discord }) = (&policy.terms, subject);
    let kinds: Vec<Kind> = pieces.iter().map(|piece| piece.kind).collect();
    let fitting = || terms.platforms.iter().filter(|platform| discord.is_none() && platform.fits(&kinds));

    let mut judgement = Judgement::begin(subject);
    judgement.check(check::SHAPE, |reasons| {
        reasons.extend(match discord {
            Some(discord) => Some(set_shape(discord)),
            None if fitting().next().is_none() => Some(no_platform(&terms.platforms, &kinds)),
            None => None,
        });
        reasons.extend(false_topology(claims));
    });
    judgement.check(check::VALIDITY, |reasons| validity(reasons, pieces, at));
    judgement.check(check::ROOTS, |reasons| roots(reasons, pieces, terms));
    judgement.check_if(!terms.allow_debug, check::DEBUG, |reasons| {
        debug(reasons, pieces);
    });
    judgement.check_if(!terms.allow_simulated, check::SIMULATED, |reasons| {
        simulated(reasons, pieces);
    });
    judgement.check(check::REVOCATION, |reasons| {
        reasons.extend(pieces.iter().filter_map(|piece| revocation_reason(policy, piece)));
    });
    if let Some(max_age) = terms.max_age_seconds {
        let fresh_until = issued_at(pieces).map(|issued_at| issued_at.saturating_add_seconds(max_age)).min();
        judgement.valid_until = judgement.valid_until.min(fresh_until.unwrap_or(Timestamp::MAX));
        judgement.check(check::FRESHNESS, |reasons| {
            freshness(reasons, pieces, max_age, at);
        });
    } else {
        judgement.check_if(false, check::FRESHNESS, |_| {});
    }
    judgement.check_if(terms.require_nonce, check::NONCE, |reasons| {
        nonce(reasons, pieces);
    });
    judgement.check_if(terms.require_binding, check::BINDING, |reasons| {
        binding(reasons, pieces);
    });
    judgement.check_if(!terms.allow_unknown_fields, check::UNKNOWN_FIELDS, |reasons| unknown_fields(reasons, claims));
    // Pieces that are no set claim next to nothing, so that every rule would fail for want of a claim.
    if discord.is_none() {
        judge_rules(&mut judgement, policy, fitting(), claims, at);
    } else {
        judgement.check_if(false, check::RULES, |_| {});
    }
    judgement
}

/// Compares the claims with the policy's rules and with those of each platform that fits, until one is satisfied. Where
/// none is, the first one's failures count.
fn judge_rules<'p>(
    judgement: &mut Judgement<'p>,
    policy: &'p Policy,
    fitting: impl Iterator<Item = &'p Platform>,
    claims: &Claims,
    at: Timestamp,
) {
    let devices = DeviceCounts::of(claims);
    let membership = Membership::of(&policy.terms.groups, claims, devices, at);
    let compare = |rules: &[Rule]| {
        let mut until = Timestamp::MAX;
        let mut reasons = Vec::new();
        for rule in rules.iter().filter(|rule| membership.concerns(rule)) {
            match rule.evaluate(claims, devices, at) {
                RuleOutcome::Satisfied { until: this } => until = until.min(this),
                other => reasons.extend(rule.reason(other)),
            }
        }
        (until, reasons)
    };
    let (until, mut reasons) = compare(&policy.terms.rules);
    reasons.extend(membership.reasons(claims));
    judgement.valid_until = judgement.valid_until.min(until);
    let mut first_failure = None;
    for platform in fitting {
        let (until, reasons) = compare(&platform.rules);
        if reasons.is_empty() {
            judgement.valid_until = judgement.valid_until.min(until);
            judgement.platform = Some(platform);
            break;
        }
        first_failure.get_or_insert((platform, reasons));
    }
    let fits = judgement.platform.is_some() || first_failure.is_some();
    let platform_reasons = match (judgement.platform, first_failure) {
        (None, Some((platform, reasons))) => {
            judgement.platform = Some(platform);
            reasons
        }
        _ => Vec::new(),
    };
    // Where no platform fits, the platforms' own rules were not compared, so passing says nothing.
    judgement.check_if(fits || !reasons.is_empty(), check::RULES, |all| {
        all.extend(reasons);
        all.extend(platform_reasons);
    });
}

fn set_shape(discord: &Discord) -> Reason {
    let code = match discord {
        Discord::Unlinked(..) => ReasonCode::BindingUnlinked,
        _ => ReasonCode::PolicySetShape,
    };
    Reason::new(code, discord.to_string())
}

/// Devices that name others than those of the set are of another machine, or the set hides some of this one.
fn false_topology(claims: &Claims) -> Option<Reason> {
    (claims.bool(cross_vendor::GPU_TOPOLOGY) == Some(false)).then(|| ReasonCode::NvidiaTopology.into())
}

fn no_platform(platforms: &[Platform], kinds: &[Kind]) -> Reason {
    let names = |kinds: &[Kind]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" + ");
    let shapes: Vec<_> = platforms.iter().map(|platform| format!("{} ({platform})", platform.name())).collect();
    Reason::from(ReasonCode::PolicySetShape).have(names(kinds)).need(shapes.join(", or "))
}

/// Evidence that was authenticated for another instant is not authentic at this one.
fn validity(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>], at: Timestamp) {
    for piece in pieces.iter().filter(|piece| piece.valid_until < at) {
        let detail = format!("something that the {} evidence rests on has ended at the given instant", piece.kind);
        reasons.push(Reason::new(ReasonCode::TimeExpired, detail).have(piece.valid_until).need(at));
    }
}

fn roots(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>], terms: &Terms) {
    for piece in pieces {
        let is_issuers =
            |digest: &[u8]| terms.allow_issuer_keys && piece.issuer_keys.iter().any(|key| key.as_slice() == digest);
        let is_allowed = |root: &Value| match root {
            Value::Hex(digest) => {
                terms.roots.binary_search_by(|other| other.as_slice().cmp(digest)).is_ok() || is_issuers(digest)
            }
            _ => false,
        };
        let found = piece.claims.get(cross_vendor::ROOT_SHA256);
        let all_allowed = match found {
            Some(Value::List(roots)) => !roots.is_empty() && roots.iter().all(is_allowed),
            _ => false,
        };
        if !all_allowed {
            let detail = format!("the {} evidence rests on a root that the policy does not list", piece.kind);
            let reason = Reason::new(ReasonCode::PolicyRootNotAllowed, detail);
            reasons.push(match found {
                Some(roots) => reason.have(roots),
                None => reason,
            });
        }
    }
}

/// Debug evidence; and where a TEE has a debug mode, evidence that does not show that it is off.
fn debug(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>]) {
    for piece in pieces {
        let reason = |detail: String| Reason::new(ReasonCode::PolicyDebug, detail).need(false);
        match piece.claims.bool(cross_vendor::DEBUG) {
            Some(true) => {
                reasons.push(reason(format!("the {} evidence comes from a debug TEE", piece.kind)).have(true));
            }
            None if piece.debug_applies => {
                reasons.push(reason(format!("the {} evidence does not show that debug mode is off", piece.kind)));
            }
            _ => {}
        }
    }
}

/// Evidence on a simulator's root; and on an operator's root, where nothing says whether it is a simulator's.
fn simulated(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>]) {
    for piece in pieces {
        let simulated = piece.claims.bool(cross_vendor::SIMULATED);
        if simulated.unwrap_or(piece.trust_anchor == TrustAnchor::Configured) {
            let detail = format!("the {} evidence rests on a simulator's root", piece.kind);
            reasons.push(Reason::new(ReasonCode::PolicySimulated, detail));
        }
    }
}

fn revocation_reason(policy: &Policy, piece: &Piece<'_>) -> Option<Reason> {
    if revocation::for_kind(policy.terms.revocation, piece.kind) != RevocationMode::Required {
        return None;
    }
    let status = match piece.claims.get(cross_vendor::REVOCATION) {
        Some(Value::Text(status)) => status,
        _ => "not_checked",
    };
    let detail = || format!("the policy requires revocation data for the {} evidence", piece.kind);
    (!["good", "not_published"].contains(&status))
        .then(|| Reason::new(ReasonCode::RevocationNotChecked, detail()).have(status).need("good"))
}

/// The times that pieces carry.
fn issued_at(pieces: &[Piece<'_>]) -> impl Iterator<Item = Timestamp> {
    pieces.iter().filter_map(|piece| match piece.claims.get(cross_vendor::ISSUED_AT) {
        Some(Value::Time(instant) | Value::TimeMillis(instant)) => Some(*instant),
        _ => None,
    })
}

/// Every piece that carries a time is young enough, and the CPU's carries one; without a CPU, every piece does.
fn freshness(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>], max_age: i64, at: Timestamp) {
    let has_cpu = pieces.iter().any(|piece| !piece.kind.is_device());
    for piece in pieces {
        match issued_at(std::slice::from_ref(piece)).next() {
            Some(issued_at) if at <= issued_at.saturating_add_seconds(max_age) => {}
            Some(issued_at) => {
                let detail = format!("the {} evidence is older than {max_age} seconds", piece.kind);
                let oldest = at.saturating_add_seconds(-max_age);
                reasons.push(Reason::new(ReasonCode::PolicyNotFresh, detail).have(issued_at).need(oldest));
            }
            None if has_cpu && piece.kind.is_device() => {}
            None => {
                let detail =
                    format!("the policy limits the age of evidence, and the {} evidence has no time", piece.kind);
                reasons.push(Reason::new(ReasonCode::PolicyFreshnessUnknown, detail));
            }
        }
    }
}

/// Whether a kind has a field of its own for the nonce. In the others the binding, which covers the nonce, is all that
/// the hardware signs for its caller.
const fn has_nonce_field(kind: Kind) -> bool {
    matches!(kind, Kind::AwsNitro | Kind::AwsNitroTpm) || kind.is_device()
}

/// A token beside hardware's evidence needs no nonce of its own: it is linked to evidence that has one, or carries the binding.
fn nonce(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>]) {
    let speaker = evidence_set::speaker(pieces).map(|piece| piece.kind);
    let is_beside = |kind: Kind| kind.is_token() && !kind.is_device() && speaker != Some(kind);
    let matched = |piece: &Piece<'_>| {
        piece.nonce_matched || is_beside(piece.kind) || (piece.binding_matched && !has_nonce_field(piece.kind))
    };
    for piece in pieces.iter().filter(|piece| !matched(piece)) {
        let detail = format!("the policy requires a nonce and none was checked in the {} evidence", piece.kind);
        reasons.push(Reason::new(ReasonCode::PolicyNonceRequired, detail));
    }
}

/// The CPU's binding covers every other piece, so it is the one that counts; devices alone have none.
fn binding(reasons: &mut Vec<Reason>, pieces: &[Piece<'_>]) {
    if !evidence_set::is_bound(pieces) {
        reasons.push(ReasonCode::PolicyBindingRequired.into());
    }
}

fn unknown_fields(reasons: &mut Vec<Reason>, claims: &Claims) {
    for id in [nitro::UNKNOWN_FIELDS, nitrotpm::UNKNOWN_FIELDS] {
        if let Some(fields) = claims.get(id) {
            reasons.push(Reason::from(ReasonCode::PolicyUnknownFields).have(fields));
        }
    }
}
