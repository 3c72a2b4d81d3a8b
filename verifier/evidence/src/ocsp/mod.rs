//! The online certificate status protocol (RFC 6960), without the line: responses are endorsements, and asking is the
//! caller's.
//!
//! In: responses among the endorsements, a certificate and its issuer, both verified. Out: what the newest response that is in
//! force says of the certificate, once whoever signed it is found to be the issuer, or to be let by the issuer sign such
//! answers. [`request()`] writes the question. What a status is worth is the vendor's to say: NVIDIA answers *good* for device
//! certificates that it does not know, and *unknown* for signers of reference values that it does not know.

mod id;
mod request;
mod response;

use prooftrail_result::{Reason, ReasonCode, Timestamp};

pub(crate) use self::id::{CertId, HashAlgorithm};
pub use self::{
    request::request,
    response::{OcspResponse, RevocationReason, RevocationStatus},
};
use crate::{
    context::Context,
    x509::{self, Certificate, Profile},
};

/// What is known of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CertStatus {
    /// What the responder says.
    pub(crate) status: RevocationStatus,
    /// As of when.
    pub(crate) as_of: Timestamp,
    /// The last instant at which it may be relied upon.
    pub(crate) valid_until: Timestamp,
    /// SHA-256 of the response.
    pub(crate) sha256: [u8; 32],
}

/// What the endorsements say of a certificate that `issuer` issued, at the context's instant; nothing where no response
/// speaks of it. Of several that are in force, the newest counts.
///
/// # Errors
/// The reason of the stages `time` and `revocation` why what speaks of it cannot be relied upon.
pub(crate) fn status_of(
    context: &Context<'_>,
    profile: &Profile,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<Option<CertStatus>, Reason> {
    if context.endorsements.ocsp_responses().is_empty() {
        return Ok(None);
    }
    let all = || {
        let responses = context.endorsements.ocsp_responses().iter();
        responses.flat_map(|response| response.singles().map(move |single| (response, single)))
    };
    let is_in_use = |algorithm: &HashAlgorithm| all().any(|(_, single)| single.id.algorithm == *algorithm);
    let ids = HashAlgorithm::ALL.into_iter().filter(is_in_use);
    let ids: Vec<_> = ids.filter_map(|algorithm| CertId::of(context.crypto, algorithm, certificate, issuer)).collect();
    let mut speaking: Vec<_> = all().filter(|(_, single)| ids.contains(&single.id)).collect();
    speaking.sort_by_key(|(_, single)| std::cmp::Reverse(single.this_update));
    let in_force = speaking.iter().find(|(_, single)| single.check_validity(context.at).is_ok());
    let Some((response, single)) = in_force.or(speaking.first()) else { return Ok(None) };
    single.check_validity(context.at)?;
    let responder_until = verify(response, issuer, profile, context)?;
    Ok(Some(CertStatus {
        status: single.status,
        as_of: single.this_update,
        valid_until: single.valid_until().min(responder_until),
        sha256: response.sha256,
    }))
}

/// Verifies that a response is by the issuer, or by somebody to whom the issuer gave that right (RFC 6960, section 4.2.2.2).
/// Gives until when that is so.
pub(crate) fn verify(
    response: &OcspResponse,
    issuer: &Certificate,
    profile: &Profile,
    context: &Context<'_>,
) -> Result<Timestamp, Reason> {
    let delegated = match response.responder() {
        Some(responder) if responder.der() != issuer.der => {
            let certificate = responder.certificate()?;
            x509::alone::verify_responder(issuer, certificate, profile, context)?;
            Some(certificate)
        }
        _ => None,
    };
    let signer = delegated.unwrap_or(issuer);
    if !response.names(signer) {
        let detail = "the responder that the response names is not the one whose certificate it brings";
        return Err(Reason::new(ReasonCode::OcspResponder, detail));
    }
    let algorithm = response.algorithm.filter(|algorithm| profile.algorithms.contains(algorithm));
    let algorithm = algorithm.ok_or(ReasonCode::OcspSignature)?;
    x509::alone::verify_once(signer, algorithm, &response.signed, &response.signature, context)
        .map_err(|_| ReasonCode::OcspSignature)?;
    Ok(signer.not_after.end_of_second())
}
