//! Whether the service runs, and whether it can do its work. In: nothing; out: what fails, by its code. `/healthz` is for
//! whoever would restart the process, `/readyz` for whoever would send it requests.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{call::Call, problem::Problem, state::State};
use crate::{
    log::readiness::{Readiness, Reason, readiness},
    store::Footing,
};

/// The process runs.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the service can do its work.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// Whether it can.
    pub ready: bool,
    /// The size of the last checkpoint that this process has signed.
    size: u64,
    /// Why not; each with `code` and `detail`.
    #[schema(value_type = Vec<Object>)]
    reasons: Vec<Reason>,
    /// What an operator should know all the same.
    #[schema(value_type = Vec<Object>)]
    warnings: Vec<Reason>,
    /// What commits rest on.
    #[schema(value_type = Option<Object>)]
    store: Option<Footing>,
}

/// `GET /healthz`
///
/// # Errors
/// None.
pub async fn live(_: Call) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(Health { status: "ok" }))
}

/// `GET /readyz`
///
/// # Errors
/// None; what fails stands in the answer, which is then 503.
pub async fn ready(call: Call) -> Result<HttpResponse, Problem> {
    let ready = look(&call.state).await;
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(HttpResponse::build(status).json(ready))
}

/// Looks whether the service can do its work: the log and what it rests on, and the tasks beside the requests.
pub async fn look(state: &State) -> Ready {
    let status = state.sequencer.status().borrow().clone();
    let Readiness { ready: _, size, mut reasons, warnings, store } = readiness(&state.log, &status).await;
    reasons.extend(
        state
            .background
            .ended()
            .into_iter()
            .map(|task| Reason { code: "service.task_ended", detail: format!("the task {task} has ended") }),
    );
    Ready { ready: reasons.is_empty(), size, reasons, warnings, store }
}
