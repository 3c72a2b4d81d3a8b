//! From a request to a handler. In: a request and the row of its route; out: the handler's answer, or a problem. The
//! order is always the same: who asks, may they, then and only then the body is read.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BodyStream, BoxBody, MessageBody},
    dev,
    http::{StatusCode, header},
    web::{Bytes, BytesMut, Data, Payload, Query},
};
use serde::de::DeserializeOwned;

use super::{
    access::{Body, Route},
    auth::{self, Principal, token},
    problem::Problem,
    state::State,
};

/// What a handler gives.
pub type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, Problem>>>>;

/// The project of whoever does not name one.
pub const DEFAULT_PROJECT: &str = "default";

/// A request that may be answered.
pub struct Call {
    /// The service.
    pub state: Data<State>,
    /// The head of the request.
    pub request: HttpRequest,
    /// The project that is asked about.
    pub project: String,
    /// Who asks; known unless the route is public or an agent's.
    pub principal: Option<Principal>,
    /// The parameters of the query.
    pub query: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A variable part of the path.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// 400 with `request.json`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| Problem::bad_request("request.json", error.to_string()))
    }

    /// The body as text.
    ///
    /// # Errors
    /// 400 with `request.text`.
    pub fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.body).map_err(|_| Problem::bad_request("request.text", "the body is not UTF-8"))
    }

    /// Who asks, as records name them.
    #[must_use]
    pub fn who(&self) -> &str {
        self.principal.as_ref().map_or("", |principal| &principal.name)
    }

    /// Now, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> i64 {
        i64::try_from(self.state.clock.now()).unwrap_or(i64::MAX)
    }
}

/// The id of a request, in its answer and in every line that is logged about it.
#[derive(Clone)]
pub(super) struct RequestId(pub(super) String);

/// Who asked, for the log; left in the request's extensions.
#[derive(Clone)]
pub(super) struct Asked(pub(super) String);

/// Answers a request by the row of its route.
pub(super) async fn answer(route: &Route, state: Data<State>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let timeout = state.config.limits.answer_timeout();
    let mut unread: Unread = Box::pin(BodyStream::new(payload.into_inner()));
    let result = match admit(route, state, request, &mut unread).await {
        Err(problem) => Err(problem),
        Ok(call) => match tokio::time::timeout(timeout, caught((route.handler)(call))).await {
            Ok(Ok(result)) => result,
            Ok(Err(Panicked)) => Err(Problem::internal()),
            Err(_) => Err(Problem::unavailable("timeout", "the answer took too long; it may still be made")),
        },
    };
    result.unwrap_or_else(|problem| {
        metrics::counter!("prooftrail_problems_total", "code" => problem.code().to_owned()).increment(1);
        problem.respond(id.as_deref()).map_body(|_, body| BoxBody::new(Holding { body, _unread: unread }))
    })
}

/// A request's body as it arrives.
type Unread = Pin<Box<BodyStream<dev::Payload>>>;

/// The body of a refusal. It holds on to what was not read of the request: the server closes a connection on which an
/// unread body is held, and reads one that was dropped to its end, which it may not have.
struct Holding {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Makes a call of a request, if whoever sends it may make it.
async fn admit(route: &Route, state: Data<State>, request: HttpRequest, unread: &mut Unread) -> Result<Call, Problem> {
    let query = read_query(request.query_string(), route.query)?;
    let project = query.get("project").cloned();
    let principal = if route.rule.needs_principal() { Some(identify(&state, &request).await?) } else { None };
    if let Some(principal) = &principal {
        request.extensions_mut().insert(Asked(principal.name.clone()));
    }
    let own = principal.as_ref().and_then(|principal| match &principal.scope {
        auth::Scope::Project(name) => Some(name.clone()),
        auth::Scope::Instance => None,
    });
    let project = project.or(own).unwrap_or_else(|| DEFAULT_PROJECT.to_owned());
    route.rule.check(principal.as_ref(), &project)?;
    let body = read_body(route.body, &state, &request, unread).await?;
    Ok(Call { state, request, project, principal, query, body })
}

/// Finds out who asks.
async fn identify(state: &State, request: &HttpRequest) -> Result<Principal, Problem> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let header = headers.next().map(header::HeaderValue::to_str).transpose();
    let header = header.ok().filter(|_| headers.next().is_none());
    let header = header.ok_or_else(|| auth::unauthorized("auth.scheme", "one Authorization header of ASCII text"))?;
    let bearer = auth::bearer(header)?;
    let now = i64::try_from(state.clock.now()).unwrap_or(i64::MAX);
    if bearer.starts_with(token::PREFIX) {
        token::authenticate(&state.store, bearer, now).await
    } else {
        state.issuers.authenticate(bearer, now / 1000).await
    }
}

/// The query, with the names that the route knows, each once.
fn read_query(text: &str, known: &[&str]) -> Result<BTreeMap<String, String>, Problem> {
    let refuse = |detail: String| Problem::bad_request("request.query", detail);
    let pairs = Query::<Vec<(String, String)>>::from_query(text).map_err(|error| refuse(error.to_string()))?;
    let mut query = BTreeMap::new();
    for (name, value) in pairs.into_inner() {
        if !known.contains(&name.as_str()) {
            return Err(refuse(format!("this route takes no parameter {name:.64}")));
        }
        if query.contains_key(&name) {
            return Err(refuse(format!("the parameter {name} stands there twice")));
        }
        query.insert(name, value);
    }
    Ok(query)
}

/// Reads the body up to the route's cap.
async fn read_body(body: Body, state: &State, request: &HttpRequest, unread: &mut Unread) -> Result<Bytes, Problem> {
    let (cap, types): (usize, &[&str]) = match body {
        Body::Empty => (0, &[]),
        Body::Json(cap, _) => (cap, &["application/json"]),
        Body::Text(cap) => (cap, &["text/plain", "application/toml"]),
    };
    let too_large =
        || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", format!("at most {cap} bytes are read"));
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| usize::try_from(length).map_or(true, |length| length > cap)) {
        return Err(too_large());
    }
    let unsupported = |detail: String| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.media_type", detail);
    if !types.is_empty() && !types.contains(&request.content_type()) {
        return Err(unsupported(format!("this route reads {}", types.join(" or "))));
    }
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(unsupported("bodies are read as they are, not compressed".to_owned()));
    }
    let slow = || Problem::new(StatusCode::REQUEST_TIMEOUT, "request.slow", "the body did not arrive in time");
    let read = async {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = std::future::poll_fn(|context| unread.as_mut().poll_next(context)).await {
            let broken = |_| Problem::bad_request("request.body", "the body broke off, or is not framed as it says");
            let chunk = chunk.map_err(broken)?;
            if bytes.len().saturating_add(chunk.len()) > cap {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    };
    tokio::time::timeout(state.config.limits.body_timeout(), read).await.unwrap_or_else(|_| Err(slow()))
}

/// A handler has panicked.
struct Panicked;

/// Runs a handler, and stops a panic in it from taking the connection along. What it was about to write to the store is
/// in a transaction, which a panic rolls back; nothing else outlives a call.
async fn caught<F: Future>(work: F) -> Result<F::Output, Panicked> {
    let mut work = Box::pin(work);
    std::future::poll_fn(move |context| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => {
                metrics::counter!("prooftrail_panics_total").increment(1);
                tracing::error!("a handler panicked");
                Poll::Ready(Err(Panicked))
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{caught, read_query};

    #[test]
    fn a_query_has_known_names_once() {
        let known = &["project", "name"];
        assert_eq!(read_query("project=a%20b&name=", known).unwrap().get("project").unwrap(), "a b");
        assert!(read_query("", known).unwrap().is_empty());
        for query in ["projekt=a", "project=a&project=b", "project=a&&x", "=a"] {
            assert_eq!(read_query(query, known).unwrap_err().code(), "request.query", "{query}");
        }
    }

    #[tokio::test]
    async fn a_panic_ends_a_call_and_nothing_else() {
        assert!(caught(async { panic!("on purpose") }).await.is_err());
        assert!(caught(async { 1 }).await.is_ok_and(|one| one == 1));
    }
}
