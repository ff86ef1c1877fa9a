//! A placement while it is being planned: which node is where, and what that means for spread and fullness.

use super::{Domain, PlanNode, Reason, Standing};
use esker_types::NodeId;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The place of a node in the layout's list.
pub(super) type At = usize;

/// How badly some nodes are spread: pairs in one zone, then pairs on one host. Less is better.
pub(super) type Crowding = (usize, usize);

/// Nodes, and the sets of them.
pub(super) struct Layout {
    nodes: Vec<PlanNode>,
    /// The zone and the host of each node, numbered, since they are compared often.
    domains: Vec<(usize, usize)>,
    sets: Vec<Vec<At>>,
    /// In how many sets each node is.
    held: Vec<u64>,
}

impl Layout {
    /// The layout of these sets; nodes of theirs that are not in `nodes` are gone.
    pub(super) fn new(nodes: &[PlanNode], sets: &[Vec<NodeId>]) -> Layout {
        let known: BTreeMap<NodeId, &PlanNode> = nodes.iter().map(|node| (node.id, node)).collect();
        let mut nodes: Vec<PlanNode> = known.values().map(|node| (*node).clone()).collect();
        let mut unknown: Vec<NodeId> = sets.iter().flatten().copied().collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown.retain(|id| !known.contains_key(id));
        nodes.extend(unknown.into_iter().map(|id| PlanNode {
            id,
            weight: 1,
            domain: Domain::default(),
            standing: Standing::Gone,
        }));
        let places: BTreeMap<NodeId, At> = nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        let domains = numbered(&nodes);
        let mut layout = Layout { domains, sets: Vec::new(), held: vec![0; nodes.len()], nodes };
        layout.sets = sets.iter().map(|set| set.iter().map(|id| places[id]).collect()).collect();
        layout.sets.iter().flatten().for_each(|at| layout.held[*at] += 1);
        layout
    }

    /// The sets, of the nodes' places.
    pub(super) fn sets(&self) -> &[Vec<At>] {
        &self.sets
    }

    /// The sets, of the nodes' ids.
    pub(super) fn ids(&self) -> Vec<Vec<NodeId>> {
        self.sets.iter().map(|set| set.iter().map(|at| self.nodes[*at].id).collect()).collect()
    }

    /// A node's id.
    pub(super) fn id(&self, at: At) -> NodeId {
        self.nodes[at].id
    }

    /// What may be done with a node.
    pub(super) fn standing(&self, at: At) -> Standing {
        self.nodes[at].standing
    }

    /// The nodes that may have any blob.
    pub(super) fn staying(&self) -> impl Iterator<Item = At> + '_ {
        (0..self.nodes.len()).filter(|at| self.standing(*at) == Standing::Stays)
    }

    /// Gives a group other nodes.
    pub(super) fn set(&mut self, group: usize, members: Vec<At>) {
        members.iter().for_each(|at| self.held[*at] += 1);
        let before = std::mem::replace(&mut self.sets[group], members);
        before.iter().for_each(|at| self.held[*at] -= 1);
    }

    /// Puts a node in another one's place.
    pub(super) fn swap(&mut self, group: usize, from: At, to: At) {
        let place = self.sets[group].iter_mut().find(|at| **at == from);
        *place.expect("the node to be replaced is in the set") = to;
        self.held[from] -= 1;
        self.held[to] += 1;
    }

    /// How many of `others` share the node's zone, and its host.
    pub(super) fn crowding(&self, node: At, others: impl IntoIterator<Item = At>) -> Crowding {
        let own = self.domains[node];
        others.into_iter().fold((0, 0), |(zones, hosts), other| {
            let (zone, host) = self.domains[other];
            (zones + usize::from(zone == own.0), hosts + usize::from(host == own.1))
        })
    }

    /// Compares how full two nodes would be, each with so many more replicas than it has, without dividing.
    pub(super) fn compare_fullness(&self, a: (At, u64), b: (At, u64)) -> Ordering {
        let weight = |at: At| u128::from(self.nodes[at].weight.max(1));
        let held = |(at, more): (At, u64)| u128::from(self.held[at] + more);
        (held(a) * weight(b.0)).cmp(&(held(b) * weight(a.0)))
    }

    /// Whether a replica's move from one node to another makes the fuller of the two less full than it was.
    pub(super) fn levels(&self, from: At, to: At) -> bool {
        self.compare_fullness((to, 1), (from, 0)) == Ordering::Less
    }

    /// Why a group's nodes change.
    pub(super) fn reason(&self, old: &[NodeId], new: &[NodeId]) -> Reason {
        let loses = |standing| {
            let nodes = self.nodes.iter().filter(|node| node.standing == standing);
            nodes.map(|node| node.id).any(|id| old.contains(&id) && !new.contains(&id))
        };
        if loses(Standing::Gone) {
            Reason::Gone
        } else if new.len() > old.len() {
            Reason::Grows
        } else if loses(Standing::Leaves) {
            Reason::Leaves
        } else if new.len() < old.len() {
            Reason::Shrinks
        } else {
            Reason::Balances
        }
    }
}

/// The zones and hosts of nodes as numbers. Hosts of the same name in two zones are two hosts.
fn numbered(nodes: &[PlanNode]) -> Vec<(usize, usize)> {
    let mut zones = BTreeMap::new();
    let mut hosts = BTreeMap::new();
    let number = |node: &PlanNode| {
        let (next_zone, next_host) = (zones.len(), hosts.len());
        let zone = *zones.entry(node.domain.zone.clone()).or_insert(next_zone);
        (zone, *hosts.entry(node.domain.clone()).or_insert(next_host))
    };
    nodes.iter().map(number).collect()
}
