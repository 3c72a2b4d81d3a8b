//! What a caller expects to find in the one field that a guest may choose: REPORT_DATA of SEV-SNP, REPORTDATA of TDX and SGX,
//! qualifyingData of a TPM quote, the nonces of a token.
//!
//! In: the field and the expectations. Out: [`Bound`], the values that were found. Such kinds have no field for a nonce of
//! its own, since the binding covers one; where no binding is expected, the field is compared with a nonce. Report data have
//! 64 bytes, so that a value stands there with zeros behind it; qualifyingData is the value, exactly.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prooftrail_result::{
    Outcome, Reason, ReasonCode,
    claims::{Claims, cross_vendor},
};

use crate::{authentic::check, checks::Checks, context::Expected, jose::Texts};

/// The expected values that were found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bound<'a> {
    nonce: Option<&'a [u8]>,
    binding: Option<&'a [u8]>,
}

impl<'a> Bound<'a> {
    /// Values that were found elsewhere than in a field.
    pub(crate) fn new(nonce: Option<&'a [u8]>, binding: Option<&'a [u8; 48]>) -> Self {
        Self { nonce, binding: binding.map(<[u8; 48]>::as_slice) }
    }

    /// Claims them.
    pub(crate) fn claim(&self, claims: &mut Claims) {
        claims.insert_if(cross_vendor::NONCE, self.nonce);
        claims.insert_if(cross_vendor::BINDING, self.binding);
    }
}

/// Compares report data with what is expected of them; `None` where they are not the caller's to choose, so that nothing is
/// looked for.
pub(crate) fn in_report_data<'a>(
    report_data: &[u8; 64],
    expected: Option<Expected<'a>>,
    checks: &mut Checks,
) -> Result<Bound<'a>, Reason> {
    let Some(expected) = expected else { return Ok(Bound::default()) };
    in_field(report_data, expected, checks, |value| match report_data.split_at_checked(value.len()) {
        Some((found, padding)) => !value.is_empty() && found == value && padding.iter().all(|byte| *byte == 0),
        None => false,
    })
}

/// Compares a token's nonces and audience with what is expected of them. A binding is the one nonce, in base64url, of a token
/// for the expected audience; a nonce is one of several, as the text that it is or in hex or base64url, since issuers take
/// texts only.
pub(crate) fn in_token<'a>(
    nonces: Option<&Texts>,
    audience: &str,
    expected: Expected<'a>,
    checks: &mut Checks,
) -> Result<Bound<'a>, Reason> {
    let found = nonces.map(Texts::as_slice).unwrap_or_default();
    let nonce = expected.nonce.filter(|_| expected.binding.is_none());
    let spells = |text: &String, value: &[u8]| {
        !value.is_empty()
            && (text.as_bytes() == value || *text == hex::encode(value) || *text == URL_SAFE_NO_PAD.encode(value))
    };
    let differs = |absent: ReasonCode, differs: ReasonCode| {
        let code = if found.is_empty() { absent } else { differs };
        Reason::from(code).have(found.join(", "))
    };
    match nonce {
        Some(value) => checks.run(check::NONCE, || {
            if found.iter().any(|text| spells(text, value)) {
                return Ok(());
            }
            Err(differs(ReasonCode::BindingNonceAbsent, ReasonCode::BindingNonceMismatch).need(hex::encode(value)))
        })?,
        None => checks.push(check::NONCE, Outcome::NotPerformed),
    }
    match expected.binding {
        Some(value) => checks.run(check::BINDING, || {
            let need = URL_SAFE_NO_PAD.encode(value);
            if nonces.and_then(Texts::alone) != Some(&need) {
                return Err(differs(ReasonCode::BindingValueAbsent, ReasonCode::BindingValueMismatch).need(need));
            }
            match expected.audience {
                Some(need) if need != audience => {
                    Err(Reason::from(ReasonCode::BindingAudience).have(audience).need(need))
                }
                _ => Ok(()),
            }
        })?,
        None => checks.push(check::BINDING, Outcome::NotPerformed),
    }
    Ok(Bound::new(nonce, expected.binding))
}

/// Compares the qualifyingData of a TPM quote with what is expected of it.
pub(crate) fn in_qualifying_data<'a>(
    data: &[u8],
    expected: Expected<'a>,
    checks: &mut Checks,
) -> Result<Bound<'a>, Reason> {
    in_field(data, expected, checks, |value| !value.is_empty() && data == value)
}

fn in_field<'a>(
    field: &[u8],
    expected: Expected<'a>,
    checks: &mut Checks,
    holds: impl Fn(&[u8]) -> bool,
) -> Result<Bound<'a>, Reason> {
    let nonce = expected.nonce.filter(|_| expected.binding.is_none());
    let binding = expected.binding.map(<[u8; 48]>::as_slice);
    let absent = [ReasonCode::BindingNonceAbsent, ReasonCode::BindingValueAbsent];
    let differs = [ReasonCode::BindingNonceMismatch, ReasonCode::BindingValueMismatch];
    let [of_nonce, of_binding] = if field.is_empty() { absent } else { differs };
    for (name, value, code) in [(check::NONCE, nonce, of_nonce), (check::BINDING, binding, of_binding)] {
        let Some(value) = value else {
            checks.push(name, Outcome::NotPerformed);
            continue;
        };
        checks.run(name, || {
            if holds(value) {
                return Ok(());
            }
            Err(Reason::from(code).have(hex::encode(field)).need(hex::encode(value)))
        })?;
    }
    Ok(Bound { nonce, binding })
}
