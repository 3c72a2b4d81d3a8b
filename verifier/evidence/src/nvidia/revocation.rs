//! Whether a device's certificates are revoked, as far as NVIDIA says so: by its responder for the device, its provisioner and
//! the family's CA, by lists for the latter two.
//!
//! In: a verified chain, and OCSP responses among the endorsements. Out: [`DeviceRevocation`]. NVIDIA's responder knows what is
//! revoked and answers *good* for everything else, so that *good* is no proof that NVIDIA issued a certificate.
//! A certificate on hold is no refusal, but not good either. docs.nvidia.com, "Attestation service: OCSP responses".

use prooftrail_result::{Reason, ReasonCode, Timestamp};

use super::chain::DeviceChain;
use crate::{
    authentic::InputDigest,
    context::{Context, RevocationMode},
    ocsp::{self, RevocationReason, RevocationStatus},
    x509::{Profile, Revocation, VerifiedCertificate},
};

/// What is known of a chain.
#[derive(Debug)]
pub(super) struct DeviceRevocation {
    /// Counts the certificates of which NVIDIA says whether they are revoked: device, provisioner, family.
    pub(super) known: Revocation,
    /// `good`, `unknown` or `revoked`, of the certificates that were asked about; absent unless all three were or one is bad.
    pub(super) status: Option<&'static str>,
    /// Why a certificate is revoked.
    pub(super) reason: Option<RevocationReason>,
    /// Until when this holds.
    pub(super) valid_until: Timestamp,
    /// The responses.
    pub(super) inputs: Vec<InputDigest>,
}

/// Certificates of which NVIDIA's responder says whether they are revoked. Of attestation keys it does not.
const PUBLISHED: usize = 3;

impl DeviceRevocation {
    /// Looks a verified chain's certificates up.
    pub(super) fn of(
        chain: &DeviceChain<'_>,
        leaf: &VerifiedCertificate,
        context: &Context<'_>,
    ) -> Result<Self, Reason> {
        let mut this = Self {
            known: Revocation { published: PUBLISHED, ..leaf.revocation.clone() },
            status: None,
            reason: None,
            valid_until: Timestamp::MAX,
            inputs: Vec::new(),
        };
        let mode = context.revocation.nvidia;
        if mode == RevocationMode::Off {
            return Ok(this);
        }
        if !context.endorsements.ocsp_responses().is_empty() {
            this.ask(chain.profile, leaf, context)?;
        }
        if mode == RevocationMode::Required {
            if this.reason.is_some() {
                return Err(Reason::new(ReasonCode::RevocationRevoked, "a certificate of the device is on hold"));
            }
            if this.known.checked < this.known.published {
                let have = format!("{} of {} certificates checked", this.known.checked, this.known.published);
                return Err(Reason::from(ReasonCode::RevocationNotChecked).have(have));
            }
        }
        Ok(this)
    }

    /// What the responses say.
    fn ask(&mut self, profile: &Profile, leaf: &VerifiedCertificate, context: &Context<'_>) -> Result<(), Reason> {
        let mut good = [false; PUBLISHED];
        let mut is_unknown = false;
        let (published, issuers) = (leaf.path().skip(1), leaf.path().skip(2));
        for (good, (certificate, issuer)) in good.iter_mut().zip(published.zip(issuers)) {
            let Some(answer) = ocsp::status_of(context, profile, certificate, issuer)? else { continue };
            self.valid_until = self.valid_until.min(answer.valid_until);
            self.known.as_of = self.known.as_of.into_iter().chain([answer.as_of]).min();
            self.inputs.push(InputDigest { role: "ocsp", sha256: answer.sha256 });
            match answer.status {
                RevocationStatus::Good => *good = true,
                RevocationStatus::Unknown => is_unknown = true,
                RevocationStatus::Revoked(reason) if reason.is_hold() => self.reason = Some(reason),
                RevocationStatus::Revoked(reason) => {
                    return Err(Reason::from(ReasonCode::RevocationRevoked).have(reason.as_str()));
                }
            }
        }
        let [device, authorities @ ..] = good;
        // Lists speak of the two authorities; which of them, is not told, so that the two ways do not add up.
        let authorities = authorities.into_iter().filter(|good| *good).count();
        self.known.checked = self.known.checked.max(authorities) + usize::from(device);
        self.status = match (self.reason, is_unknown) {
            (Some(_), _) => Some("revoked"),
            (None, true) => Some("unknown"),
            (None, false) => good.iter().all(|good| *good).then_some("good"),
        };
        Ok(())
    }
}
