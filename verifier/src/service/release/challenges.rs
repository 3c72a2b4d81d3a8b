//! `POST /v1/challenges`. In: what for; out: a challenge that commits to the latest checkpoint. Nothing is stored: the
//! challenge comes back with its MAC.

use actix_web::{HttpResponse, http::header};
use prooftrail_protocol::{
    Challenge, KeyName, KeyRef, limits,
    wire::{ChallengeRequest, ChallengeResponse},
};
use prooftrail_result::Timestamp;

use super::{Releases, now, read, status};
use crate::{
    service::{call::Call, keyring::random, problem::Problem},
    store::on,
};

/// `POST /v1/challenges`
///
/// # Errors
/// 400, 404 for a key that is not there, 503.
pub async fn challenge(call: Call) -> Result<HttpResponse, Problem> {
    let ChallengeRequest { purpose: _, key } = read(&call, "challenge request")?;
    let state = &call.state;
    let Releases { fleet, release_public, origin, .. } = &state.releases;
    let head = status(state).head;
    let random = random::<32>().map_err(|_| Problem::unavailable("chance", "the system gives no random bytes"))?;
    let issued = now(state);
    let lasts = issued.unix_millis().saturating_add(limits::CHALLENGE_MILLIS);
    let expires = Timestamp::from_unix_millis(lasts).ok_or_else(Problem::internal)?;
    let challenge = Challenge::new(*random, &head.note.to_string(), head.head.recovery_epoch, issued, expires);
    let challenge = challenge.map_err(|error| {
        tracing::error!(%error, "no challenge can be made");
        Problem::internal()
    })?;
    let key = match key {
        Some(name) => Some(current(&call, name).await?),
        None => None,
    };
    let response = ChallengeResponse {
        challenge: fleet.token(&challenge).as_str().to_owned(),
        nonce: challenge.nonce(),
        checkpoint: challenge.checkpoint().to_owned(),
        recovery_epoch: challenge.recovery_epoch(),
        expires,
        log_origin: origin.clone(),
        release_key: *release_public,
        key,
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(response))
}

/// The version of a key that witnesses are sealed to now.
async fn current(call: &Call, name: KeyName) -> Result<KeyRef, Problem> {
    const CURRENT: &str = "-- key_current\nSELECT MAX(version) FROM witness_key_version \
         WHERE project = $1 AND name = $2 AND revoked IS NULL";
    let version: Option<i64> = on!(call.state.store.db(), pool => {
        sqlx::query_scalar(CURRENT).bind(&call.project).bind(name.as_str()).fetch_one(pool).await
    })?;
    let version = version.and_then(|version| u64::try_from(version).ok());
    Ok(KeyRef { name, version: version.ok_or_else(|| Problem::not_found("key"))? })
}
