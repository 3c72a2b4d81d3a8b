//! What the hardware behind a token signed: report data that are hashed again from what the token says went into them.
//!
//! In: what an authentic token says of its hardware, and what the caller expects. Out: what was found. A trust domain's report data
//! are SHA-512 of the service's nonce, the nonce's time and the runtime data, an enclave's SHA-256 of the same with held data
//! and 32 zero bytes; without a nonce, of the data alone.

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::{Outcome, Reason, ReasonCode};

use super::{
    claims::{Attester, Hardware, VerifierNonce},
    gpu::{Devices, NONCE_BYTES},
};
use crate::{
    authentic::check,
    checks::Checks,
    context::{Context, Expected},
    crypto::Crypto,
    expected::Bound,
};

/// How the runtime data of a release begin: a CBOR array of two, and in it the text `prooftrail/ita/v1` and a byte string of
/// 48 bytes (docs/protocol.md).
const RUNTIME_DATA_HEAD: &[u8] = b"\x82\x71prooftrail/ita/v1\x58\x30";

/// What the hardware was found to have signed.
pub(super) struct Found<'a> {
    pub(super) bound: Bound<'a>,
    /// The attester's own data.
    pub(super) data: Option<Vec<u8>>,
}

/// Compares the report data with what the token says went into them, and with what is expected.
pub(super) fn check<'a>(
    hardware: &Hardware,
    attester: Attester,
    devices: Option<&Devices>,
    context: &Context<'a>,
    checks: &mut Checks,
) -> Result<Found<'a>, Reason> {
    let crypto = context.crypto;
    let nonce = hardware.nonce.as_ref();
    let data = checks.run(check::RUNTIME_DATA, || own_data(hardware, attester, nonce, crypto))?;
    let Expected { nonce: expected_nonce, binding, .. } = context.expected;
    let expected_nonce = expected_nonce.filter(|_| binding.is_none());
    match expected_nonce {
        Some(need) => checks.run(check::NONCE, || match nonce {
            Some(nonce) if nonce.val == need && !need.is_empty() => Ok(()),
            Some(nonce) => Err(Reason::from(ReasonCode::BindingNonceMismatch)
                .have(hex::encode(&nonce.val))
                .need(hex::encode(need))),
            None => Err(Reason::from(ReasonCode::BindingNonceAbsent).need(hex::encode(need))),
        })?,
        None => checks.push(check::NONCE, Outcome::NotPerformed),
    }
    let runtime = binding.map(|value| [RUNTIME_DATA_HEAD, value.as_slice()].concat());
    match &runtime {
        Some(runtime) => checks.run(check::BINDING, || {
            let have = hardware.report_data.as_ref().ok_or(ReasonCode::BindingValueAbsent)?;
            let need = report_data(attester, nonce, runtime, crypto).ok_or(ReasonCode::BindingValueAbsent)?;
            if *have == need {
                return Ok(());
            }
            Err(Reason::from(ReasonCode::BindingValueMismatch).have(hex::encode(have)).need(hex::encode(need)))
        })?,
        None => checks.push(check::BINDING, Outcome::NotPerformed),
    }
    // Trust domain and devices are one machine only as far as they were asked the same.
    if let (Some(devices), Some(data)) = (devices, runtime.as_ref().or(data.as_ref())) {
        checks.run(check::IDENTITY, || {
            if devices.all_have_nonces() && devices.nonces().all(|have| is_of(have, nonce, data, crypto)) {
                return Ok(());
            }
            let have = devices.nonces().collect::<Vec<_>>().join(", ");
            Err(Reason::from(ReasonCode::ItaGpuNonce).have(have))
        })?;
    }
    Ok(Found { bound: Bound::new(expected_nonce, binding), data })
}

/// The attester's own data, if the report data are their hash; it is a contradiction if they are not.
fn own_data(
    hardware: &Hardware,
    attester: Attester,
    nonce: Option<&VerifierNonce>,
    crypto: &dyn Crypto,
) -> Result<Option<Vec<u8>>, Reason> {
    let (Some(text), Some(have)) = (&hardware.data, &hardware.report_data) else { return Ok(None) };
    let Ok(data) = STANDARD.decode(text) else { return Ok(None) };
    let Some(need) = report_data(attester, nonce, &data, crypto) else { return Ok(None) };
    if *have == need {
        return Ok(Some(data));
    }
    // What goes into the hash beside data of both kinds, or data of a paravisor, is not documented.
    if hardware.has_other_data {
        return Ok(None);
    }
    Err(Reason::from(ReasonCode::ItaReportData).have(hex::encode(have)).need(hex::encode(need)))
}

/// The report data of an attester with these data.
fn report_data(
    attester: Attester,
    nonce: Option<&VerifierNonce>,
    data: &[u8],
    crypto: &dyn Crypto,
) -> Option<[u8; 64]> {
    let parts = parts(nonce, data);
    match attester {
        Attester::Tdx => Some(crypto.sha512(&parts)),
        Attester::Sgx => {
            let mut padded = [0; 64];
            let (digest, _) = padded.split_at_mut(32);
            digest.copy_from_slice(&crypto.sha256(&parts));
            Some(padded)
        }
        Attester::NvGpu | Attester::Other => None,
    }
}

fn parts<'p>(nonce: Option<&'p VerifierNonce>, data: &'p [u8]) -> [&'p [u8]; 3] {
    nonce.map_or([&[], &[], data], |nonce| [&nonce.val, &nonce.iat, data])
}

/// Whether a device's nonce is made of these data, with the service's nonce or without: the first half of their SHA-512, which
/// is that of a trust domain's report data, or their SHA-256.
fn is_of(text: &str, nonce: Option<&VerifierNonce>, data: &[u8], crypto: &dyn Crypto) -> bool {
    let mut have = [0; NONCE_BYTES];
    hex::decode_to_slice(text, &mut have).is_ok()
        && [parts(nonce, data), parts(None, data)]
            .iter()
            .any(|parts| crypto.sha512(parts).starts_with(&have) || crypto.sha256(parts) == have)
}
