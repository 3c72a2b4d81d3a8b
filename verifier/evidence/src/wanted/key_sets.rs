//! The key sets of token issuers: which one a token needs, and whether what came is one.
//!
//! In: a token, or an answer. Out: its issuer ([`TokenIssuer`]), or until when the answer may be kept. Nothing is signed in a key
//! set, so that whoever had it from the issuer vouches for it: by TLS to the issuer's own place. An answer gets a member
//! `issuer` ([`name_issuer`]), by which it speaks for nobody else's tokens, wherever it is carried. RFC 7517, section 5.

use prooftrail_result::{Kind, Reason, ReasonCode};

use super::{Admitted, TokenIssuer, Wanted, only};
use crate::{
    context::Context, endorsements::Endorsements, format::Format, gcs::ConfidentialSpace, ita::TrustAuthority,
    maa::AzureMaa, nras::NvidiaNras,
};

/// How long an answer is kept: a key that its issuer withdraws is believed no longer than that.
const SECONDS: i64 = 15 * 60;

/// What a token needs. One that brings its chain needs nothing, and neither does one of an issuer that is refused anyway.
pub(super) fn by(kind: Kind, evidence: &[u8]) -> Result<Vec<Wanted>, Reason> {
    let issuer = match kind {
        Kind::GcpConfidentialSpace => ConfidentialSpace::parse(evidence)?.token_issuer(),
        Kind::AzureMaa => AzureMaa::parse(evidence)?.token_issuer(),
        Kind::NvidiaNras => NvidiaNras::parse(evidence)?.token_issuer(),
        Kind::IntelTrustAuthority => TrustAuthority::parse(evidence)?.token_issuer(),
        _ => None,
    };
    Ok(issuer.map(|issuer| Wanted::KeySet { issuer }).into_iter().collect())
}

/// Whether a set is there that may speak for the issuer. Key sets have no dates.
pub(super) fn is_held(endorsements: &Endorsements, issuer: &TokenIssuer) -> bool {
    let names = issuer.names();
    endorsements.key_sets().any(|set| names.iter().any(|name| set.may_speak_for(name)))
}

/// Whether any set is there.
pub(super) fn is_published(endorsements: &Endorsements) -> bool {
    endorsements.key_sets().next().is_some()
}

/// See [`crate::admit`]: one set, with the issuer's names and with a key that it can sign with.
pub(super) fn admit(issuer: &TokenIssuer, context: &Context<'_>) -> Result<Admitted, Reason> {
    let set = only(context.endorsements.key_sets(), "one key set")?;
    let need = issuer.names();
    if set.issuers() != need {
        let have = if set.issuers().is_empty() { "no issuer".to_owned() } else { set.issuers().join(", ") };
        return Err(Reason::from(ReasonCode::TokenIssuer).have(have).need(need.join(", ")));
    }
    if !set.has_key_for(issuer.algorithms(), context.crypto) {
        let names: Vec<_> = issuer.algorithms().iter().map(|algorithm| algorithm.as_str()).collect();
        let need = format!("a key for {}", names.join(" or "));
        return Err(Reason::from(ReasonCode::TokenKeyType).have("none").need(need));
    }
    Ok(Admitted { age: (0, context.at), until: context.at.saturating_add_seconds(SECONDS) })
}

/// Writes into a key set, as its issuer answered it, whose it is; the rest of it stays as it was. Whoever calls this has had it
/// from the issuer.
///
/// # Errors
/// [`ReasonCode::KeySetMalformed`] where the answer is no object of JSON.
pub fn name_issuer(issuer: &TokenIssuer, answer: &[u8]) -> Result<Vec<u8>, Reason> {
    let malformed = || Reason::new(ReasonCode::KeySetMalformed, "the answer is no object of JSON");
    let members = answer.trim_ascii_start().strip_prefix(b"{").ok_or_else(malformed)?;
    // Nothing in a name needs to be escaped. A set that names an issuer itself has the member twice then, and is refused.
    let names = issuer.names().join("\",\"");
    Ok([b"{\"issuer\":[\"", names.as_bytes(), b"\"],", members].concat())
}

#[cfg(test)]
mod tests {
    use super::{TokenIssuer, name_issuer};

    #[test]
    fn an_answer_says_whose_it_is() {
        let named = name_issuer(&TokenIssuer::TrustAuthority, b" {\"keys\" : [] }\n").unwrap();
        let portal = "https://portal.trustauthority.intel.com";
        let expected = format!("{{\"issuer\":[\"Intel Trust Authority\",\"{portal}\"],\"keys\" : [] }}\n");
        assert_eq!(String::from_utf8(named).unwrap(), expected);
        for other in [&b""[..], b"[]", b"<html>", b"null"] {
            assert!(name_issuer(&TokenIssuer::NvidiaNras, other).is_err());
        }
    }
}
