//! What a caller expects to find in a token of Azure Attestation.
//!
//! In: what the token says, and the expectations. Out: [`Bound`], the values that were found. Two fields can carry a value,
//! and they are not worth the same. Report data that the guest or the enclave chose is signed by hardware: a value stands
//! there, or its SHA-256 where it was sent as runtime data. The nonce of a request about a paravisor's guest is only repeated by
//! the service: it says that this request was answered, nothing of when the hardware spoke or whose key it is. So it carries a
//! nonce, and never a binding.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prooftrail_result::{Kind, Outcome, Reason, ReasonCode, claims::Claims, claims::cross_vendor};

use super::claims::Stated;
use crate::{authentic::check, checks::Checks, context::Context, crypto::Crypto};

/// The expected values that were found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bound<'a> {
    nonce: Option<&'a [u8]>,
    binding: Option<&'a [u8]>,
}

impl Bound<'_> {
    /// Claims them.
    pub(super) fn claim(&self, claims: &mut Claims) {
        claims.insert_if(cross_vendor::NONCE, self.nonce);
        claims.insert_if(cross_vendor::BINDING, self.binding);
    }
}

/// Compares the token with what is expected of it.
pub(super) fn find<'a>(stated: &Stated, context: &Context<'a>, checks: &mut Checks) -> Result<Bound<'a>, Reason> {
    let is_attached = context.expected.attached.iter().any(|(kind, _)| *kind == Kind::AzureMaa);
    let binding = context.expected.binding.map(<[u8; 48]>::as_slice);
    // A token about a paravisor's guest has no place for a binding, so that there is nothing to compare; where one is demanded, the set lacks it.
    let binding = binding.filter(|_| stated.report_data.is_some() && !is_attached);
    let nonce = context.expected.attached_to(Kind::AzureMaa).filter(|_| binding.is_none());
    for (name, value, codes) in [
        (check::NONCE, nonce, [ReasonCode::BindingNonceAbsent, ReasonCode::BindingNonceMismatch]),
        (check::BINDING, binding, [ReasonCode::BindingValueAbsent, ReasonCode::BindingValueMismatch]),
    ] {
        match value {
            Some(value) => checks.run(name, || compare(stated, value, codes, context.crypto))?,
            None => checks.push(name, Outcome::NotPerformed),
        }
    }
    Ok(Bound { nonce, binding })
}

fn compare(stated: &Stated, value: &[u8], codes: [ReasonCode; 2], crypto: &dyn Crypto) -> Result<(), Reason> {
    let [absent, differs] = codes;
    let have = match (&stated.report_data, &stated.client_nonce) {
        (Some(report_data), _) => {
            if starts_with(report_data, value) || starts_with(report_data, &crypto.sha256(&[value])) {
                return Ok(());
            }
            report_data.as_slice()
        }
        (None, Some(nonce)) => {
            let is_spelt = || URL_SAFE_NO_PAD.encode(value).as_bytes() == nonce;
            if !value.is_empty() && (nonce == value || is_spelt()) {
                return Ok(());
            }
            nonce
        }
        (None, None) => return Err(Reason::from(absent).need(hex::encode(value))),
    };
    Err(Reason::from(differs).have(hex::encode(have)).need(hex::encode(value)))
}

/// Whether report data are a value with zeros behind it.
fn starts_with(report_data: &[u8; 64], value: &[u8]) -> bool {
    match report_data.split_at_checked(value.len()) {
        Some((found, padding)) => !value.is_empty() && found == value && padding.iter().all(|byte| *byte == 0),
        None => false,
    }
}
