//! The metrics of the metadata layer.

use std::sync::Arc;
use std::time::Duration;

use esker_env::Clock;
use esker_rpc::metadata::MetadataError;
use metrics::{gauge, histogram};

use crate::node::{Group, GroupStatus, Role};

/// From a proposal's arrival to its outcome, in seconds, by `result`.
pub(super) const PROPOSAL_DURATION: &str = "esker_metadata_proposal_duration_seconds";
/// From a query's arrival to its answer, in seconds, by `result`.
pub(super) const QUERY_DURATION: &str = "esker_metadata_query_duration_seconds";

/// Whether this node leads the group (1) or not (0).
const LEADS: &str = "esker_metadata_leads";
/// The group's Raft term: it grows with every election.
const TERM: &str = "esker_metadata_term";
/// Entries that the group's log holds on this node.
const LOG_ENTRIES: &str = "esker_metadata_log_entries";
/// Entries that the member that lacks most lacks, as its leader knows; 0 elsewhere.
const LAG_ENTRIES: &str = "esker_metadata_lag_entries";
/// Members that vote.
const VOTERS: &str = "esker_metadata_voters";

/// Shows the state of a replica.
pub(crate) fn show(group: &Group) {
    let status = group.observe().look(GroupStatus::of);
    let label = group.id().0.to_string();
    let show = |metric: &'static str, value: u64| {
        // A gauge is a float; counts are far below where it is inexact.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        gauge!(metric, "group" => label.clone()).set(value as f64);
    };
    show(LEADS, u64::from(status.role == Role::Leader));
    show(TERM, status.term);
    show(LOG_ENTRIES, status.log_entries());
    show(LAG_ENTRIES, status.members.iter().map(|member| member.lag).max().unwrap_or(0));
    show(VOTERS, status.voters.len() as u64);
}

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
