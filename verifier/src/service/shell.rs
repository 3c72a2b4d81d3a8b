//! Around every request. In: a request; out: its answer with an id, counted, timed and logged; or 429 before anything
//! was done for it. Nothing of a request is logged but its method, its route and who made it: no header, no query, no
//! body, no path that a stranger chose.

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    web::Data,
};
use tokio::time::Instant;

use super::{
    call::{Asked, RequestId},
    keyring::random,
    problem::Problem,
    state::State,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The middleware.
///
/// # Errors
/// A problem in the place of what another layer reports.
pub(super) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let start = Instant::now();
    let id = random::<8>().map(|bytes| hex::encode(bytes.as_slice())).unwrap_or_default();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let within = match (request.app_data::<Data<State>>(), request.peer_addr()) {
        (Some(state), Some(peer)) => state.rate.take(peer.ip(), start),
        // Not over a network: a test.
        _ => Ok(()),
    };
    let response = match within {
        // Whatever another layer reports has no request any more to be answered by; it becomes a problem all the same.
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_boxed_body).map_err(|error| {
            let status = error.as_response_error().status_code();
            Problem::new(status, "request.refused", error.to_string())
        })?,
        Err(seconds) => {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate.exceeded", "too many requests from you");
            let response = problem.with_retry_after(seconds).respond(Some(&id));
            request.into_response(response)
        }
    };
    Ok(finish(response, &id, &method, start))
}

/// Marks, counts and logs an answer.
fn finish(
    mut response: ServiceResponse,
    id: &str,
    method: &actix_web::http::Method,
    start: Instant,
) -> ServiceResponse {
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let status = response.status().as_u16();
    let who = response.request().extensions().get::<Asked>().map(|asked| asked.0.clone()).unwrap_or_default();
    let seconds = start.elapsed().as_secs_f64();
    // Methods are text that a client chooses; a label is not.
    let method = match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    tracing::info!(request = id, method, route, status, seconds, who, "answered");
    let labels = [("method", method), ("route", route), ("status", status.to_string())];
    metrics::counter!("prooftrail_http_requests_total", &labels).increment(1);
    metrics::histogram!("prooftrail_http_request_seconds").record(seconds);
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// 404 for a path that no route has.
pub(super) async fn no_route(request: actix_web::HttpRequest) -> HttpResponse {
    problem(&request, &Problem::new(StatusCode::NOT_FOUND, "route.unknown", "there is no such route"))
}

/// Answers with a problem that carries the request's id.
pub(super) fn problem(request: &actix_web::HttpRequest, problem: &Problem) -> HttpResponse {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    problem.respond(id.as_deref())
}
