//! One HTTP/1.1 request over one stream: capped, timed, and never redirected. What comes back is status, `Retry-After` and
//! body; what they mean is the caller's.

use std::{io, time::Duration};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{ACCEPT, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
    http::request::Builder,
};
use hyper_util::rt::TokioIo;
use thiserror::Error;

use super::Dial;

/// How long each part of a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Making the stream, TLS included.
    pub connect: Duration,
    /// From the stream to the last byte of the response.
    pub exchange: Duration,
    /// The response's body, in bytes.
    pub body: usize,
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// `Retry-After` in seconds. The form with a date is not read: clocks in enclaves are worth little.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing (whole) came back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No stream.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// It took too long.
    #[error("no {what} within {} s", after.as_secs())]
    TimedOut {
        /// What did not come.
        what: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The stream broke, or what came over it was no HTTP.
    #[error("the exchange failed: {0}")]
    Exchange(String),
    /// The response is larger than any that the service gives.
    #[error("the response is larger than {0} bytes")]
    TooLarge(usize),
}

/// A client of one service.
pub struct Client {
    dial: Box<dyn Dial>,
    host: String,
    limits: Limits,
}

impl Client {
    /// A client that calls the service `host` (as in the header `Host`).
    #[must_use]
    pub fn new(dial: Box<dyn Dial>, host: String, limits: Limits) -> Self {
        Self { dial, host, limits }
    }

    /// Posts JSON to a path, over a stream of its own.
    ///
    /// # Errors
    /// See [`HttpError`]. Any status is a response.
    pub async fn post(&self, path: &str, body: Bytes) -> Result<Response, HttpError> {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, application/problem+json");
        self.send(request, body).await
    }

    /// Sends a request, over a stream of its own.
    ///
    /// # Errors
    /// See [`HttpError`]. Any status is a response.
    pub async fn send(&self, request: Builder, body: Bytes) -> Result<Response, HttpError> {
        let request = request
            .header(HOST, &self.host)
            .header(USER_AGENT, concat!("prover-agent/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| HttpError::Exchange(error.to_string()))?;
        let Limits { connect, exchange, body: most } = self.limits;
        let stream = tokio::time::timeout(connect, self.dial.dial())
            .await
            .map_err(|_| HttpError::TimedOut { what: "connection", after: connect })?
            .map_err(HttpError::Connect)?;
        tokio::time::timeout(exchange, talk(TokioIo::new(stream), request, most))
            .await
            .map_err(|_| HttpError::TimedOut { what: "response", after: exchange })?
    }
}

async fn talk(
    stream: TokioIo<super::BoxStream>,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Response, HttpError> {
    let failed = |error: hyper::Error| HttpError::Exchange(error.to_string());
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(64 << 10).max_headers(64).handshake(stream).await.map_err(failed)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), most).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                HttpError::TooLarge(most)
            } else {
                HttpError::Exchange(error.to_string())
            }
        })?;
        Ok(Response { status: StatusCode::as_u16(&status), retry_after, body: body.to_bytes().into() })
    };
    tokio::pin!(exchange);
    // The connection does the work; the exchange says when it is over.
    tokio::select! {
        biased;
        outcome = &mut exchange => outcome,
        ended = connection => {
            // The response may be complete although the connection is not in order any more.
            let outcome = exchange.await;
            ended.map_err(failed).and(outcome)
        }
    }
}
