//! The walk that every kind of token takes: form → algorithm → the kind's own check of who issued it → key → signature → times;
//! and the verdict that it comes to.
//!
//! In: a token in compact serialisation. Out: [`Token`], with what every payload says, and what the kind reads besides; from
//! its walk, the [`Signer`] on whose word it is taken; and an [`Authentic`] that rests on both.

use prooftrail_result::{
    EvidenceId, Reason, Timestamp,
    claims::{Claims, cross_vendor},
};

use super::{
    compact::Compact,
    issuer::{Issuer, Signer},
    members::needed_text,
    time::Window,
};
use crate::{
    authentic::{Authentic, check},
    checks::Checks,
    context::{Context, RevocationMode},
    json::Object,
};

/// A token, and what every kind of token says.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    pub(crate) compact: Compact<'a>,
    /// `iss`, as the token spells it.
    pub(crate) issuer: String,
    /// When it is good.
    pub(crate) window: Window,
}

impl<'a> Token<'a> {
    /// Reads a token, and with `read` what its kind says besides.
    pub(crate) fn parse<T>(
        text: &'a [u8],
        read: impl FnOnce(&Object<'_>) -> Result<T, Reason>,
    ) -> Result<(Self, T), Reason> {
        Self::read(Compact::parse(text)?, read)
    }

    /// The same of one that has the form.
    pub(crate) fn read<T>(
        compact: Compact<'a>,
        read: impl FnOnce(&Object<'_>) -> Result<T, Reason>,
    ) -> Result<(Self, T), Reason> {
        let payload = compact.object()?;
        let (issuer, window) = (needed_text(&payload, "iss")?.to_owned(), Window::of(&payload)?);
        let said = read(&payload)?;
        drop(payload);
        Ok((Self { compact, issuer, window }, said))
    }

    /// SHA-384 of what is signed.
    pub(crate) fn signed_sha384(&self, context: &Context<'_>) -> [u8; 48] {
        context.crypto.sha384(&[self.compact.signed])
    }

    /// When it says that it was issued.
    pub(crate) fn claimed_time(&self) -> Timestamp {
        self.window.issued_at
    }

    /// Finds the key that signs it, one that counts as the issuer's. `check_issuer` says whether the issuer is one of the kind's,
    /// and gives the name by which its keys are known, which is given back.
    pub(crate) fn signer<'t, N: AsRef<str>>(
        &'t self,
        issuer: &Issuer,
        check_issuer: impl FnOnce(&'t Self) -> Result<N, Reason>,
        revocation: RevocationMode,
        context: &Context<'_>,
        checks: &mut Checks,
    ) -> Result<(N, Signer), Reason> {
        let algorithm = checks.run(check::TOKEN_ALGORITHM, || self.compact.algorithm(issuer.algorithms))?;
        let name = checks.run(check::TOKEN_ISSUER, || check_issuer(self))?;
        let signer = issuer.signer(&self.compact, name.as_ref(), algorithm, revocation, context, checks)?;
        Ok((name, signer))
    }

    /// Verifies its signature and its times.
    pub(crate) fn verify(&self, signer: &Signer, context: &Context<'_>, checks: &mut Checks) -> Result<(), Reason> {
        checks.run(check::SIGNATURE, || signer.verify(&self.compact, context))?;
        checks.run(check::TOKEN_TIMES, || self.window.check(context.at))
    }

    /// What its signer's word establishes: the kind's claims, and those of every token. Nothing is objected to yet.
    pub(crate) fn authentic(&self, evidence_id: EvidenceId, mut claims: Claims, signer: &Signer) -> Authentic {
        signer.claim(&mut claims);
        claims.insert(cross_vendor::ISSUED_AT, self.window.issued_at);
        Authentic {
            evidence_id,
            claims,
            checks: Vec::new(),
            objections: Vec::new(),
            valid_until: self.window.last().min(signer.valid_until()),
            trust_anchor: signer.trust_anchor,
            debug_applies: true,
            links: Vec::new(),
            issuer_keys: signer.issuer_key.into_iter().collect(),
            inputs: signer.inputs(),
        }
    }
}
