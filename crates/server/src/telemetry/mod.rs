//! Sets up the log and the metrics of the process.

mod catalogue;

pub(crate) use catalogue::Metrics;
#[cfg(test)]
pub(crate) use catalogue::{PARTS, Part};

use crate::settings::{LogFormat, Settings};
use metrics_exporter_prometheus::BuildError;
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

/// Starts to count.
pub(crate) fn start_metrics(settings: &Settings) -> Result<Metrics, TelemetryError> {
    Ok(Metrics::start(settings)?)
}
