//! The service's calls, typed: a form goes out, a form or a problem comes back.

use hyper::body::Bytes;
use prooftrail_protocol::{
    limits,
    wire::{self, Problem},
};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::transport::{
    http::Client,
    retry::{self, GaveUp, Patience},
};

/// Why there is no answer of use.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(#[from] GaveUp),
    /// The service refused, and says why.
    #[error("the service refused: {} ({})", .0.detail, .0.code)]
    Refused(Box<Problem>),
    /// The service failed, and says so.
    #[error("the service failed: {} ({})", .0.detail, .0.code)]
    Failed(Box<Problem>),
    /// Someone else answered, or a service of another age.
    #[error("{what}: the answer (status {status}) is none of this service's")]
    NotUnderstood {
        /// What was asked for.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// The request cannot be written.
    #[error("the request is larger than the service takes: {0} bytes")]
    TooLarge(usize),
}

/// The service.
pub struct Service {
    client: Client,
    patience: Patience,
}

impl Service {
    /// The service that `client` calls.
    #[must_use]
    pub fn new(client: Client, patience: Patience) -> Self {
        Self { client, patience }
    }

    /// Posts a form. It is written once: a retry is the same bytes.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn post<Q, A>(&self, path: &str, what: &'static str, question: &Q) -> Result<A, ServiceError>
    where
        Q: Serialize,
        A: DeserializeOwned,
    {
        let unwritten = ServiceError::NotUnderstood { what, status: 0 };
        let body = Bytes::from(serde_json::to_vec(question).map_err(|_| unwritten)?);
        if body.len() > limits::REQUEST_BYTES {
            return Err(ServiceError::TooLarge(body.len()));
        }
        let response = retry::post(&self.client, path, body, self.patience).await?;
        let status = response.status;
        if matches!(status, 200 | 201) {
            return wire::from_json(&response.body, what, limits::RESPONSE_BYTES)
                .map_err(|_| ServiceError::NotUnderstood { what, status });
        }
        // A redirection is not followed: it has no problem to show and ends here too.
        match wire::from_json::<Problem>(&response.body, "problem", limits::RESPONSE_BYTES) {
            Ok(problem) if (400..500).contains(&status) && status != 429 => {
                Err(ServiceError::Refused(Box::new(problem)))
            }
            Ok(problem) if status >= 400 => Err(ServiceError::Failed(Box::new(problem))),
            _ => Err(ServiceError::NotUnderstood { what, status }),
        }
    }
}
