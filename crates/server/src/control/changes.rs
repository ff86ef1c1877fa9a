//! Which changes of the cluster's nodes are allowed, and why not. Pure.
//!
//! The index refuses what would break a rule; what is refused here would be legal and regretted.

use esker_cluster::ClusterView;
use esker_cluster::topology::NodeRecord;
use esker_rpc::ControlError;
use esker_types::{NodeId, NodeRole, NodeState};
use std::collections::BTreeSet;
use std::time::Duration;

/// A node that answered so lately is not lost.
const ALIVE: Duration = Duration::from_secs(10);

/// What is to be done about a change that may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Make it.
    Propose(NodeState),
    /// It is so already.
    Done,
}

fn refused(why: impl Into<String>) -> ControlError {
    ControlError::Refused(why.into())
}

fn known(view: &ClusterView, node: NodeId) -> Result<&NodeRecord, ControlError> {
    view.node(node).ok_or(ControlError::NoSuchNode(node))
}

/// The other nodes that take part for good and have a role.
fn others(view: &ClusterView, node: NodeId, role: NodeRole) -> usize {
    let active = view.nodes().iter().filter(|(other, record)| {
        *other != node && record.state == NodeState::Active && record.info.roles.has(role)
    });
    active.count()
}

/// The placement groups that name a node.
pub(super) fn groups_with(view: &ClusterView, node: NodeId) -> usize {
    view.groups_with(node).count()
}

/// Whether a node may be drained.
pub(super) fn drain(view: &ClusterView, node: NodeId) -> Result<Verdict, ControlError> {
    let record = known(view, node)?;
    match record.state {
        NodeState::Draining => return Ok(Verdict::Done),
        NodeState::Lost => {
            return Err(refused(format!("node {node} is lost: there is nothing left to move")));
        }
        NodeState::Removed => return Err(refused(format!("node {node} was removed already"))),
        NodeState::Active => {}
    }
    if record.info.roles.has(NodeRole::Metadata) && others(view, node, NodeRole::Metadata) == 0 {
        return Err(refused(format!("node {node} is the last metadata node: add another one first")));
    }
    if record.info.roles.has(NodeRole::Storage) {
        let left = others(view, node, NodeRole::Storage);
        let sizes = view.groups_with(node).map(|state| state.target.len().max(state.replicas.len()));
        let needed = sizes.max().unwrap_or(0);
        if left < needed {
            return Err(refused(format!(
                "node {node} has data with {needed} replicas, and only {left} other storage nodes are active: the data \
                 would have nowhere to go. Add a storage node first"
            )));
        }
    }
    Ok(Verdict::Propose(NodeState::Draining))
}

/// Whether a node's drain may be taken back.
pub(super) fn undrain(view: &ClusterView, node: NodeId) -> Result<Verdict, ControlError> {
    match known(view, node)?.state {
        NodeState::Active => Ok(Verdict::Done),
        NodeState::Draining => Ok(Verdict::Propose(NodeState::Active)),
        NodeState::Lost => Err(refused(format!(
            "node {node} is lost: others have taken its place. Start it with an empty data directory, and it joins anew"
        ))),
        NodeState::Removed => Err(refused(format!(
            "node {node} was removed: start it with an empty data directory, and it joins anew"
        ))),
    }
}

/// Whether a node may be removed. `voters` are those of all groups, as far as they are known.
pub(super) fn remove(
    view: &ClusterView,
    node: NodeId,
    voters: &BTreeSet<NodeId>,
) -> Result<Verdict, ControlError> {
    let record = known(view, node)?;
    match record.state {
        NodeState::Removed => return Ok(Verdict::Done),
        NodeState::Active => {
            return Err(refused(format!(
                "node {node} is active: drain it first (esker admin node drain {node}), or if it is gone for good, \
                 replace it (esker admin node replace {node})"
            )));
        }
        NodeState::Draining | NodeState::Lost => {}
    }
    let groups = groups_with(view, node);
    if groups > 0 {
        return Err(refused(format!(
            "node {node} still holds {groups} placement groups: try again when they have moved"
        )));
    }
    if voters.contains(&node) {
        return Err(refused(format!("node {node} still votes: try again when another node has its vote")));
    }
    Ok(Verdict::Propose(NodeState::Removed))
}

/// Whether a node may be declared lost. `silent_for` is for how long it has not answered, if that is known.
pub(super) fn replace(
    view: &ClusterView,
    old: NodeId,
    new: Option<NodeId>,
    silent_for: Option<Duration>,
) -> Result<Verdict, ControlError> {
    let record = known(view, old)?;
    if let Some(new) = new {
        let by = known(view, new)?;
        let lacks =
            record.info.roles.iter().any(|role| role != NodeRole::Gateway && !by.info.roles.has(role));
        if new == old || by.state != NodeState::Active || lacks {
            return Err(refused(format!(
                "node {new} can't take the place of {old}: it must be another node, active, and with the same roles"
            )));
        }
    }
    match record.state {
        NodeState::Lost | NodeState::Removed => return Ok(Verdict::Done),
        NodeState::Active | NodeState::Draining => {}
    }
    if silent_for.is_some_and(|silent| silent < ALIVE) {
        return Err(refused(format!(
            "node {old} answers: to take it out of service without loss, drain it (esker admin node drain {old}). If \
             it is to be replaced all the same, stop it first"
        )));
    }
    if record.info.roles.has(NodeRole::Metadata) && others(view, old, NodeRole::Metadata) == 0 {
        return Err(refused(format!("node {old} is the last metadata node: nothing can take its place")));
    }
    let only_here = view.groups_with(old).filter(|state| {
        let there = |node: &NodeId| *node != old && view.present(*node).is_some();
        state.replicas.contains(&old) && !state.replicas.iter().any(there)
    });
    let only_here = only_here.count();
    if only_here > 0 {
        return Err(refused(format!(
            "node {old} has the last replica of {only_here} placement groups: their data would be gone for good"
        )));
    }
    Ok(Verdict::Propose(NodeState::Lost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use esker_cluster::topology::{PlacementState, Topology};
    use esker_types::{ClusterSettings, NodeInfo, NodeRoles, PlacementEpoch, PlacementGroup};

    fn node(state: NodeState, roles: NodeRoles) -> NodeRecord {
        let info = NodeInfo {
            address: "a:1".to_owned(),
            roles,
            zone: String::new(),
            host: "h".to_owned(),
            weight: 1,
        };
        NodeRecord { info, state }
    }

    fn view(nodes: &[(u64, NodeState)], replicas: &[u64]) -> ClusterView {
        let nodes = nodes.iter().map(|(id, state)| (NodeId(*id), node(*state, NodeRoles::ALL))).collect();
        let placement = PlacementState {
            group: PlacementGroup(0),
            epoch: PlacementEpoch(1),
            replicas: replicas.iter().copied().map(NodeId).collect(),
            target: Vec::new(),
            fenced: Vec::new(),
            copied: Vec::new(),
        };
        ClusterView::new(Topology {
            version: 1,
            settings: ClusterSettings::default(),
            nodes,
            placements: vec![placement],
        })
    }

    use NodeState::{Active, Draining, Lost, Removed};

    #[track_caller]
    fn why(verdict: Result<Verdict, ControlError>) -> String {
        verdict.expect_err("refused").to_string()
    }

    #[test]
    fn a_node_is_drained_only_where_its_data_can_go() {
        let four = [(1, Active), (2, Active), (3, Active), (4, Active)];
        assert_eq!(drain(&view(&four, &[1, 2, 3]), NodeId(1)), Ok(Verdict::Propose(Draining)));
        assert!(why(drain(&view(&four[..3], &[1, 2, 3]), NodeId(1))).contains("nowhere to go"));
        // A node without data may go whatever the others hold.
        assert_eq!(drain(&view(&four, &[1, 2, 3]), NodeId(4)), Ok(Verdict::Propose(Draining)));
        assert!(why(drain(&view(&[(1, Active)], &[1]), NodeId(1))).contains("last metadata node"));
        assert_eq!(drain(&view(&[(1, Draining)], &[1]), NodeId(1)), Ok(Verdict::Done));
        assert!(why(drain(&view(&[(1, Lost)], &[2]), NodeId(1))).contains("lost"));
        assert_eq!(drain(&view(&four, &[1]), NodeId(9)), Err(ControlError::NoSuchNode(NodeId(9))));
    }

    #[test]
    fn a_drain_is_taken_back_while_the_node_takes_part() {
        let nodes = [(1, Active), (2, Draining), (3, Lost), (4, Removed)];
        let undrain = |node| undrain(&view(&nodes, &[1]), NodeId(node));
        assert_eq!((undrain(1), undrain(2)), (Ok(Verdict::Done), Ok(Verdict::Propose(Active))));
        assert!(why(undrain(3)).contains("is lost"));
        assert!(why(undrain(4)).contains("was removed"));
        assert_eq!(undrain(9), Err(ControlError::NoSuchNode(NodeId(9))));
    }

    #[test]
    fn a_node_is_removed_only_when_it_holds_nothing() {
        let none = BTreeSet::new();
        let nodes = [(1, Active), (2, Draining), (3, Lost), (4, Removed)];
        assert!(why(remove(&view(&nodes, &[1]), NodeId(1), &none)).contains("drain it first"));
        assert!(why(remove(&view(&nodes, &[1, 2]), NodeId(2), &none)).contains("still holds 1 placement"));
        let votes = BTreeSet::from([NodeId(2)]);
        assert!(why(remove(&view(&nodes, &[1]), NodeId(2), &votes)).contains("still votes"));
        assert_eq!(remove(&view(&nodes, &[1]), NodeId(2), &none), Ok(Verdict::Propose(Removed)));
        assert_eq!(remove(&view(&nodes, &[1]), NodeId(3), &none), Ok(Verdict::Propose(Removed)));
        assert_eq!(remove(&view(&nodes, &[1]), NodeId(4), &none), Ok(Verdict::Done));
    }

    #[test]
    fn a_node_is_declared_lost_only_if_it_is_silent_and_others_have_its_data() {
        let nodes = [(1, Active), (2, Active), (3, Lost)];
        let silent = Some(Duration::from_secs(60));
        let both = view(&nodes, &[1, 2]);
        assert_eq!(replace(&both, NodeId(1), None, silent), Ok(Verdict::Propose(Lost)));
        assert_eq!(replace(&both, NodeId(1), Some(NodeId(2)), None), Ok(Verdict::Propose(Lost)));
        assert!(why(replace(&both, NodeId(1), None, Some(Duration::ZERO))).contains("answers"));
        assert!(why(replace(&view(&nodes, &[1, 3]), NodeId(1), None, silent)).contains("last replica of 1"));
        assert!(why(replace(&both, NodeId(1), Some(NodeId(3)), silent)).contains("can't take the place"));
        assert!(why(replace(&both, NodeId(1), Some(NodeId(1)), silent)).contains("can't take the place"));
        assert_eq!(replace(&both, NodeId(3), None, silent), Ok(Verdict::Done));
        assert_eq!(
            replace(&both, NodeId(1), Some(NodeId(9)), silent),
            Err(ControlError::NoSuchNode(NodeId(9)))
        );
    }
}
