//! What is tried again, when, and until when.
//!
//! The body stays the same bytes: the service answers an identical retry of a release with the stored response, so that a
//! response that was lost on the way costs nothing, and nothing is released twice.

use std::time::Duration;

use hyper::body::Bytes;
use thiserror::Error;

use super::http::{Client, HttpError, Response};

/// How patient to be.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// At most so many requests.
    pub attempts: u32,
    /// Before the second; doubled for each further one.
    pub first_pause: Duration,
    /// No pause is longer, whatever the service asks for.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 6, first_pause: Duration::from_millis(250), longest_pause: Duration::from_secs(20) }
    }
}

/// Why it was given up.
#[derive(Debug, Error)]
#[error("gave up after {attempts} attempts: {last}")]
pub struct GaveUp {
    /// How many there were.
    pub attempts: u32,
    /// The last failure.
    pub last: HttpError,
}

/// Posts until there is an answer that will not change by asking again. Of the statuses, 429, 502, 503 and 504 are asked
/// again, and after the last attempt handed over as they are.
///
/// # Errors
/// No answer at all.
pub async fn post(client: &Client, path: &str, body: Bytes, patience: Patience) -> Result<Response, GaveUp> {
    let mut attempts = 0;
    let mut pause = patience.first_pause;
    loop {
        attempts += 1;
        let outcome = client.post(path, body.clone()).await;
        let is_last = attempts >= patience.attempts;
        let asked = match outcome {
            Ok(response) if is_last || !matches!(response.status, 429 | 502 | 503 | 504) => return Ok(response),
            // More than any answer of the service is an answer of someone else.
            Err(last @ HttpError::TooLarge(_)) => return Err(GaveUp { attempts, last }),
            Err(last) if is_last => return Err(GaveUp { attempts, last }),
            Ok(response) => response.retry_after,
            Err(_) => None,
        };
        let wait = asked.unwrap_or_default().max(jittered(pause)).min(patience.longest_pause);
        tokio::time::sleep(wait).await;
        pause = pause.saturating_mul(2);
    }
}

/// Between half of it and all of it, so that agents that failed together do not return together.
fn jittered(pause: Duration) -> Duration {
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    pause / 2 + (pause / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn a_pause_is_between_half_and_all_of_itself() {
        let pause = Duration::from_secs(8);
        let pauses: Vec<_> = (0..200).map(|_| super::jittered(pause)).collect();
        assert!(pauses.iter().all(|&each| each >= pause / 2 && each <= pause));
        assert!(pauses.iter().any(|&each| each != pauses[0]));
    }
}
