//! The metrics of the metadata layer.

use std::sync::Arc;
use std::time::Duration;

use esker_env::Clock;
use esker_rpc::metadata::MetadataError;
use metrics::histogram;

use crate::node::Group;

/// From a proposal's arrival to its outcome, in seconds, by `result`.
pub(super) const PROPOSAL_DURATION: &str = "esker_metadata_proposal_duration_seconds";
/// From a query's arrival to its answer, in seconds, by `result`.
pub(super) const QUERY_DURATION: &str = "esker_metadata_query_duration_seconds";

/// Measures one request.
#[derive(Debug)]
pub(super) struct Timer {
    clock: Arc<dyn Clock>,
    started: Duration,
    metric: &'static str,
}

impl Timer {
    pub(super) fn start(group: &Group, metric: &'static str) -> Timer {
        let clock = Arc::clone(&group.parts.clock);
        Timer { started: clock.monotonic(), clock, metric }
    }

    /// Records how long it took, and passes its result on.
    pub(super) fn finish<T>(self, result: Result<T, MetadataError>) -> Result<T, MetadataError> {
        let label = match &result {
            Ok(_) => "ok",
            Err(MetadataError::Unavailable(_)) => "unavailable",
            Err(MetadataError::Unknown(_)) => "unknown",
            Err(MetadataError::Full) => "full",
            Err(MetadataError::Failed(_)) => "failed",
        };
        let seconds = self.clock.monotonic().saturating_sub(self.started).as_secs_f64();
        histogram!(self.metric, "result" => label).record(seconds);
        result
    }
}
