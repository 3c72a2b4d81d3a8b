//! The command line as a client of the service: administration is HTTP, and nothing but `serve` opens the store. In: where the
//! service is and who asks; out: what it answered.
//!
//! A token is never an argument, which every user of the machine could read: it comes from `PROOFTRAIL_TOKEN` or a file.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Method, Response, StatusCode, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{files, output::plain};

/// The longest answer that is kept, in bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where the service is, and who asks.
#[derive(Args, Debug)]
pub(super) struct ServiceArgs {
    /// The service [default: PROOFTRAIL_URL, or http://127.0.0.1:8437].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A file that holds the token [default: the token in PROOFTRAIL_TOKEN].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The project [default: the token's own, or `default`].
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// A certificate (PEM) that vouches for the service beside the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A request's body.
pub(super) enum Body {
    Empty,
    Json(Value),
    Toml(String),
}

/// What the service answered.
pub(super) enum Reply {
    /// Done.
    Done(Value),
    /// Not done: a problem document.
    Problem(Value),
}

impl ServiceArgs {
    /// Asks, as whoever has the token.
    pub(super) fn ask(&self, method: Method, path: &[&str], body: Body) -> anyhow::Result<Reply> {
        let token = self.token()?;
        let who = Who { ca: self.ca.as_ref(), project: self.project.as_deref(), token: Some(&token) };
        send(&self.base()?, &who, Question { method, path, query: &[], body })?.reply()
    }

    /// Asks for a document, which is kept as it is; also gives the index of the ledger's entry, if the answer names one.
    pub(super) fn document(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> anyhow::Result<(Vec<u8>, Option<String>)> {
        let token = self.token()?;
        let who = Who { ca: self.ca.as_ref(), project: self.project.as_deref(), token: Some(&token) };
        let sent = send(&self.base()?, &who, Question { method, path, query, body: Body::Empty })?;
        if sent.status.is_success() {
            return Ok((sent.bytes, sent.entry));
        }
        sent.reply()?.done()?;
        bail!("the service gives no document")
    }

    /// Asks, and takes nothing but success for an answer.
    pub(super) fn done(&self, method: Method, path: &[&str], body: Body) -> anyhow::Result<Value> {
        self.ask(method, path, body)?.done()
    }

    #[expect(clippy::disallowed_methods, reason = "the edge: where clients look for the service and their token")]
    fn base(&self) -> anyhow::Result<Url> {
        let variable = std::env::var("PROOFTRAIL_URL").ok();
        let text = self.url.clone().or(variable).unwrap_or_else(|| "http://127.0.0.1:8437".to_owned());
        Url::parse(&text).with_context(|| format!("{text} is no URL"))
    }

    #[expect(clippy::disallowed_methods, reason = "the edge: where clients look for the service and their token")]
    fn token(&self) -> anyhow::Result<Zeroizing<String>> {
        let token = match &self.token_file {
            Some(path) => Zeroizing::new(files::read_text(path)?),
            None => Zeroizing::new(
                std::env::var("PROOFTRAIL_TOKEN").context("who asks? Set PROOFTRAIL_TOKEN, or name a --token-file")?,
            ),
        };
        Ok(Zeroizing::new(token.trim().to_owned()))
    }
}

impl Reply {
    /// What was done; a problem is an error.
    pub(super) fn done(self) -> anyhow::Result<Value> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Problem(problem) => {
                let text = |name: &str| plain(problem.get(name).and_then(Value::as_str).unwrap_or("?"));
                bail!("the service says {}: {}", text("code"), text("detail"))
            }
        }
    }
}

/// Asks for what everybody may have.
pub(super) fn ask_openly(base: &Url, project: Option<&str>, path: &[&str]) -> anyhow::Result<Value> {
    let who = Who { ca: None, project, token: None };
    send(base, &who, Question { method: Method::GET, path, query: &[], body: Body::Empty })?.reply()?.done()
}

/// Who asks, and whom they believe.
struct Who<'a> {
    ca: Option<&'a PathBuf>,
    project: Option<&'a str>,
    token: Option<&'a str>,
}

/// What is asked.
struct Question<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Body,
}

/// What came back.
struct Sent {
    status: StatusCode,
    entry: Option<String>,
    bytes: Vec<u8>,
}

impl Sent {
    fn reply(self) -> anyhow::Result<Reply> {
        let value: Value = serde_json::from_slice(&self.bytes)
            .with_context(|| format!("whatever answered ({}) is no Prooftrail service", self.status))?;
        Ok(if self.status.is_success() { Reply::Done(value) } else { Reply::Problem(value) })
    }
}

fn send(base: &Url, who: &Who<'_>, question: Question<'_>) -> anyhow::Result<Sent> {
    let Who { ca, project, token } = *who;
    let Question { method, path, query, body } = question;
    let mut url = base.clone();
    url.set_fragment(None);
    url.path_segments_mut().map_err(|()| anyhow::anyhow!("{base} is no URL of a service"))?.pop_if_empty().extend(path);
    if let Some(project) = project {
        url.query_pairs_mut().append_pair("project", project);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    if token.is_some() && url.scheme() != "https" && !is_loopback(&url) {
        bail!("a token is not sent to {} without TLS; use https", url.host_str().unwrap_or_default());
    }
    // A second call finds it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if let Some(ca) = ca {
            client = client.add_root_certificate(reqwest::Certificate::from_pem(&files::read(ca)?)?);
        }
        let mut request = client.build()?.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request = match body {
            Body::Empty => request,
            Body::Json(value) => request.json(&value),
            Body::Toml(text) => request.header("content-type", "application/toml").body(text),
        };
        let response = request.send().await.context("the service cannot be reached")?;
        let status = response.status();
        let entry = response.headers().get("x-prooftrail-entry").and_then(|entry| entry.to_str().ok());
        let entry = entry.map(plain);
        Ok(Sent { status, entry, bytes: read(response).await? })
    })
}

async fn read(mut response: Response) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            bail!("the answer is longer than {MAX_ANSWER_BYTES} bytes");
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
