//! A document of Intel's with its signature and the certificate that made it.
//!
//! In: the verbatim text, the signature, and the chain that came with it. Out, once verified: the signer. A document is
//! verified like this: its signer is a TCB signing certificate that the root issued and did not revoke, the signature is
//! over the text, and the document is in force.

use std::sync::Arc;

use prooftrail_result::{Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::Root;
use serde::de::DeserializeOwned;

use crate::{
    checks::Checks,
    context::Context,
    intel::{names, profile},
    x509::{self, Certificate, Chain, Outline, Profile, PublicKey, Remembered, VerifiedCertificate},
};

/// The signer of collateral, issued by the root itself.
static SIGNER: Profile = profile("intel-tcb-signing");

/// What documents have in common.
pub(in crate::intel) trait Document: DeserializeOwned {
    /// What it is, for people.
    const NAME: &'static str;
    /// What it is, among the inputs of a verdict.
    const ROLE: &'static str;

    /// Whether this is a version of the document that is known here; if not, which one it is.
    fn is_supported(&self) -> Result<(), String>;

    /// From when it is in force.
    fn issue_date(&self) -> Timestamp;

    /// When the next one is due, and this one no longer in force.
    fn next_update(&self) -> Timestamp;

    /// Which round of evaluation by Intel it stems from.
    fn evaluation_data_number(&self) -> u64;
}

/// A document that has the form.
#[derive(Clone, Debug)]
pub(in crate::intel) struct Signed<T> {
    pub(in crate::intel) content: T,
    /// Of the text as it was signed, byte for byte.
    pub(in crate::intel) sha256: [u8; 32],
    /// r ‖ s.
    pub(super) signature: [u8; 64],
    /// The signer and the root, where they came with the document.
    pub(super) issuer_chain: Option<Vec<Vec<u8>>>,
    /// Of the three.
    pub(super) whole_sha256: [u8; 32],
}

impl<T: Document> Signed<T> {
    /// Verifies the document under a root at the context's instant, and gives its signer.
    pub(in crate::intel) fn verify(
        &self,
        root: &Root,
        context: &Context<'_>,
    ) -> Result<Arc<VerifiedCertificate>, Reason> {
        let named = |mut reason: Reason| {
            reason.detail = format!("{}: {}", T::NAME, reason.detail).into();
            reason
        };
        let signer = self.known_signer(root, context).map_err(named)?;
        self.check_validity(context.at).map_err(named)?;
        Ok(signer)
    }

    /// The certificate that signed it, which was verified with the document before, or is now.
    fn known_signer(&self, root: &Root, context: &Context<'_>) -> Result<Arc<VerifiedCertificate>, Reason> {
        let revocation = context.revocation.intel;
        let supplied: Vec<_> = match self.issuer_chain {
            Some(_) => Vec::new(),
            None => context.endorsements.certificates().iter().map(|certificate| certificate.sha256()).collect(),
        };
        let named = [self.whole_sha256, root.sha256];
        let remembered = Remembered::of([named.as_flattened(), supplied.as_flattened()], &SIGNER, revocation, context);
        if let Some(signer) = remembered.find(context) {
            return remembered.accept(&signer, &mut Checks::default()).map(|()| signer);
        }
        let chain = Chain { root, intermediates: &[], leaf: self.signer(root, context)? };
        let signer = x509::verify(chain, &SIGNER, revocation, context, &mut Checks::default())?;
        names::check(&signer.certificate.subject, "the signer", &[names::TCB_SIGNING])?;
        let PublicKey::P256(point) = &signer.certificate.public_key else {
            return Err(ReasonCode::ChainKeyType.into());
        };
        context
            .verify_p256_once(point, &self.sha256, &self.signature)
            .map_err(|_| Reason::from(ReasonCode::CollateralSignature))?;
        remembered.remember(&signer, context);
        Ok(signer)
    }

    /// The certificate that signed it, in DER: the one that came with it, or one among the certificates supplied. Intel
    /// has issued one with the same key and serial number anew, so of several the one that is valid counts.
    fn signer<'a>(&'a self, root: &Root, context: &Context<'a>) -> Result<&'a [u8], Reason> {
        if let Some(chain) = &self.issuer_chain {
            return match chain.as_slice() {
                [signer, sent] if *sent == root.der => Ok(signer),
                [_, sent] => Err(Reason::from(ReasonCode::ChainRootNotPinned)
                    .have(format_args!("root with SHA-256 {}", hex::encode(context.crypto.sha256(&[sent]))))
                    .need(format_args!("the quote's root, {}", hex::encode(root.sha256)))),
                other => {
                    Err(Reason::from(ReasonCode::ChainLength).have(other.len()).need("2, the signer and the root"))
                }
            };
        }
        let root_name = Outline::of(&root.der);
        let issued = context.endorsements.certificates().iter().filter(|certificate| {
            root_name.as_ref().is_some_and(|outline| outline.subject(&root.der) == certificate.issuer())
        });
        let signers = issued.filter_map(|candidate| {
            let certificate = Certificate::read(candidate.der(), "the signer").ok()?;
            let is_signer = certificate.common_name().as_deref() == Some(names::TCB_SIGNING);
            let is_valid = (certificate.not_before..=certificate.not_after).contains(&context.at);
            is_signer.then_some((is_valid, certificate.not_before, candidate.der()))
        });
        let (_, _, signer) = signers.max().ok_or_else(|| {
            Reason::new(ReasonCode::CollateralMissing, "the certificate that signed it was not supplied")
        })?;
        Ok(signer)
    }

    fn check_validity(&self, at: Timestamp) -> Result<(), Reason> {
        let (issued, due) = (self.content.issue_date(), self.content.next_update());
        if at < issued {
            return Err(Reason::from(ReasonCode::TimeCollateralNotYetValid)
                .have(at)
                .need(format_args!("{issued} or later")));
        }
        if at >= due {
            return Err(Reason::from(ReasonCode::TimeCollateralExpired).have(at).need(format_args!("before {due}")));
        }
        Ok(())
    }
}
