//! One question to a vendor, and what is worth keeping of the answer. In: what is wanted; out: it, found to be what it is
//! called, signed under a root that is trusted, and in force. Every question has a time for all of it, and every answer a
//! cap that holds whatever length it announces; redirections are not followed.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use prooftrail_evidence::{AwsLc, EndorsementFile, OcspResponse, Wanted, admit, name_issuer, ocsp_request};
use prooftrail_result::{Reason, ReasonCode, Timestamp};
use prooftrail_trust_roots::RootSet;
use reqwest::{StatusCode, header};

use super::{
    Kept,
    failure::Failure,
    gate::{Gate, THROTTLED},
    places::{Form, Places, Question},
    response::{self, ISSUER_HEADERS, MAX_ISSUER_CHAIN, Reply},
};
use crate::log::Clock;

/// Asks vendors.
pub struct Fetcher {
    client: reqwest::Client,
    places: Places,
    roots: RootSet,
    clock: Arc<dyn Clock>,
    gate: Gate,
}

impl Fetcher {
    /// A fetcher that gives each question so much time, and keeps what is signed under `roots`.
    ///
    /// # Errors
    /// The HTTP client's.
    pub fn new(
        places: Places,
        roots: RootSet,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Result<Self, reqwest::Error> {
        // Another one may be installed already, and does as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .gzip(false)
            .user_agent(concat!("prooftrail/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, places, roots, clock, gate: Gate::default() })
    }

    /// Who may be asked when.
    pub(super) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The roots under which everything must be signed.
    pub(super) const fn roots(&self) -> &RootSet {
        &self.roots
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.clock.now()).unwrap_or(i64::MAX);
        Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::MAX)
    }

    /// Asks for something. `issuers` are certificates that may be needed to see that it is signed: for a VCEK, those of
    /// its CAs.
    ///
    /// # Errors
    /// [`Failure`]: that of the vendor's own service, where a cache was asked before it.
    pub async fn fetch(&self, wanted: &Wanted, issuers: &[EndorsementFile]) -> Result<Kept, Failure> {
        let mut failure = Failure::NotFound;
        for question in self.places.questions(wanted) {
            match self.ask(wanted, &question, issuers).await {
                Ok(kept) => return Ok(kept),
                Err(error) => {
                    tracing::debug!(%wanted, url = question.url, %error, "an endorsement could not be had");
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    async fn ask(&self, wanted: &Wanted, question: &Question, issuers: &[EndorsementFile]) -> Result<Kept, Failure> {
        let Question { url, form, .. } = question;
        let host = host(url);
        let permit = self.gate.enter(host).await?;
        let posted = posted(wanted)?;
        let replied = self.get(question, posted.as_ref()).await;
        self.gate.note_host(host, replied.as_ref().err());
        drop(permit);
        let mut answer = response::read(*form, replied?)?;
        if let Some(Posted { nonce, .. }) = posted {
            answer.files.iter().try_for_each(|file| repeats(file, &nonce))?;
        }
        if let Wanted::KeySet { issuer } = wanted {
            // Here it is known whose it is, and nowhere later.
            answer.files = answer.files.iter().map(|file| name_issuer(issuer, file)).collect::<Result<_, _>>()?;
        }
        let shared = |files: Vec<Vec<u8>>| -> Vec<EndorsementFile> { files.into_iter().map(Into::into).collect() };
        let (files, own) = (shared(answer.files), shared(answer.issuers));
        let issuers = if own.is_empty() { issuers.to_vec() } else { own };
        // Not before it was asked for: AMD's service dates certificates to the request.
        let fetched = self.now();
        let admitted = admitted(wanted, &files, &issuers, &self.roots, fetched)?;
        Ok(Kept { wanted: wanted.clone(), files, issuers, admitted, fetched, url: url.clone() })
    }

    async fn get(&self, question: &Question, posted: Option<&Posted>) -> Result<Reply, Failure> {
        let mut request = match posted {
            Some(Posted { body, .. }) => self
                .client
                .post(&question.url)
                .header(header::CONTENT_TYPE, "application/ocsp-request")
                .body(body.clone()),
            None => self.client.get(&question.url),
        };
        if matches!(question.form, Form::ThimLeaf | Form::ThimChain) {
            request = request.header("metadata", "true");
        }
        let mut response = request.send().await.map_err(transport)?;
        match response.status() {
            StatusCode::OK => {}
            // 410: a round of evaluation that Intel no longer serves.
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Failure::NotFound),
            StatusCode::TOO_MANY_REQUESTS => {
                return Err(Failure::Throttled { wait: self.wait(&response).unwrap_or(THROTTLED) });
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let throttled = self.wait(&response).map(|wait| Failure::Throttled { wait });
                return Err(throttled.unwrap_or(Failure::Status(503)));
            }
            other => return Err(Failure::Status(other.as_u16())),
        }
        let issuer_chain = ISSUER_HEADERS.iter().find_map(|name| response.headers().get(*name));
        let issuer_chain = match issuer_chain.map(|value| value.to_str().map(str::to_owned)) {
            Some(Ok(chain)) if chain.len() <= MAX_ISSUER_CHAIN => Some(chain),
            Some(Ok(_)) => return Err(Failure::TooLong { max: MAX_ISSUER_CHAIN }),
            // A header that is no text has no chain.
            Some(Err(_)) | None => None,
        };
        // The length that a server announces is not believed: the bytes are counted as they come.
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > question.max {
                return Err(Failure::TooLong { max: question.max });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { body, issuer_chain })
    }

    /// What `Retry-After` says (RFC 9110, section 10.2.3), in either of its forms.
    fn wait(&self, response: &reqwest::Response) -> Option<Duration> {
        let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = httpdate::parse_http_date(text).ok()?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock.now());
        Some(until.duration_since(now).unwrap_or(Duration::ZERO))
    }
}

/// A question that is posted.
struct Posted {
    body: Vec<u8>,
    nonce: [u8; 32],
}

/// The question to a responder, with a nonce that no answer was made for before; nothing where the vendor has a file.
fn posted(wanted: &Wanted) -> Result<Option<Posted>, Failure> {
    if !matches!(wanted, Wanted::NvidiaStatus { .. }) {
        return Ok(None);
    }
    let mut nonce = [0; 32];
    let chance = getrandom::fill(&mut nonce);
    chance.map_err(|error| Failure::Unreachable(format!("no random bytes for a nonce: {error}")))?;
    Ok(ocsp_request(wanted, &nonce).map(|body| Posted { body, nonce }))
}

/// Whether an answer is to the question with that nonce.
fn repeats(file: &[u8], nonce: &[u8; 32]) -> Result<(), Reason> {
    let response = OcspResponse::read(&AwsLc, file)?;
    if response.nonce() == Some(nonce) {
        return Ok(());
    }
    let have = response.nonce().map_or_else(|| "none".to_owned(), hex::encode);
    Err(Reason::from(ReasonCode::OcspNonce).have(have).need(hex::encode(nonce)))
}

/// Whether files are what is wanted, and for how long.
pub(super) fn admitted(
    wanted: &Wanted,
    files: &[EndorsementFile],
    issuers: &[EndorsementFile],
    roots: &RootSet,
    at: Timestamp,
) -> Result<prooftrail_evidence::Admitted, Failure> {
    Ok(admit(wanted, files, issuers, roots, &AwsLc, at)?)
}

fn transport(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::TimedOut;
    }
    let error = error.without_url();
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    Failure::Unreachable(causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
}

/// Scheme, host and port of a URL.
fn host(url: &str) -> &str {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url.get(start..).and_then(|rest| rest.find('/')).map_or(url.len(), |end| start + end);
    url.get(..end).unwrap_or(url)
}
