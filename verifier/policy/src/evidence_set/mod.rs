//! A set of evidence, seen as one: whether its pieces can belong together at all, and what it claims as a whole.
//!
//! In: [`Piece`]s, which only authentic evidence yields (or, for policy tests, claims that somebody typed). Out: the
//! set's claims by the conventions of docs/claims.md, or the [`Discord`] that keeps the pieces from being one set.

mod cross_vendor;
mod devices;
mod links;
mod tcb_status;
#[cfg(test)]
mod tests;

pub(crate) use cross_vendor::trust_anchor;

use std::fmt;

use prooftrail_evidence::Authentic;
use prooftrail_result::{
    Check, EvidenceId, Kind, Reason, Timestamp, TrustAnchor,
    claims::{ClaimName, Claims, Family, cross_vendor as cross_vendor_claim},
};

use crate::MAX_PIECES;

pub(crate) use links::Links;

/// The construction by which keys, statement and evidence are bound (docs/protocol.md).
const BINDING_PROFILE: &str = "prooftrail/v1";

/// What an appraisal sees of a piece of evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    /// Absent for claims that somebody typed.
    pub(crate) evidence_id: Option<EvidenceId>,
    pub(crate) claims: &'a Claims,
    pub(crate) checks: &'a [Check],
    pub(crate) objections: &'a [Reason],
    pub(crate) valid_until: Timestamp,
    pub(crate) trust_anchor: TrustAnchor,
    pub(crate) debug_applies: bool,
    pub(crate) nonce_matched: bool,
    pub(crate) binding_matched: bool,
    /// Those of its roots that are keys which a token's issuer publishes.
    pub(crate) issuer_keys: &'a [[u8; 32]],
    /// By what it is known to be of the same machine as another piece.
    pub(crate) links: Links<'a>,
}

impl<'a> From<&'a Authentic> for Piece<'a> {
    fn from(authentic: &'a Authentic) -> Self {
        Self {
            kind: authentic.kind(),
            evidence_id: Some(authentic.evidence_id()),
            claims: authentic.claims(),
            checks: authentic.checks(),
            objections: authentic.objections(),
            valid_until: authentic.valid_until(),
            trust_anchor: authentic.trust_anchor(),
            debug_applies: authentic.debug_applies(),
            nonce_matched: authentic.nonce_matched(),
            binding_matched: authentic.binding_matched(),
            issuer_keys: authentic.issuer_keys(),
            links: Links::Established(authentic.links()),
        }
    }
}

/// Why pieces are no set, whatever a policy says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Discord {
    Empty,
    TooMany(usize),
    TwoCpus(Kind, Kind),
    /// A token, and the hardware's evidence that nothing shows to be of the same machine.
    Unlinked(Kind, Kind),
    SamePiece(EvidenceId),
    SameDevice(String),
    TooManyDevices,
}

impl fmt::Display for Discord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the set has no evidence"),
            Self::TooMany(pieces) => {
                write!(f, "the set has {pieces} pieces; at most {MAX_PIECES} are appraised as one")
            }
            Self::TwoCpus(one, other) => write!(f, "the set has two pieces of CPU evidence, {one} and {other}"),
            Self::Unlinked(token, hardware) => {
                write!(
                    f,
                    "nothing that was signed shows that the {token} token is about the machine of the {hardware} evidence"
                )
            }
            Self::SamePiece(id) => write!(f, "the set has the same piece of evidence twice, {id}"),
            Self::SameDevice(device) => write!(f, "two pieces of one kind speak of the same device, {device}"),
            Self::TooManyDevices => f.write_str("the set speaks of more devices than can be numbered"),
        }
    }
}

/// Whether the pieces can be one set: one CPU at most, each token linked to the hardware beside it, no piece and no device
/// twice.
pub(crate) fn discord(pieces: &[Piece<'_>]) -> Option<Discord> {
    if pieces.is_empty() {
        return Some(Discord::Empty);
    }
    if pieces.len() > MAX_PIECES {
        return Some(Discord::TooMany(pieces.len()));
    }
    if let Some(discord) = links::discord(pieces) {
        return Some(discord);
    }
    let mut ids = std::collections::BTreeSet::new();
    if let Some(id) = pieces.iter().filter_map(|piece| piece.evidence_id).find(|id| !ids.insert(*id)) {
        return Some(Discord::SamePiece(id));
    }
    devices::discord(pieces)
}

/// The piece that speaks for the CPU: the hardware's evidence, or the one token where there is no other.
pub(crate) fn speaker<'p, 'a>(pieces: &'p [Piece<'a>]) -> Option<&'p Piece<'a>> {
    pieces.iter().filter(|piece| !piece.kind.is_device()).min_by_key(|piece| piece.kind.is_token())
}

/// Whether the CPU's evidence carries the expected binding, which covers every other piece and the statement.
pub(crate) fn is_bound(pieces: &[Piece<'_>]) -> bool {
    speaker(pieces).is_some_and(|piece| piece.binding_matched)
}

/// Adds what the statement claims, if the set's binding covers it: `job.*`, the GPUs' mode where the set has GPUs and no token
/// says it, and nothing else.
pub(crate) fn join_statement(claims: &mut Claims, pieces: &[Piece<'_>], statement: &Claims) {
    let says_mode = pieces.iter().any(|piece| piece.kind == Kind::NvidiaGpu)
        && claims.get(cross_vendor_claim::GPU_CC_MODE).is_none();
    let is_stated = |name: ClaimName| {
        name.family() == Family::Job || (says_mode && name == ClaimName::from(cross_vendor_claim::GPU_CC_MODE))
    };
    let mut stated = statement.iter().filter(|(name, _)| is_stated(*name)).peekable();
    if stated.peek().is_none() || !is_bound(pieces) {
        return;
    }
    claims.insert(cross_vendor_claim::BINDING_PROFILE, BINDING_PROFILE);
    stated.for_each(|(name, value)| claims.insert(name, value.clone()));
}

/// The claims of the pieces as one; of pieces that are no set, only those in which one bad piece spoils the set.
pub(crate) fn claims(pieces: &[Piece<'_>], discord: Option<&Discord>) -> Claims {
    let mut claims = Claims::with_capacity(pieces.iter().map(|piece| piece.claims.iter().len()).sum());
    cross_vendor::of_the_set(&mut claims, pieces);
    if discord.is_some() {
        return claims;
    }
    cross_vendor::of_the_cpu(&mut claims, pieces);
    let mut numbering = devices::Numbering::default();
    for (place, piece) in pieces.iter().enumerate() {
        let differs_elsewhere = |name, value| {
            let others = pieces.iter().enumerate().filter(|(other, _)| *other != place);
            others.filter_map(|(_, other)| other.claims.get(name)).any(|other| other != value)
        };
        for (name, value) in piece.claims.iter() {
            match name.family() {
                Family::CrossVendor => {}
                Family::Gpu | Family::Switch => {
                    claims.insert(numbering.renumber(name), value.clone());
                }
                // What two pieces say differently (the ids of two tokens) the set does not say.
                _ if differs_elsewhere(name, value) => {}
                _ => claims.insert(name, value.clone()),
            }
        }
        numbering = numbering.after(piece).unwrap_or(numbering);
    }
    devices::summarise(&mut claims, pieces);
    claims
}
