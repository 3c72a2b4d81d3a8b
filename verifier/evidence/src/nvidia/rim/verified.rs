//! Whether a RIM is NVIDIA's, and whether it may be used.
//!
//! In: a [`Rim`], roots, and what is said of revocation. Out: a [`VerifiedRim`], or why NVIDIA did not sign it: digest →
//! signature → root → chain → lists → answers of NVIDIA's responder. That a RIM's bytes lead to a signer under a root is
//! remembered like a certificate; whether the signer is in force, and not revoked, is asked at every instant anew.

use std::sync::Arc;

use prooftrail_result::{Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::Root;

use super::Rim;
use crate::{
    authentic::InputDigest,
    checks::Checks,
    context::{Context, RevocationMode},
    nvidia::chain::profile,
    ocsp::{self, RevocationStatus},
    x509::{self, Certificate, Chain, Profile, PublicKey, Remembered, VerifiedCertificate},
};

/// The chains of NVIDIA's RIMs.
pub(crate) static PROFILE: Profile = profile("nvidia-rim");

/// Signer, two CAs, root.
const CHAIN_LENGTH: usize = 4;

/// Whether a RIM may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RimStatus {
    /// It may.
    Valid,
    /// A certificate of its chain has ended.
    Expired,
    /// A certificate is on hold: a driver or a VBIOS before its release.
    Hold,
    /// A certificate is revoked.
    Revoked,
}

impl RimStatus {
    /// As it is claimed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Hold => "hold",
            Self::Revoked => "revoked",
        }
    }
}

/// A RIM that NVIDIA signed. Only a [`RimStatus::Valid`] one is to be compared with.
#[derive(Debug)]
pub struct VerifiedRim<'a> {
    /// What it says.
    pub rim: &'a Rim,
    /// Whether it may be used.
    pub status: RimStatus,
    /// The root that its chain ends in.
    pub root: &'a Root,
    /// When the signer's certificate ends.
    pub not_after: Timestamp,
    /// The last instant at which this is so.
    pub valid_until: Timestamp,
    /// The oldest data on revocation that this rests on; absent where no certificate was looked up.
    pub revocation_as_of: Option<Timestamp>,
    /// What it rests on: the RIM, the root, lists and answers on revocation.
    pub inputs: Vec<InputDigest>,
}

/// The signer of a RIM, whose chain was verified.
struct Signer<'a> {
    root: &'a Root,
    leaf: Arc<VerifiedCertificate>,
    /// As far as dates and lists tell.
    status: RimStatus,
    /// The lists that count.
    crls: Vec<[u8; 32]>,
}

impl Rim {
    /// Verifies it at the context's instant: digest, signature, chain, revocation.
    ///
    /// # Errors
    /// The reason why it is not NVIDIA's, or is not yet.
    pub fn verify<'a>(&'a self, context: &Context<'a>) -> Result<VerifiedRim<'a>, Reason> {
        let Signer { root, leaf, status, crls } = self.signer(context)?;
        let mut inputs = Vec::with_capacity(2 + crls.len());
        inputs.push(InputDigest { role: "rim", sha256: self.sha256 });
        inputs.push(InputDigest { role: "root", sha256: root.sha256 });
        inputs.extend(crls.into_iter().map(|sha256| InputDigest { role: "crl", sha256 }));
        let mut verified = VerifiedRim {
            rim: self,
            status,
            root,
            not_after: leaf.certificate.not_after,
            // What is true of something that has ended stays so.
            valid_until: if status == RimStatus::Valid { leaf.valid_until() } else { Timestamp::MAX },
            revocation_as_of: leaf.revocation.as_of,
            inputs,
        };
        verified.ask(&leaf, context)?;
        Ok(verified)
    }

    /// Who signed it: the certificate that its bytes were found to lead to before, or are now.
    fn signer<'a>(&self, context: &Context<'a>) -> Result<Signer<'a>, Reason> {
        let mode = context.revocation.nvidia.min(RevocationMode::BestEffort);
        let Some(root) = self.root(context) else { return Err(self.without_root(context)) };
        // Digest, signature and certificates all stand in its bytes.
        let named = [self.sha256, root.sha256];
        let remembered = Remembered::of([named.as_flattened(), &[]], &PROFILE, mode, context);
        if let Some(leaf) = remembered.find(context) {
            return Ok(Signer { root, crls: leaf.revocation.crls.clone(), leaf, status: RimStatus::Valid });
        }
        let signer = self.find_signer(root, mode, context)?;
        if signer.status == RimStatus::Valid {
            remembered.remember(&signer.leaf, context);
        }
        Ok(signer)
    }

    /// The root that its chain ends in, byte for byte.
    fn root<'a>(&self, context: &Context<'a>) -> Option<&'a Root> {
        let last = self.signed.certificates.last()?;
        context.roots.of_reference_values(self.kind.evidence()).find(|root| root.der == *last)
    }

    /// What is wrong first with one that ends in no root.
    fn without_root(&self, context: &Context<'_>) -> Reason {
        let last = self.signed.certificates.last().map(Vec::as_slice).unwrap_or_default();
        let not_pinned = || {
            let have = format!("SHA-256 {}", hex::encode(context.crypto.sha256(&[last])));
            Reason::new(ReasonCode::ChainRootNotPinned, "the RIM's chain ends in a root that is not pinned").have(have)
        };
        self.verify_signature(context).err().unwrap_or_else(not_pinned)
    }

    /// Verifies digest and signature. Gives the certificates, the signer's first.
    fn verify_signature(&self, context: &Context<'_>) -> Result<Vec<Certificate>, Reason> {
        let signed = &self.signed;
        if signed.document != signed.stated {
            return Err(ReasonCode::RimDigest.into());
        }
        let certificates = signed.certificates.iter().enumerate();
        let certificates = certificates.map(|(place, der)| Certificate::read(der, &format!("certificate {place}")));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let Some(PublicKey::P384(key)) = certificates.first().map(|signer| &signer.public_key) else {
            return Err(ReasonCode::ChainKeyType.into());
        };
        let verified = context.verify_p384_once(key, &signed.signed_info, &signed.value);
        verified.map(|()| certificates).map_err(|_| ReasonCode::RimSignature.into())
    }

    /// Verifies digest, signature and chain.
    fn find_signer<'a>(
        &self,
        root: &'a Root,
        mode: RevocationMode,
        context: &Context<'a>,
    ) -> Result<Signer<'a>, Reason> {
        let certificates = self.verify_signature(context)?;
        let [leaf, cas @ .., _] = self.signed.certificates.as_slice() else {
            return Err(ReasonCode::ChainLength.into());
        };
        if certificates.len() != CHAIN_LENGTH {
            let have = format!("{} certificates", certificates.len());
            return Err(Reason::from(ReasonCode::ChainLength).have(have).need(CHAIN_LENGTH));
        }
        let intermediates: Vec<&[u8]> = cas.iter().rev().map(Vec::as_slice).collect();
        let chain = Chain { root, intermediates: &intermediates, leaf };
        // What has ended is verified as of when it had not: that it is NVIDIA's must be shown all the same.
        let end = certificates.iter().map(|certificate| certificate.not_after.end_of_second()).min();
        let end = end.unwrap_or(context.at).min(context.at);
        let as_of = Context { at: end, ..*context };
        let verify = |mode| x509::verify(chain, &PROFILE, mode, &as_of, &mut Checks::default());
        if end < context.at {
            let leaf = verify(RevocationMode::Off)?;
            return Ok(Signer { root, leaf, status: RimStatus::Expired, crls: Vec::new() });
        }
        match verify(mode) {
            Ok(leaf) => Ok(Signer { root, crls: leaf.revocation.crls.clone(), leaf, status: RimStatus::Valid }),
            // The engine has verified the list that says so.
            Err(reason) if reason.code == ReasonCode::RevocationRevoked => {
                let leaf = verify(RevocationMode::Off)?;
                let lists = context.endorsements.crls().iter();
                let lists = lists.filter(|crl| certificates.iter().any(|below| crl.is_issued_by(&below.issuer)));
                let crls = lists.map(|crl| crl.sha256()).collect();
                Ok(Signer { root, leaf, status: RimStatus::Revoked, crls })
            }
            Err(reason) => Err(reason),
        }
    }
}

impl VerifiedRim<'_> {
    /// What NVIDIA's responder says of the signer and the CAs above it.
    fn ask(&mut self, leaf: &VerifiedCertificate, context: &Context<'_>) -> Result<(), Reason> {
        let mode = context.revocation.nvidia;
        if mode == RevocationMode::Off {
            return Ok(());
        }
        let mut unchecked = 0;
        for (certificate, issuer) in leaf.path().zip(leaf.path().skip(1)) {
            let Some(answer) = ocsp::status_of(context, &PROFILE, certificate, issuer)? else {
                let has_list = !certificate.crl_distribution_points.is_empty();
                unchecked += usize::from(!(has_list && leaf.revocation.checked == leaf.revocation.published));
                continue;
            };
            self.valid_until = self.valid_until.min(answer.valid_until);
            self.revocation_as_of = self.revocation_as_of.into_iter().chain([answer.as_of]).min();
            self.inputs.push(InputDigest { role: "ocsp", sha256: answer.sha256 });
            self.status = match (self.status, answer.status) {
                // NVIDIA answers so for what it did not issue.
                (_, RevocationStatus::Unknown) => return Err(ReasonCode::RimSignerUnknown.into()),
                (RimStatus::Revoked, _) => RimStatus::Revoked,
                (status, RevocationStatus::Good) => status,
                (_, RevocationStatus::Revoked(reason)) if reason.is_hold() => RimStatus::Hold,
                (_, RevocationStatus::Revoked(_)) => RimStatus::Revoked,
            };
        }
        if mode == RevocationMode::Required && self.status == RimStatus::Valid && unchecked > 0 {
            let have = format!("{unchecked} of {} certificates of the RIM's signer not checked", CHAIN_LENGTH - 1);
            return Err(Reason::from(ReasonCode::RevocationNotChecked).have(have));
        }
        Ok(())
    }
}
