//! `POST /v1/appraisals`. In: a challenge, evidence and the name of a policy; out: the verdict, without a witness.

use actix_web::HttpResponse;
use prooftrail_protocol::wire::AppraisalRequest;

use super::{decide::decide, inquiry::Inquiry, read};
use crate::service::{call::Call, problem::Problem};

/// `POST /v1/appraisals`
///
/// # Errors
/// As `POST /v1/releases`: evidence that is refused is a problem here too.
pub async fn appraise(call: Call) -> Result<HttpResponse, Problem> {
    let request: AppraisalRequest = read(&call, "appraisal request")?;
    let inquiry = Inquiry::appraisal(&call, request)?;
    decide(&call.state, inquiry).await?.respond()
}
