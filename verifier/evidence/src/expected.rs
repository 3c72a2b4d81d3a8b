//! What a caller expects to find in the 64 bytes that a guest may choose: REPORT_DATA of SEV-SNP, REPORTDATA of TDX and SGX.
//!
//! In: the field and the expectations. Out: [`Bound`], the values that were found. The binding is the 48 bytes of the
//! value and 16 zero bytes. Such kinds have no field for a nonce of its own, since the binding covers one; where no binding
//! is expected, a nonce is one that fills the field, zero-padded, as guests do by hand.

use prooftrail_result::{
    Outcome, Reason, ReasonCode,
    claims::{Claims, cross_vendor},
};

use crate::{authentic::check, checks::Checks, context::Expected};

/// The expected values that were found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<'a> {
    nonce: Option<&'a [u8]>,
    binding: Option<&'a [u8]>,
}

impl Bound<'_> {
    /// Claims them.
    pub(crate) fn claim(&self, claims: &mut Claims) {
        claims.insert_if(cross_vendor::NONCE, self.nonce);
        claims.insert_if(cross_vendor::BINDING, self.binding);
    }
}

/// Compares the field with what is expected of it.
pub(crate) fn in_report_data<'a>(
    report_data: &[u8; 64],
    expected: Expected<'a>,
    checks: &mut Checks,
) -> Result<Bound<'a>, Reason> {
    let nonce = expected.nonce.filter(|_| expected.binding.is_none());
    find(report_data, nonce, check::NONCE, ReasonCode::BindingNonceMismatch, checks)?;
    let binding = expected.binding.map(<[u8; 48]>::as_slice);
    find(report_data, binding, check::BINDING, ReasonCode::BindingValueMismatch, checks)?;
    Ok(Bound { nonce, binding })
}

fn find(
    report_data: &[u8; 64],
    value: Option<&[u8]>,
    name: &'static str,
    code: ReasonCode,
    checks: &mut Checks,
) -> Result<(), Reason> {
    let Some(value) = value else {
        checks.push(name, Outcome::NotPerformed);
        return Ok(());
    };
    checks.run(name, || match report_data.split_at_checked(value.len()) {
        Some((found, padding)) if !value.is_empty() && found == value && padding.iter().all(|byte| *byte == 0) => {
            Ok(())
        }
        _ => Err(Reason::from(code).have(hex::encode(report_data)).need(hex::encode(value))),
    })
}
