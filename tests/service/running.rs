//! A service of a test's own. In: a configuration; out: a running service, its address and its operator's token.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use prooftrail::{
    log::{Clock, SystemClock},
    service::{
        config::{Config, Limits, Overrides, load},
        server::{self, Reloader},
    },
};
use serde_json::{Value, json};

use crate::{
    http::{self, Reply},
    scratch::Scratch,
};

/// A service in this process, on a port of its own. It is stopped when this is dropped.
pub(crate) struct Service {
    pub address: SocketAddr,
    pub token: String,
    /// Its database.
    pub database: String,
    /// What has its files read again.
    pub reloader: Reloader,
    stop: Option<Box<dyn FnOnce() + Send + Sync>>,
    thread: Option<JoinHandle<()>>,
    _scratch: Scratch,
}

impl Service {
    /// With the defaults, but for what `change` changes.
    pub(crate) fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_by(Arc::new(SystemClock), change)
    }

    /// The same by a clock of the test's own.
    pub(crate) fn start_by(clock: Arc<dyn Clock>, change: impl FnOnce(&mut Config)) -> Self {
        let scratch = Scratch::new();
        let mut config = load(None, [], Overrides::default()).unwrap();
        config.data = scratch.path().join("data");
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.origin = Some("example.com/service-test".to_owned());
        config.limits = Limits { rate_per_second: 0, workers: 2, shutdown_seconds: 2, ..Limits::default() };
        change(&mut config);
        let database = config.database_url().expose().to_owned();
        let (told, tell) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let running = server::start_by(clock, config, false).await.unwrap_or_else(|error| panic!("{error}"));
                let handle = running.handle();
                let address = running.url.split("://").nth(1).unwrap().parse().unwrap();
                let token = running.operator_token.as_deref().cloned().unwrap_or_default();
                let reloader = running.reloader();
                told.send((address, token, handle, reloader, tokio::runtime::Handle::current())).unwrap();
                running.serve().await.unwrap();
            });
        });
        let (address, token, handle, reloader, runtime) = tell.recv().unwrap();
        let stop = Box::new(move || drop(runtime.spawn(async move { handle.stop(true).await })));
        Self { address, token, database, reloader, stop: Some(stop), thread: Some(thread), _scratch: scratch }
    }

    /// A request as the operator.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.call_as(Some(&self.token), method, path, body)
    }

    /// A request as whoever has `token`.
    pub(crate) fn call_as(&self, token: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Reply {
        http::send(self.address, &http::request(method, path, token, body))
    }

    /// A token with `roles` in `project`, for so many seconds; with its id.
    pub(crate) fn issue(&self, project: &str, roles: &[&str], seconds: u32) -> (String, String) {
        let body = json!({ "label": "test", "roles": roles, "lifetime_seconds": seconds });
        let reply = self.call("POST", &format!("/v1/tokens?project={project}"), Some(&body));
        assert_eq!(reply.status, 201, "{reply:?}");
        let text = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
        (text("token"), text("id"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            stop();
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the service did not end well");
        }
    }
}
