//! The second opinion: webpki validates signatures, dates and revocation of a path that passed the pre-check.
//!
//! In: a trusted issuer, the certificates below it, CRLs. Out: nothing, or the reason. webpki builds paths; here it is
//! given exactly one to find, and the path it walked is compared with the one supplied.

use std::time::Duration;

use prooftrail_result::{Reason, ReasonCode, Timestamp};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{
    EndEntityCert, Error, ExpirationPolicy, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use super::{certificate::Certificate, crl::Crl, profile::Profile, remembered::Remembered};
use crate::context::Context;

/// Validates the path from `anchor` down to `leaf` at an instant of its own; `intermediates` stand in that order.
pub(super) fn validate_path(
    anchor: &Certificate,
    intermediates: &[&[u8]],
    leaf: &[u8],
    crls: &[&Crl],
    profile: &Profile,
    context: &Context<'_>,
    at: Timestamp,
) -> Result<(), Reason> {
    let Context { crypto, issuers, .. } = *context;
    let algorithms = profile.algorithms.iter();
    let algorithms: Vec<_> = algorithms
        .map(|&algorithm| Remembered { algorithm: crypto.path_algorithm(algorithm), crypto, issuers })
        .collect();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
        algorithms.iter().map(|algorithm| -> &dyn SignatureVerificationAlgorithm { algorithm }).collect();
    let anchor = CertificateDer::from(anchor.der.as_slice());
    let anchor = anchor_from_trusted_cert(&anchor).map_err(|error| reason(&error))?;
    // webpki wants the leaf's issuer first.
    let issuers: Vec<_> = intermediates.iter().rev().map(|der| CertificateDer::from(*der)).collect();
    let leaf = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| reason(&error))?;
    let lists: Vec<_> = crls.iter().map(|crl| &crl.list).collect();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        options
            .with_depth(RevocationCheckDepth::Chain)
            // The engine knows for which certificates the vendor publishes revocation, and counts those.
            .with_status_policy(UnknownStatusPolicy::Allow)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });
    let seconds = u64::try_from(at.unix_seconds()).map_err(|_| ReasonCode::TimeNotYetValid)?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let anchors = [anchor];
    let path = leaf
        .verify_for_usage(&algorithms, &anchors, &issuers, at, Usage(profile.extended_key_usage), revocation, None)
        .map_err(|error| reason(&error))?;
    if !path.intermediate_certificates().map(webpki::Cert::der).eq(issuers.iter().cloned()) {
        return Err(Reason::new(
            ReasonCode::ChainOrder,
            "the path that was validated is not the one that was supplied",
        ));
    }
    Ok(())
}

/// The extended key usages that certificates of a profile may have. Most carry none; one that does is for something else.
struct Usage(Option<&'static [&'static [u8]]>);

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, usages: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        for usage in usages {
            let usage = usage?;
            if !self.0.into_iter().flatten().any(|allowed| KeyPurposeId::new(allowed) == usage) {
                return Err(Error::EmptyEkuExtension);
            }
        }
        Ok(())
    }
}

/// webpki's error as a reason. The pre-check has said the rest more precisely, so few remain.
fn reason(error: &Error) -> Reason {
    let code = match error {
        Error::InvalidSignatureForPublicKey => ReasonCode::ChainSignature,
        Error::CertRevoked => ReasonCode::RevocationRevoked,
        Error::InvalidCrlSignatureForPublicKey | Error::IssuerNotCrlSigner => ReasonCode::RevocationSignature,
        Error::CrlExpired { .. } => ReasonCode::TimeCrlExpired,
        Error::CertExpired { .. } => ReasonCode::TimeExpired,
        Error::CertNotValidYet { .. } => ReasonCode::TimeNotYetValid,
        Error::EmptyEkuExtension => {
            return Reason::new(ReasonCode::ChainKeyUsage, "a certificate is for another purpose (extended key usage)");
        }
        other => {
            return Reason::new(ReasonCode::ChainRejected, format!("the path validator refused the chain: {other}"));
        }
    };
    code.into()
}
