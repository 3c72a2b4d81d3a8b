//! Log and metrics of the process. In: the configuration; out: lines on standard error, and a recorder whose text
//! `/metrics` gives. Both are the process's own and are set up once.

use std::{io, sync::OnceLock};

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, util::TryInitError};

use super::config::{Log, LogFormat};

/// Upper bounds of the buckets of every histogram, in seconds.
const BUCKETS: &[f64] = &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Why there is no log or no recorder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The directives of what is to be logged are none.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else logs already.
    #[error("log: {0}")]
    Log(#[from] TryInitError),
    /// The recorder cannot be made.
    #[error("metrics: {0}")]
    Metrics(#[from] BuildError),
}

/// Starts logging to standard error.
///
/// # Errors
/// [`TelemetryError`].
pub fn log(config: &Log) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;
    // The server reports what strangers send it as errors of its own; whoever wants to see that names `actix_http`.
    let filter = EnvFilter::try_new(format!("actix_http=off,{}", config.level))?;
    let subscriber = fmt().with_env_filter(filter).with_writer(io::stderr).with_target(true);
    match config.format {
        LogFormat::Text => subscriber.with_ansi(false).finish().try_init()?,
        LogFormat::Json => subscriber.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// The process's recorder, installed by whoever asks first.
///
/// # Errors
/// [`TelemetryError::Metrics`].
pub fn recorder() -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets(BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    // Another recorder, of a program that we are a library of, keeps its place; ours then stays empty.
    let _ = metrics::set_global_recorder(recorder);
    Ok(HANDLE.get_or_init(|| handle).clone())
}
