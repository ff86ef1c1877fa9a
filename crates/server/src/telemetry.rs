//! Sets up the log and the metrics of the process.

use crate::settings::{LogFormat, Settings};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("log: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error(transparent)]
    Log(#[from] TryInitError),
    #[error(transparent)]
    Metrics(#[from] BuildError),
}

/// Upper bounds, in seconds, of the buckets of every latency histogram.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Starts logging to standard error, so that standard output is only what the user asked for.
pub(crate) fn start_log(settings: &Settings) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.log)?;
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(false).finish().try_init()?,
        LogFormat::Json => log.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Starts to count; the handle renders what was counted.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let handle =
        PrometheusBuilder::new().set_buckets_for_metric(seconds, &LATENCY_BUCKETS)?.install_recorder()?;
    esker_gateway::telemetry::describe_metrics();
    Ok(handle)
}
