//! `POST /v1/releases`. In: a challenge, evidence and a witness's header; out: the file key, sealed to the key in the
//! evidence's context, once the release stands in the ledger; or every reason why not.

use actix_web::HttpResponse;
use prooftrail_protocol::wire::ReleaseRequest;

use super::{decide::decide, inquiry::Inquiry, read};
use crate::service::{call::Call, problem::Problem};

/// `POST /v1/releases`
///
/// # Errors
/// 400, 403, 422 by the stage that failed (docs/reason-codes.md); 404 for a project or key that is not there; 409 for a
/// challenge that was used for something else; 503.
pub async fn release(call: Call) -> Result<HttpResponse, Problem> {
    let request: ReleaseRequest = read(&call, "release request")?;
    let inquiry = Inquiry::release(&call, request)?;
    decide(&call.state, inquiry).await?.respond()
}
