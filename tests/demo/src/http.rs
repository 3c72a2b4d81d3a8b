//! Whoever talks to the service without a command of ours: a browser, a relying party, an attacker.

use anyhow::{Context, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A client.
pub(crate) struct Http {
    client: Client,
    runtime: Runtime,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// A client.
    pub(crate) fn new() -> anyhow::Result<Self> {
        // A second call finds it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client: Client::builder().no_proxy().build()?, runtime })
    }

    /// What everybody may have.
    pub(crate) fn get(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        let Answer { status, body } = self.ask(Method::GET, url, None)?;
        ensure!(status.is_success(), "{url}: {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Posts JSON.
    pub(crate) fn post(&self, url: &str, body: Vec<u8>) -> anyhow::Result<Answer> {
        self.ask(Method::POST, url, Some(body))
    }

    fn ask(&self, method: Method, url: &str, body: Option<Vec<u8>>) -> anyhow::Result<Answer> {
        self.runtime.block_on(async {
            let mut request = self.client.request(method, url);
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body);
            }
            let response = request.send().await.with_context(|| url.to_owned())?;
            Ok(Answer { status: response.status(), body: response.bytes().await?.into() })
        })
    }
}

impl Answer {
    /// The problem that this is.
    pub(crate) fn problem(&self) -> anyhow::Result<Value> {
        ensure!(self.status.is_client_error(), "this should have been refused, and was answered {}", self.status);
        Ok(serde_json::from_slice(&self.body)?)
    }
}
