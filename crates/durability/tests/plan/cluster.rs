//! A cluster as the planner sees it, whose plans are carried out at once.

use esker_durability::{Change, Domain, PlanNode, Standing, first_placement, plan};
use esker_types::NodeId;
use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU16};

/// Nodes and the sets of them.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<PlanNode>,
    pub(crate) sets: Vec<Vec<NodeId>>,
    pub(crate) replicas: u8,
}

/// A plan that was carried out.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) changes: Vec<Change>,
    /// Replicas that a node got which it did not have.
    pub(crate) moved: usize,
}

/// A node that stays, on a host of its own.
pub(crate) fn node(id: u64, weight: u32) -> PlanNode {
    let domain = Domain { zone: String::new(), host: format!("host {id}") };
    PlanNode { id: NodeId(id), weight, domain, standing: Standing::Stays }
}

/// The node in a zone.
pub(crate) fn zoned(node: PlanNode, zone: &str) -> PlanNode {
    PlanNode { domain: Domain { zone: zone.to_owned(), host: node.domain.host }, ..node }
}

impl Cluster {
    pub(crate) fn new(nodes: Vec<PlanNode>, replicas: u8) -> Cluster {
        Cluster { nodes, sets: Vec::new(), replicas }
    }

    fn wanted(&self) -> NonZeroU8 {
        NonZeroU8::new(self.replicas).unwrap()
    }

    /// Makes the first placement.
    pub(crate) fn place(&mut self, groups: u16) {
        self.sets = first_placement(&self.nodes, NonZeroU16::new(groups).unwrap(), self.wanted());
    }

    /// Plans, and does it.
    pub(crate) fn apply(&mut self) -> Applied {
        let changes = plan(&self.nodes, &self.sets, self.wanted());
        let mut moved = 0;
        for change in &changes {
            let set = &mut self.sets[usize::from(change.group.0)];
            assert_ne!(*set, change.target, "a plan names only what changes");
            moved += change.target.iter().filter(|id| !set.contains(id)).count();
            set.clone_from(&change.target);
        }
        Applied { changes, moved }
    }

    pub(crate) fn stand(&mut self, id: u64, standing: Standing) {
        self.nodes.iter_mut().find(|node| node.id == NodeId(id)).unwrap().standing = standing;
    }

    pub(crate) fn node(&self, id: NodeId) -> &PlanNode {
        self.nodes.iter().find(|node| node.id == id).unwrap()
    }

    /// In how many sets each node is, if in any.
    pub(crate) fn counts(&self) -> BTreeMap<NodeId, usize> {
        let mut counts = BTreeMap::new();
        self.sets.iter().flatten().for_each(|id| *counts.entry(*id).or_default() += 1);
        counts
    }

    /// The nodes that stay.
    pub(crate) fn staying(&self) -> Vec<&PlanNode> {
        self.nodes.iter().filter(|node| node.standing == Standing::Stays).collect()
    }
}
