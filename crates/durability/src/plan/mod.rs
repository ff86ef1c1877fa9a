//! Which nodes should have which blobs: the first placement of a cluster, and how it changes as nodes come and go.
//!
//! The placement is made in one place, committed, and read by everybody. So its maker needs no formula that others
//! could evaluate, and balances exactly instead of by chance. In order of importance: a set has as many nodes as
//! it should; they are in distinct zones and on distinct hosts as far as that is possible; the fullest node is as
//! little full, for its weight, as it can be; and as little moves as that takes.

mod balance;
mod batch;
mod chain;
mod fill;
mod layout;

use esker_types::{NodeId, PlacementGroup};
use layout::Layout;
use std::num::{NonZeroU8, NonZeroU16};

pub use batch::batch;

/// What fails together, from the widest down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Domain {
    /// A data centre, room or rack; empty if the operator names none.
    pub zone: String,
    /// The machine, within its zone. Nodes of one machine share its fate.
    pub host: String,
}

/// What a plan may do with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It may have any blob.
    Stays,
    /// It should have none, and has what it has until others have it.
    Leaves,
    /// It has none any more: others must get what it had, from others.
    Gone,
}

/// A storage node, as plans see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanNode {
    /// The node. All its disks together are one replica at most.
    pub id: NodeId,
    /// Its share of the data, relative to the other nodes'; at least 1.
    pub weight: u32,
    /// Where it is.
    pub domain: Domain,
    /// What may be done with it.
    pub standing: Standing,
}

/// Why a group's nodes should change, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// One of them is gone.
    Gone,
    /// There are too few of them.
    Grows,
    /// One of them leaves.
    Leaves,
    /// There are too many of them.
    Shrinks,
    /// They are spread or filled unevenly.
    Balances,
}

/// A group whose nodes should change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The group.
    pub group: PlacementGroup,
    /// The nodes that should have its blobs. Those that had them keep their places.
    pub target: Vec<NodeId>,
    /// Why.
    pub reason: Reason,
}

/// The placement of a cluster's first data: the nodes of each group. Empty if no node stays.
pub fn first_placement(nodes: &[PlanNode], groups: NonZeroU16, replicas: NonZeroU8) -> Vec<Vec<NodeId>> {
    if nodes.iter().all(|node| node.standing != Standing::Stays) {
        return Vec::new();
    }
    let empty = vec![Vec::new(); usize::from(groups.get())];
    let mut layout = Layout::new(nodes, &empty);
    settle(&mut layout, usize::from(replicas.get()));
    layout.ids()
}

/// The groups whose nodes should change, in order. `current` has the nodes of each group: for one that moves already,
/// those that it moves to. A node that `nodes` does not name is gone.
///
/// A set never shrinks because a node leaves or is gone: without a substitute the node stays in it. It has fewer nodes
/// than `replicas` only if there are no more. Planning again once all of it is done gives nothing.
///
/// # Panics
/// If there are more than 65,536 groups.
pub fn plan(nodes: &[PlanNode], current: &[Vec<NodeId>], replicas: NonZeroU8) -> Vec<Change> {
    let mut layout = Layout::new(nodes, current);
    settle(&mut layout, usize::from(replicas.get()));
    let changed = layout.ids().into_iter().zip(current).enumerate().filter(|(_, (new, old))| new != *old);
    let changes = changed.map(|(group, (target, old))| Change {
        group: PlacementGroup(u16::try_from(group).expect("there are at most 65,536 groups")),
        reason: layout.reason(old, &target),
        target,
    });
    changes.collect()
}

/// Changes the layout until nothing can be made better. A pass counts what it moves from where it began, so that one
/// may still find what an earlier one, which began elsewhere, did not look for.
fn settle(layout: &mut Layout, replicas: usize) {
    loop {
        let origin = layout.sets().to_vec();
        fill::fill(layout, replicas);
        balance::spread(layout, &origin);
        balance::level(layout, &origin);
        balance::economize(layout, &origin);
        if layout.sets() == origin {
            return;
        }
    }
}
