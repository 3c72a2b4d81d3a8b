//! What the service says of itself. In: nothing; out: metrics, the description of the API, and the public keys under
//! which it speaks.

use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{call::Call, openapi as description, problem::Problem};

/// What `/.well-known/prooftrail` gives. Whoever relies on it has it from elsewhere as well: a service that lies, lies here
/// too.
#[derive(Serialize, ToSchema)]
pub struct WellKnown {
    /// The log's origin.
    origin: String,
    /// The log's verifier key (C2SP signed-note).
    log_key: String,
    /// The Ed25519 key that signs releases, in hexadecimal: as agents and trust files take it.
    release_key: String,
    /// The version of the program.
    version: &'static str,
    /// Where strangers reach the service, if it is configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
}

/// `GET /.well-known/prooftrail`
///
/// # Errors
/// None.
pub async fn well_known(call: Call) -> Result<HttpResponse, Problem> {
    let keyring = &call.state.keyring;
    Ok(HttpResponse::Ok().json(WellKnown {
        origin: keyring.origin.clone(),
        log_key: keyring.log.to_string(),
        release_key: hex::encode(keyring.release_public),
        version: env!("CARGO_PKG_VERSION"),
        public_url: call.state.config.public_url.clone(),
    }))
}

/// `GET /metrics`
///
/// # Errors
/// None.
pub async fn metrics(call: Call) -> Result<HttpResponse, Problem> {
    let text = call.state.metrics.render();
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// `GET /openapi.json`
///
/// # Errors
/// None.
pub async fn openapi(_: Call) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    Ok(response.json(description::document()))
}
