//! What shows that pieces of a set are of one machine.
//!
//! Hardware signs no word about the tokens beside it, and whoever relays a token can relay another machine's. So a token counts
//! beside hardware's evidence only where both carry one fact that no other machine has (docs/evidence-sets.md): the digest of
//! a virtual TPM's attestation key, a guest's report id, the digest of a quote. Of facts of one sort that both carry, all must
//! agree.

use std::mem::{Discriminant, discriminant};

use prooftrail_evidence::Link;
use prooftrail_result::Kind;

use super::{Discord, Piece};

/// What is known of a piece's machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Links<'a> {
    /// Facts that authentication established.
    Established(&'a [Link]),
    /// Somebody typed the claims and supposes that the pieces are of one machine.
    Supposed,
}

impl Links<'_> {
    /// Whether a fact shows that both are of one machine, and none that they are not.
    fn agree(self, other: Self) -> bool {
        let (Self::Established(ours), Self::Established(theirs)) = (self, other) else { return true };
        let sorts = |links: &[Link]| links.iter().map(discriminant).collect::<Vec<Discriminant<Link>>>();
        let theirs_have = sorts(theirs);
        let mut shared = sorts(ours).into_iter().filter(|sort| theirs_have.contains(sort)).peekable();
        shared.peek().is_some()
            && shared.all(|sort| ours.iter().any(|link| discriminant(link) == sort && theirs.contains(link)))
    }
}

/// Two CPUs, or a token that nothing links to the evidence beside it.
pub(super) fn discord(pieces: &[Piece<'_>]) -> Option<Discord> {
    let (tokens, hardware): (Vec<&Piece<'_>>, Vec<&Piece<'_>>) =
        pieces.iter().filter(|piece| !piece.kind.is_device()).partition(|piece| piece.kind.is_token());
    match (hardware.as_slice(), tokens.as_slice()) {
        ([one, other, ..], _) | ([], [one, other, ..]) => return Some(Discord::TwoCpus(one.kind, other.kind)),
        ([hardware], tokens) => {
            let stranger = tokens.iter().find(|token| !token.links.agree(hardware.links));
            if let Some(token) = stranger {
                return Some(Discord::Unlinked(token.kind, hardware.kind));
            }
            // Two tokens of one issuer about one machine say the same, or contradict each other.
            let twice = tokens
                .iter()
                .enumerate()
                .find(|(place, token)| tokens.iter().skip(place + 1).any(|other| other.kind == token.kind));
            if let Some((_, token)) = twice {
                return Some(Discord::TwoCpus(token.kind, token.kind));
            }
        }
        ([], _) => {}
    }
    relayed_devices(pieces)
}

/// A service's word about devices other than those that report themselves beside it.
fn relayed_devices(pieces: &[Piece<'_>]) -> Option<Discord> {
    let reports = || pieces.iter().filter(|piece| matches!(piece.kind, Kind::NvidiaGpu | Kind::NvidiaSwitch));
    let first = reports().next()?;
    let is_reported = |device: &Link| {
        reports().any(|report| match report.links {
            Links::Established(links) => links.contains(device),
            Links::Supposed => true,
        })
    };
    let tokens = pieces.iter().filter(|piece| piece.kind == Kind::NvidiaNras);
    let mut strangers = tokens.filter(|token| match token.links {
        Links::Established([]) => true,
        Links::Established(links) => !links.iter().all(is_reported),
        Links::Supposed => false,
    });
    strangers.next().map(|token| Discord::Unlinked(token.kind, first.kind))
}
