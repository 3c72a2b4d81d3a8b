//! NVIDIA's RIM service, and its OCSP responder (RFC 6960, appendix A).

use super::{Asking, Conduct, server::Reply};
use crate::{
    key::Key,
    nvidia_rim::RimSpec,
    ocsp::{self, CertStatus, ResponseSpec, Signer},
    x509::CertificateSpec,
};

const DAY: i64 = 24 * 3600;

/// What NVIDIA publishes.
#[derive(Debug, Default)]
pub(super) struct Nvidia {
    /// RIMs by their ids.
    pub(super) rims: Vec<(String, RimSpec)>,
    /// Certificates with their issuers.
    pub(super) certificates: Vec<(CertificateSpec, CertificateSpec)>,
}

/// `GET /v1/rim/{id}`.
pub(super) fn rim(asking: &Asking<'_>, path: &str) -> Option<Reply> {
    let id = path.strip_prefix("/v1/rim/")?;
    let published = asking.world.nvidia();
    let Some((_, rim)) = published.rims.iter().find(|(known, _)| known == id) else { return Some(Reply::status(404)) };
    let mut rim = rim.clone();
    if asking.is_forged_for() {
        rim.key = Key::p384("forger");
    }
    // The lie is a genuine RIM under another name.
    let name = if asking.is_lied_to() { "NV_GPU_DRIVER_GH100_1.2.3" } else { id };
    Some(Reply::ok(rim.answer(name)))
}

/// `POST /ocsp`: the question is looked through for certificates that are known here, and for its nonce.
pub(super) fn status(asking: &Asking<'_>, path: &str, body: &[u8]) -> Option<Reply> {
    if path != "/ocsp" {
        return None;
    }
    let published = asking.world.nvidia();
    let asked = published.certificates.iter().find(|(certificate, issuer)| {
        let id = ResponseSpec::good(certificate, issuer, asking.at).id();
        body.windows(id.len()).any(|window| window == id)
    });
    // unauthorized, says RFC 6960, of what it does not answer for.
    let Some((certificate, issuer)) = asked else { return Some(Reply::ok(ocsp::error(6))) };
    let mut response = ResponseSpec::good(certificate, issuer, asking.at);
    response.next_update = Some(asking.at + 10 * DAY);
    // The nonce is the last thing in a question.
    response.nonce = body.last_chunk::<32>().map(|nonce| nonce.to_vec());
    match asking.conduct {
        Conduct::Lying => response.serial = vec![1],
        Conduct::Forging => {
            let forger = CertificateSpec { key: Key::p384("forger"), ..issuer.clone() };
            response.signer = Signer::Foreign(Box::new(ocsp::responder(&forger, asking.at)), Box::new(forger));
        }
        Conduct::Revoking => response.status = CertStatus::Revoked(Some(6)),
        Conduct::Repeating => response.nonce = Some(vec![7; 32]),
        _ => {}
    }
    Some(Reply::ok(response.build()))
}
