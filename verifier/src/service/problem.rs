//! Problems: what the service answers when it does not do what was asked. In: a code and what to say; out: a problem
//! document. RFC 9457; the codes that this module makes stand in docs/http.md, those of appraisals in
//! docs/reason-codes.md. A code never changes its meaning; the text beside it may.

use std::{borrow::Cow, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::Value;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Something that was not done, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    reasons: Vec<Value>,
    retry_after: Option<u64>,
}

/// A problem as it is sent.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    reasons: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
}

impl Problem {
    /// A problem with the stable `code`.
    #[must_use]
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), reasons: Vec::new(), retry_after: None }
    }

    /// 400: what was sent cannot be understood.
    #[must_use]
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 404: there is no such thing, or not for the one who asks.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// 409: what is there already stands against it.
    #[must_use]
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 503: something that the service needs does not answer. What went wrong stands in the log, not in the answer.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }

    /// 500: a defect of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "a defect of the service; its log has the request's id",
        )
    }

    /// Adds reasons, each with its own code.
    #[must_use]
    pub fn with_reasons(mut self, reasons: Vec<Value>) -> Self {
        self.reasons = reasons;
        self
    }

    /// Says in how many seconds to try again.
    #[must_use]
    pub const fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer to the request with the id `request`.
    #[must_use]
    pub fn respond(&self, request: Option<&str>) -> HttpResponse {
        let Self { status, code, detail, reasons, retry_after } = self;
        let document = Document {
            kind: format!("urn:prooftrail:{code}"),
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail,
            code,
            reasons,
            instance: request.map(|id| format!("urn:prooftrail:request:{id}")),
        };
        let mut response = HttpResponse::build(*status);
        response.content_type(MEDIA_TYPE).insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(seconds) = retry_after {
            response.insert_header((header::RETRY_AFTER, *seconds));
        }
        if *status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        // Strings and JSON values always serialise.
        response.body(serde_json::to_string(&document).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(None)
    }
}

impl From<crate::store::StoreError> for Problem {
    fn from(error: crate::store::StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::unavailable("store.unavailable", "the database is not available")
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        crate::store::StoreError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{body::MessageBody, http::StatusCode};
    use serde_json::{Value, json};

    use super::Problem;

    #[test]
    fn a_problem_says_what_rfc_9457_asks_for() {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate.exceeded", "slow down").with_retry_after(2);
        let response = problem.respond(Some("ab12"));
        assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
        assert_eq!(response.headers().get("retry-after").unwrap(), "2");
        let body = response.into_body().try_into_bytes().unwrap();
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            document,
            json!({
                "type": "urn:prooftrail:rate.exceeded", "title": "Too Many Requests", "status": 429,
                "detail": "slow down", "code": "rate.exceeded", "instance": "urn:prooftrail:request:ab12"
            })
        );
    }

    #[test]
    fn whoever_is_not_known_is_told_how_to_say_who_they_are() {
        let response = Problem::new(StatusCode::UNAUTHORIZED, "auth.required", "").respond(None);
        assert_eq!(response.headers().get("www-authenticate").unwrap(), "Bearer");
    }
}
