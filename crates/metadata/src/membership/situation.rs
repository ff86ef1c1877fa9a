//! What the leader of a group knows, from the topology's rows and openraft's metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use esker_index::query::Topology;
use esker_index::records::NodeRecord;
use esker_types::{NodeId, NodeRole, NodeState};
use openraft::{Instant as _, RaftMetrics};

use crate::membership::plan::{Listed, Progress, Situation, Standing};
use crate::types::TypeConfig;

/// A member that lacks no more entries than this has caught up: what it lacks is on its way.
const LAG_MAX: u64 = 1000;

/// What the cluster wants of a node.
fn standing(record: &NodeRecord) -> Standing {
    let has_role = record.info.roles.has(NodeRole::Metadata);
    match record.state {
        NodeState::Active if has_role => Standing::Stays,
        NodeState::Draining if has_role => Standing::Leaves,
        NodeState::Active | NodeState::Draining | NodeState::Lost => Standing::Lost,
        NodeState::Removed => Standing::Gone,
    }
}

/// The situation as the leader sees it. None while a change of the membership is not committed yet.
pub(crate) fn situation(
    own: NodeId,
    topology: &Topology,
    metrics: &RaftMetrics<TypeConfig>,
    silence_max: Duration,
) -> Option<Situation> {
    let stored = &metrics.membership_config;
    if stored.log_id() != metrics.committed_membership_config.log_id() {
        return None;
    }
    let membership = stored.membership();
    let configs = membership.get_joint_config();
    let voters: BTreeSet<NodeId> = configs.last()?.iter().copied().map(NodeId).collect();
    let listed = |(node, record): &(NodeId, NodeRecord)| {
        let NodeRecord { info, .. } = record;
        let domain = [info.zone.clone(), info.host.clone()];
        (*node, Listed { standing: standing(record), address: info.address.clone(), domain })
    };
    Some(Situation {
        own,
        nodes: topology.nodes.iter().map(listed).collect(),
        members: membership.nodes().map(|(id, peer)| (NodeId(*id), peer.address.clone())).collect(),
        voters,
        progress: if configs.len() > 1 { Progress::Joint } else { Progress::Settled },
        caught_up: caught_up(own, metrics, silence_max),
        voters_max: usize::from(topology.settings.voters.get()),
    })
}

fn caught_up(own: NodeId, metrics: &RaftMetrics<TypeConfig>, silence_max: Duration) -> BTreeSet<NodeId> {
    let last = metrics.last_log_index.unwrap_or(0);
    let none = BTreeMap::new();
    let matched = metrics.replication.as_ref().unwrap_or(&none);
    let near = matched.iter().filter(|(_, id)| id.is_some_and(|id| id.index.saturating_add(LAG_MAX) >= last));
    near.map(|(node, _)| NodeId(*node))
        .filter(|node| *node == own || silence(*node, metrics).is_some_and(|silence| silence <= silence_max))
        .chain([own])
        .collect()
}

/// How long ago a leader last heard of a member.
pub(crate) fn silence(node: NodeId, metrics: &RaftMetrics<TypeConfig>) -> Option<Duration> {
    let heard = *metrics.heartbeat.as_ref()?.get(&node.0)?;
    heard.map(|at| at.elapsed())
}
