//! Whether the service runs, and whether it can do its work. In: nothing; out: what fails, by its code. `/healthz` is for
//! whoever would restart the process, `/readyz` for whoever would send it requests.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{call::Call, keyring::random, problem::Problem, state::State};
use crate::{
    log::readiness::{Readiness, Reason, readiness},
    store::{Footing, Store, StoreError, on},
};

/// The code of a database that cannot be read, or takes nothing.
const UNAVAILABLE: &str = "ledger.unavailable";

/// What is written to see whether it can be, in bytes: about what a release writes.
const WRITTEN: usize = 64 * 1024;

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
    if state.sequencer.is_failing() && !reasons.iter().any(|reason| reason.code == UNAVAILABLE) {
        match write(&state.store).await {
            Ok(()) => state.sequencer.has_recovered(),
            Err(error) => {
                tracing::warn!(%error, "the database takes nothing");
                let detail = "the database takes nothing: the last entry was not appended".to_owned();
                reasons.push(Reason { code: UNAVAILABLE, detail });
            }
        }
    }
    reasons.extend(
        state
            .background
            .ended()
            .into_iter()
            .map(|task| Reason { code: "service.task_ended", detail: format!("the task {task} has ended") }),
    );
    Ready { ready: reasons.is_empty(), size, reasons, warnings, store }
}

/// Writes something and removes it again. Nobody would send requests to a service that says it is not ready, so it is not
/// the next request that finds out whether there is room again.
async fn write(store: &Store) -> Result<(), StoreError> {
    // What a crash leaves behind looks like an answer whose time is over, and goes with those.
    const WRITE: &str = "-- health_write\nINSERT INTO spent_challenge (request_id, request_sha256, entry_index, form, \
         answer, expires) VALUES ($1, $1, -1, -1, $2, 0)";
    const REMOVE: &str = "-- health_remove\nDELETE FROM spent_challenge WHERE request_id = $1";
    let id = random::<32>().map_err(|_| StoreError::Corrupt { what: "chance" })?;
    on!(store.db(), pool => {
        sqlx::query(WRITE).bind(id.as_slice()).bind(vec![0_u8; WRITTEN]).execute(pool).await?;
        sqlx::query(REMOVE).bind(id.as_slice()).execute(pool).await?;
    });
    Ok(())
}
