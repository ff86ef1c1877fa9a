//! Random commands of a cluster that a model's state makes interesting: few nodes and addresses, so that they collide;
//! epochs that are, were or never will be; nodes that a move waits for and others.

use super::cluster::copies_in;
use super::commands::Dice;
use super::model::Model;
use esker_index::command::{CommandBody, PlannedMove, StoredData};
use esker_types::{
    ClusterSettings, DataId, Fence, NodeId, NodeInfo, NodeRole, NodeRoles, NodeState, PlacementEpoch,
    PlacementGroup,
};
use std::num::NonZeroU8;

/// The nodes of the tests.
pub(crate) const NODES: u64 = 12;

/// Data, now and then with late nodes.
pub(crate) fn stored(data: DataId, dice: Dice) -> StoredData {
    let count = [0, 0, 1, 2][usize::from(dice.cluster % 4)];
    let late = (0..count).map(|i| NodeId((u64::from(dice.cluster / 4) + i) % NODES)).collect();
    StoredData { data, late }
}

/// Half of the nodes join, as every run starts.
pub(crate) fn joining() -> Vec<CommandBody> {
    let info = |node| NodeInfo {
        address: format!("a:{node}"),
        roles: NodeRoles::ALL,
        zone: String::new(),
        host: "h".into(),
        weight: 1,
    };
    (0..NODES / 2).map(|node| CommandBody::RegisterNode { node: NodeId(node), info: info(node) }).collect()
}

pub(crate) fn body(model: &Model, dice: Dice) -> CommandBody {
    let any = NodeId(dice.entropy % NODES);
    match dice.kind % 32 {
        0..=6 => CommandBody::RegisterNode { node: any, info: info(dice, any) },
        7..=8 => {
            let state = match dice.other % 8 {
                0 => NodeState::Lost,
                1..=2 => NodeState::Removed,
                3..=5 => NodeState::Draining,
                _ => NodeState::Active,
            };
            CommandBody::SetNodeState { node: any, state }
        }
        9 => {
            let replicas = NonZeroU8::MIN.saturating_add(dice.other % 4);
            let voters = NonZeroU8::MIN.saturating_add(dice.condition % 4);
            CommandBody::SetClusterSettings { settings: ClusterSettings { replicas, voters } }
        }
        10..=11 => {
            let count = u64::from(dice.other % 4);
            CommandBody::CreatePlacement { sets: (0..count).map(|i| set(model, dice, i)).collect() }
        }
        12..=14 => {
            let count = u64::from(dice.other % 3);
            let planned = |i| {
                let Fence { group, epoch } = fence(model, dice, i);
                PlannedMove { group, epoch, target: set(model, dice, i) }
            };
            CommandBody::MovePlacement { moves: (0..count).map(planned).collect() }
        }
        15..=28 => progress(model, dice, any),
        29..=30 => {
            let repairs: Vec<&(NodeId, DataId)> = model.repairs.keys().collect();
            let chosen = repairs.get(usize::from(dice.pick) % repairs.len().max(1));
            let (node, data) =
                chosen.map_or((any, model.settled.first()), |(node, data)| (*node, Some(data)));
            CommandBody::Repaired { node, data: data.copied().into_iter().collect() }
        }
        _ => CommandBody::ForgetRepairs { node: any },
    }
}

/// Mostly an address of the node's own.
fn info(dice: Dice, node: NodeId) -> NodeInfo {
    let address = match dice.other % 32 {
        0 => String::new(),
        n @ 1..=3 => format!("a:{n}"),
        _ => format!("a:{}", node.0),
    };
    let roles = match dice.condition {
        0..=15 => NodeRoles::new([NodeRole::Metadata]).expect("roles"),
        _ => NodeRoles::ALL,
    };
    let weight = if dice.late == 20 { 0 } else { u32::from(dice.millis % 2) + 1 };
    NodeInfo { address, roles, zone: String::new(), host: "h".into(), weight }
}

/// Mostly up to three nodes that take part, the `i`-th choice of the dice.
fn set(model: &Model, dice: Dice, i: u64) -> Vec<NodeId> {
    let mut known: Vec<NodeId> =
        model.cluster.nodes.keys().copied().filter(|node| model.cluster.takes_part(*node)).collect();
    if dice.condition < 30 || known.is_empty() {
        known = vec![NodeId(dice.entropy % NODES), NodeId(dice.entropy / 64 % NODES)];
    }
    let count = known.len();
    known.rotate_left((usize::from(dice.pick) + usize::try_from(i).expect("few")) % count);
    known.truncate([1, 1, 2, 2, 3, 3, 4, 0][usize::from(dice.pick / 256 % 8)]);
    known
}

/// A group of those that there are, mostly at its epoch.
fn fence(model: &Model, dice: Dice, i: u64) -> Fence {
    let count = if dice.condition < 40 { 4 } else { model.cluster.placed.len().max(1) as u64 };
    let group = u16::try_from((u64::from(dice.pick / 16) + i) % count).expect("it fits");
    let epoch = model.cluster.placed.get(usize::from(group)).map_or(1, |placed| placed.epoch);
    let epoch = if dice.millis < 16 { epoch.saturating_sub(1) } else { epoch };
    Fence { group: PlacementGroup(group), epoch: PlacementEpoch(epoch) }
}

/// Mostly of a node that some move waits for still.
fn progress(model: &Model, dice: Dice, any: NodeId) -> CommandBody {
    let moves = model.cluster.placed.iter().filter(|placed| !placed.target.is_empty());
    let awaited = moves.flat_map(|placed| {
        let fencers = placed.replicas.iter().filter(|node| !placed.fenced.contains(node)).copied();
        let copiers = copies_in(placed).into_iter().filter(|node| !placed.copied.contains(node));
        fencers.chain(copiers).collect::<Vec<_>>()
    });
    let awaited: Vec<NodeId> = awaited.filter(|node| model.cluster.takes_part(*node)).collect();
    let chosen = awaited.get(usize::from(dice.pick) % awaited.len().max(1));
    let node = chosen.copied().filter(|_| dice.condition >= 20).unwrap_or(any);
    let most = if dice.condition < 40 { 4 } else { model.cluster.placed.len() as u64 };
    let fences = |wanted: bool| -> Vec<Fence> {
        let fences = (0..most).map(|i| fence(model, Dice { pick: 0, ..dice }, i));
        fences.filter(|_| wanted).collect()
    };
    CommandBody::PlacementProgress {
        node,
        fenced: fences(!dice.other.is_multiple_of(4)),
        copied: fences(dice.other % 4 != 1),
    }
}
