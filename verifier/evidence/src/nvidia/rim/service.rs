//! The answer of NVIDIA's RIM service (`GET /v1/rim/<id>`): JSON with the RIM in base64, and its digest.
//!
//! In: JSON. Out: the RIM's bytes, and the id that it was asked for by, which nobody signs.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use prooftrail_result::{Reason, ReasonCode};
use serde::Deserialize;

use crate::{crypto::Crypto, json};

/// The fields in use; the service has others.
#[derive(Deserialize)]
struct Answer<'a> {
    id: String,
    #[serde(borrow)]
    rim: Cow<'a, str>,
    sha256: String,
    rim_format: Option<String>,
}

/// Whether a text in JSON is such an answer, before it is read strictly.
pub(crate) fn is_answer(file: &[u8]) -> bool {
    serde_json::from_slice::<Answer<'_>>(file).is_ok()
}

/// Reads an answer: id and RIM.
pub(super) fn read(crypto: &dyn Crypto, file: &[u8]) -> Result<(String, Vec<u8>), Reason> {
    let wrong = |detail: String| Reason::new(ReasonCode::RimServiceAnswer, detail);
    let answer: Answer<'_> =
        json::read(file).map_err(|error| wrong(format!("the answer cannot be read: {error:?}")))?;
    if !is_id(&answer.id) {
        return Err(wrong("the answer has no id of a RIM".to_owned()));
    }
    if answer.rim_format.as_deref().is_some_and(|format| format != "TCG") {
        return Err(wrong("the RIM is not of NVIDIA's SWID format (`TCG`), the one that is read here".to_owned()));
    }
    let rim = STANDARD.decode(answer.rim.as_bytes()).map_err(|_| wrong("the RIM is not in base64".to_owned()))?;
    let digest = hex::encode(crypto.sha256(&[&rim]));
    if !digest.eq_ignore_ascii_case(&answer.sha256) {
        return Err(wrong("the RIM is not the one whose digest the answer has".to_owned())
            .have(digest)
            .need(answer.sha256));
    }
    Ok((answer.id, rim))
}

/// The longest id.
pub(crate) const MAX_ID: usize = 128;

/// `NV_GPU_DRIVER_GH100_550.144.03`: a word that can stand in a path and in a file's name.
pub(crate) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=MAX_ID).contains(&id.len()) && id.starts_with("NV_") && id.bytes().all(is_plain)
}
