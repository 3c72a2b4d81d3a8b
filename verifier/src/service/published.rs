//! The ledger's public routes, as rows of the table. In: a call; out: what [`crate::log::http`] makes of it.

use actix_web::HttpResponse;

use super::{call::Call, problem::Problem};
use crate::log::http::Published;

/// `GET /ledger/checkpoint`
///
/// # Errors
/// None.
pub async fn checkpoint(call: Call) -> Result<HttpResponse, Problem> {
    Ok(of(&call).checkpoint())
}

/// `GET /ledger/tile/…`
///
/// # Errors
/// 400, 404, 503.
pub async fn tile(call: Call) -> Result<HttpResponse, Problem> {
    let path = format!("tile/{}", call.path("tile"));
    of(&call).tile(&path).await
}

fn of(call: &Call) -> Published {
    Published { log: call.state.log.clone(), status: call.state.sequencer.status() }
}
