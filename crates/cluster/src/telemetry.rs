//! The metrics of what nodes do together, and the cluster as this node sees it.

use crate::background::counters as background;
use crate::background::{Signs, unwritable_groups};
use crate::read::{READS_HEDGED_TOTAL, REPLICAS_FAILED_TOTAL};
use crate::store::{PUTS_STALE_TOTAL, REPLICAS_LATE_TOTAL};
use crate::view::ClusterView;
use esker_metric::{Metric, label_of};
use esker_types::{NodeId, NodeState};
use std::time::Duration;

const NODES: &str = "esker_cluster_nodes";
const NODES_SILENT: &str = "esker_cluster_nodes_silent";
const METADATA_SILENT_SECONDS: &str = "esker_cluster_metadata_silent_seconds";
const PLACEMENT_GROUPS: &str = "esker_cluster_placement_groups";
const MOVING: &str = "esker_cluster_placement_groups_moving";
const WAITING: &str = "esker_cluster_placement_groups_to_move";
const UNDER_REPLICATED: &str = "esker_cluster_placement_groups_under_replicated";
const UNWRITABLE: &str = "esker_cluster_placement_groups_unwritable";

/// The metrics of a node's part in its cluster. The gauges are looked at every other second; all nodes show the same,
/// but for what they have not heard.
pub const METRICS: &[Metric] = &[
    Metric::gauge(NODES, "Nodes of the cluster by their state; those that were removed don't count")
        .by(&[label_of("state", &["active", "draining", "lost"])]),
    Metric::gauge(NODES_SILENT, "Storage nodes that have not answered this node for 10 s, and are not lost"),
    Metric::gauge(
        METADATA_SILENT_SECONDS,
        "For how long the metadata layer has not answered this node with a majority behind it",
    ),
    Metric::gauge(PLACEMENT_GROUPS, "Placement groups; 0 until data has its places"),
    Metric::gauge(MOVING, "Placement groups that are on their way to other nodes"),
    Metric::gauge(WAITING, "Placement groups that are to move and wait for others that do"),
    Metric::gauge(
        UNDER_REPLICATED,
        "Placement groups with fewer replicas on nodes that are not lost than they should have",
    ),
    Metric::gauge(
        UNWRITABLE,
        "Placement groups that take no data: of their nodes no majority answers this one with a disk that takes data",
    ),
    Metric::counter(PUTS_STALE_TOTAL, "Puts that met a move and were tried again or failed"),
    Metric::counter(REPLICAS_LATE_TOTAL, "Replicas that were not there when their put was answered"),
    Metric::counter(READS_HEDGED_TOTAL, "Reads that asked a second replica because the first was slow"),
    Metric::counter(REPLICAS_FAILED_TOTAL, "Replicas that could not give a reader what it asked for"),
    Metric::counter(
        background::PULLED_BLOBS_TOTAL,
        "Blobs that were fetched from other nodes to complete this one",
    ),
    Metric::counter(background::PULLED_BYTES_TOTAL, "Bytes of theirs"),
    Metric::counter(
        background::UNREADABLE_BLOBS_TOTAL,
        "Blobs of which no readable replica was found although some node has one; one that is met again counts again",
    ),
    Metric::counter(background::REPAIRS_DONE_TOTAL, "Late replicas of this node that were repaired"),
    Metric::gauge(
        background::REPAIRS_PENDING,
        "Late replicas of this node that the last round could not repair",
    ),
    Metric::counter(
        background::DAMAGE_REPAIRED_TOTAL,
        "Damaged blobs that were replaced by another node's replica",
    ),
    Metric::gauge(background::DAMAGE_PENDING, "Reports of damaged blobs that wait to be looked into"),
    Metric::counter(
        background::ORPHANS_DELETED_TOTAL,
        "Blobs that were deleted here because nobody had committed them",
    ),
    Metric::counter(
        background::STRAYS_DELETED_TOTAL,
        "Blobs that were deleted here because their placement group has moved away",
    ),
    Metric::counter(
        background::AUDITS_TOTAL,
        "Times that this node compared all its placement groups with its peers",
    ),
    Metric::counter(
        background::MOVES_BEGUN_TOTAL,
        "Placement groups whose move this node began, as the leader",
    ),
    Metric::counter(background::NODES_LOST_TOTAL, "Nodes that this node declared lost, as the leader"),
];

/// The cluster at one moment.
pub(crate) struct Shown<'a> {
    /// None before the topology is known.
    pub(crate) view: Option<&'a ClusterView>,
    pub(crate) signs: &'a [(NodeId, Signs)],
    /// Placement groups that wait to be moved.
    pub(crate) waiting: usize,
    /// For how long the metadata layer has not answered.
    pub(crate) silence: Duration,
}

/// Shows it.
pub(crate) fn show(shown: &Shown<'_>) {
    metrics::gauge!(METADATA_SILENT_SECONDS).set(shown.silence.as_secs_f64());
    let Some(view) = shown.view else { return };
    let states =
        [(NodeState::Active, "active"), (NodeState::Draining, "draining"), (NodeState::Lost, "lost")];
    for (state, name) in states {
        let nodes = view.nodes().iter().filter(|(_, record)| record.state == state).count();
        set(metrics::gauge!(NODES, "state" => name), nodes);
    }
    // Signs are kept of nodes that take part.
    let silent = shown.signs.iter().filter(|(_, signs)| signs.is_silent()).count();
    set(metrics::gauge!(NODES_SILENT), silent);
    set(metrics::gauge!(PLACEMENT_GROUPS), view.placements().len());
    set(metrics::gauge!(MOVING), view.placements().iter().filter(|state| state.moves()).count());
    set(metrics::gauge!(WAITING), shown.waiting);
    set(metrics::gauge!(UNDER_REPLICATED), view.under_replicated());
    set(metrics::gauge!(UNWRITABLE), unwritable_groups(view, shown.signs));
}

#[expect(clippy::needless_pass_by_value, reason = "a gauge is a handle, made for this")]
fn set(gauge: metrics::Gauge, count: usize) {
    gauge.set(u32::try_from(count).map_or(f64::INFINITY, f64::from));
}
