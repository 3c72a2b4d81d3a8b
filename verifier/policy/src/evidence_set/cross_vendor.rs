//! Cross-vendor claims of a set. They are the CPU evidence's, but for those in which one bad piece spoils the set.

use prooftrail_result::{
    TrustAnchor,
    claims::{ClaimId, ClaimName, Claims, Family, Value, cross_vendor as claim},
};

use super::{Piece, speaker, tcb_status};
use crate::value_set::order;

/// Claims that the whole set makes; [`super::devices`] makes the last four.
const OF_THE_SET: [ClaimId; 10] = [
    claim::DEBUG,
    claim::SIMULATED,
    claim::TCB_STATUS,
    claim::ADVISORIES,
    claim::ROOT_SHA256,
    claim::TRUST_ANCHOR,
    claim::GPU_COUNT,
    claim::SWITCH_COUNT,
    claim::GPU_MEASRES,
    claim::GPU_TOPOLOGY,
];

/// Claims of which a set of devices alone makes the earliest.
const EARLIEST: [ClaimId; 3] = [claim::ISSUED_AT, claim::TCB_DATE, claim::REVOCATION_AS_OF];

/// Adds the claims in which one bad piece spoils the set.
pub(super) fn of_the_set(claims: &mut Claims, pieces: &[Piece<'_>]) {
    claims.insert_if(claim::DEBUG, debug(pieces));
    let worst = values(pieces, claim::TCB_STATUS).max_by_key(|status| tcb_status::badness(status));
    claims.insert_if(claim::TCB_STATUS, worst.cloned());
    claims.insert_if(claim::ADVISORIES, union(pieces, claim::ADVISORIES));
    claims.insert_if(claim::TRUST_ANCHOR, trust_anchor(pieces).map(TrustAnchor::as_str));
    claims.insert_if(claim::ROOT_SHA256, union(pieces, claim::ROOT_SHA256));
    claims.insert_if(claim::SIMULATED, simulated(pieces));
}

/// Adds the CPU's other claims; without a CPU, what all devices say.
pub(super) fn of_the_cpu(claims: &mut Claims, pieces: &[Piece<'_>]) {
    let cpu = speaker(pieces);
    let speaker = cpu.or(pieces.first());
    let names = speaker.into_iter().flat_map(|piece| piece.claims.iter());
    for (name, value) in
        names.filter(|(name, _)| name.family() == Family::CrossVendor && !OF_THE_SET.contains(&name.id()))
    {
        let value = if cpu.is_some() { Some(value) } else { of_devices(name, pieces) };
        claims.insert_if(name, value.cloned());
    }
}

/// Who named the roots: the operator, if that is true of any piece.
pub(crate) fn trust_anchor(pieces: &[Piece<'_>]) -> Option<TrustAnchor> {
    pieces.iter().map(|piece| piece.trust_anchor).max()
}

/// A claim of devices alone: what all of them say, of instants the earliest.
fn of_devices<'a>(name: ClaimName, pieces: &[Piece<'a>]) -> Option<&'a Value> {
    let values = pieces.iter().map(|piece| piece.claims.get(name)).collect::<Option<Vec<_>>>()?;
    let earliest = values.iter().copied().min_by(|a, b| order(a, b))?;
    let agree = values.iter().all(|value| order(value, earliest).is_eq());
    (agree || EARLIEST.contains(&name.id())).then_some(earliest)
}

/// Debug is true if true anywhere, and false only where every piece that has a debug mode shows that it is off.
fn debug(pieces: &[Piece<'_>]) -> Option<bool> {
    let stated = |piece: &Piece<'_>| piece.claims.bool(claim::DEBUG);
    if pieces.iter().any(|piece| stated(piece) == Some(true)) {
        return Some(true);
    }
    let shown = pieces.iter().all(|piece| !piece.debug_applies || stated(piece).is_some());
    (shown && pieces.iter().any(|piece| stated(piece).is_some())).then_some(false)
}

/// Simulated is true if true anywhere, and false only where false everywhere.
fn simulated(pieces: &[Piece<'_>]) -> Option<bool> {
    let stated = |piece: &Piece<'_>| piece.claims.bool(claim::SIMULATED);
    if pieces.iter().any(|piece| stated(piece) == Some(true)) {
        return Some(true);
    }
    (!pieces.is_empty() && pieces.iter().all(|piece| stated(piece) == Some(false))).then_some(false)
}

/// A claim's values, wherever it is established.
fn values<'a>(pieces: &'a [Piece<'_>], id: ClaimId) -> impl Iterator<Item = &'a Value> {
    pieces.iter().filter_map(move |piece| piece.claims.get(id))
}

/// The members of every list, sorted, each once; nothing where no piece has a list.
fn union(pieces: &[Piece<'_>], id: ClaimId) -> Option<Value> {
    let mut lists = values(pieces, id).peekable();
    lists.peek()?;
    let mut members: Vec<Value> = Vec::new();
    for list in lists {
        if let Value::List(list) = list {
            members.extend(list.iter().cloned());
        }
    }
    members.sort_by(order);
    members.dedup_by(|a, b| order(a, b).is_eq());
    Some(Value::List(members))
}
