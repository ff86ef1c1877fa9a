//! The metrics of the metadata layer.

use std::sync::Arc;
use std::time::Duration;

use esker_env::Clock;
use esker_index::query::GroupSummary;
use esker_metric::{Metric, label, label_of};
use esker_rpc::metadata::MetadataError;
use metrics::{gauge, histogram};

use crate::node::{Group, GroupStatus, Role};
use crate::{machine, membership, network, reconciler, snapshot};

pub(super) const PROPOSAL_DURATION: &str = "esker_metadata_proposal_duration_seconds";
pub(super) const QUERY_DURATION: &str = "esker_metadata_query_duration_seconds";

const LEADS: &str = "esker_metadata_leads";
const HAS_LEADER: &str = "esker_metadata_has_leader";
const TERM: &str = "esker_metadata_term";
const VOTERS: &str = "esker_metadata_voters";
const LOG_ENTRIES: &str = "esker_metadata_log_entries";
const LOG_INDEX: &str = "esker_metadata_log_index";
const APPLIED_INDEX: &str = "esker_metadata_applied_index";
const SNAPSHOT_INDEX: &str = "esker_metadata_snapshot_index";
const COMMIT_LAG_ENTRIES: &str = "esker_metadata_commit_lag_entries";
const APPLY_LAG_ENTRIES: &str = "esker_metadata_apply_lag_entries";
const LAG_ENTRIES: &str = "esker_metadata_lag_entries";
const REPAIRS: &str = "esker_metadata_repairs";
const GARBAGE_ENTRIES: &str = "esker_metadata_garbage_entries";
const GARBAGE_BYTES: &str = "esker_metadata_garbage_bytes";

/// The results of a request to the metadata layer.
const RESULTS: &[&str] = &["ok", "unavailable", "unknown", "full", "failed"];

/// The metrics of a metadata node. Those with the label `group` are looked at every second or so.
pub const METRICS: &[Metric] = &[
    Metric::seconds(PROPOSAL_DURATION, "From a command's arrival to its outcome, applied by a majority")
        .by(&[label_of("result", RESULTS)]),
    Metric::seconds(QUERY_DURATION, "From a query's arrival to its linearizable answer")
        .by(&[label_of("result", RESULTS)]),
    Metric::seconds(
        machine::APPLY_DURATION,
        "How long it took to apply a batch of committed entries to the rows",
    ),
    Metric::gauge(LEADS, "Whether this node leads the group (1) or not (0)").by(GROUP),
    Metric::gauge(HAS_LEADER, "Whether this node knows a leader of the group (1) or not (0)").by(GROUP),
    Metric::gauge(TERM, "The group's Raft term: it grows with every election").by(GROUP),
    Metric::gauge(VOTERS, "Members of the group that vote").by(GROUP),
    Metric::gauge(LOG_ENTRIES, "Entries that the group's log holds on this node").by(GROUP),
    Metric::gauge(LOG_INDEX, "Index of the last entry of the group's log on this node").by(GROUP),
    Metric::gauge(APPLIED_INDEX, "Index of the last entry that this node has applied to its rows").by(GROUP),
    Metric::gauge(
        SNAPSHOT_INDEX,
        "Index of the last entry that is in synced rows, so that the log may be cut below it",
    )
    .by(GROUP),
    Metric::gauge(COMMIT_LAG_ENTRIES, "Entries of this node's log that are not known to be committed")
        .by(GROUP),
    Metric::gauge(
        APPLY_LAG_ENTRIES,
        "Entries that are known to be committed and that this node has not applied",
    )
    .by(GROUP),
    Metric::gauge(
        LAG_ENTRIES,
        "Entries that the member that lacks most lacks, as the leader knows; 0 elsewhere",
    )
    .by(GROUP),
    Metric::gauge(REPAIRS, "Replicas of data that are late and recorded to be repaired, by this node's rows")
        .by(GROUP),
    Metric::gauge(GARBAGE_ENTRIES, "Deleted uploads whose data is not reclaimed yet, by this node's rows")
        .by(GROUP),
    Metric::gauge(GARBAGE_BYTES, "Bytes of theirs").by(GROUP),
    Metric::counter(
        snapshot::SNAPSHOTS,
        "Snapshots: built (rows made durable), sent to a follower, installed here",
    )
    .by(&[label_of("kind", &["built", "sent", "installed"])]),
    Metric::counter(membership::STEPS, "Changes of who takes part in a group, as its leader")
        .by(&[label_of("result", &["ok", "failed"])]),
    Metric::counter(
        membership::CLOCK_HAND_OVERS,
        "Times that this node let another one lead because of its own clock",
    ),
    Metric::counter(
        network::REFUSED_APPENDS,
        "Entries and snapshots that were refused because the disk is full",
    ),
    Metric::counter(
        reconciler::GARBAGE_RECLAIMED_BYTES,
        "Bytes of data that this node, as the leader, deleted after their last user went",
    ),
];

const GROUP: &[esker_metric::Label] = &[label("group")];

/// Shows the state of a replica.
pub(crate) fn show(group: &Group) {
    let status = group.observe().look(GroupStatus::of);
    let applied = status.applied_index.map_or(0, |applied| applied + 1);
    let committed = status.committed_index.map_or(0, |committed| committed + 1);
    let last = status.last_log_index.map_or(0, |last| last + 1);
    set(group, LEADS, u64::from(status.role == Role::Leader));
    set(group, HAS_LEADER, u64::from(status.leader.is_some()));
    set(group, TERM, status.term);
    set(group, VOTERS, status.voters.len() as u64);
    set(group, LOG_ENTRIES, status.log_entries());
    set(group, LOG_INDEX, status.last_log_index.unwrap_or(0));
    set(group, APPLIED_INDEX, status.applied_index.unwrap_or(0));
    set(group, SNAPSHOT_INDEX, status.snapshot_index.unwrap_or(0));
    set(group, COMMIT_LAG_ENTRIES, last.saturating_sub(committed));
    set(group, APPLY_LAG_ENTRIES, committed.saturating_sub(applied));
    set(group, LAG_ENTRIES, status.members.iter().map(|member| member.lag).max().unwrap_or(0));
}

/// Shows what the rows of a replica count.
pub(crate) fn show_summary(group: &Group, summary: &GroupSummary) {
    set(group, REPAIRS, summary.repairs);
    set(group, GARBAGE_ENTRIES, summary.garbage_entries);
    set(group, GARBAGE_BYTES, summary.garbage_bytes);
}

fn set(group: &Group, metric: &'static str, value: u64) {
    // A gauge is a float; counts are far below where it is inexact.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    gauge!(metric, "group" => group.id().0.to_string()).set(value as f64);
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
