//! The contract of the cluster's commands, written as naively as possible. It shares value types with the index, and
//! nothing else: what has to be fenced it finds by trying every write quorum.

use esker_index::command::{CommandBody, PlannedMove};
use esker_index::outcome::{Done, Outcome, Refusal};
use esker_index::query::{NodeRecord, PlacementState, Topology};
use esker_types::{
    ClusterSettings, Fence, NodeId, NodeInfo, NodeRole, NodeState, PlacementEpoch, PlacementGroup,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Placed {
    pub(crate) epoch: u64,
    pub(crate) replicas: Vec<NodeId>,
    pub(crate) target: Vec<NodeId>,
    pub(crate) fenced: BTreeSet<NodeId>,
    pub(crate) copied: BTreeSet<NodeId>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cluster {
    pub(crate) version: u64,
    pub(crate) settings: ClusterSettings,
    pub(crate) nodes: BTreeMap<NodeId, (NodeInfo, NodeState)>,
    pub(crate) placed: Vec<Placed>,
}

impl Cluster {
    /// Executes a command of the cluster; none if it is not one.
    pub(crate) fn execute(&mut self, body: &CommandBody) -> Option<Outcome> {
        let before = self.clone();
        let outcome = match body {
            CommandBody::RegisterNode { node, info } => self.register(*node, info),
            CommandBody::SetNodeState { node, state } => self.set_state(*node, *state),
            CommandBody::SetClusterSettings { settings } => self.set_settings(*settings),
            CommandBody::CreatePlacement { sets } => self.create(sets),
            CommandBody::MovePlacement { moves } => self.start(moves),
            CommandBody::PlacementProgress { node, fenced, copied } => self.progress(*node, fenced, copied),
            _ => return None,
        };
        assert!(outcome.is_ok() || *self == before, "a refused command changes nothing");
        if *self != before {
            self.version += 1;
        }
        for (old, new) in before.placed.iter().zip(&self.placed) {
            let same = (&old.replicas, &old.target) == (&new.replicas, &new.target);
            assert!(
                new.epoch > old.epoch || (new.epoch == old.epoch && same),
                "epochs grow with each change"
            );
        }
        Some(outcome)
    }

    pub(crate) fn takes_part(&self, node: NodeId) -> bool {
        let state = self.nodes.get(&node).map(|(_, state)| *state);
        matches!(state, Some(NodeState::Active | NodeState::Draining))
    }

    fn register(&mut self, node: NodeId, info: &NodeInfo) -> Outcome {
        if info.weight == 0 {
            return Err(Refusal::Malformed);
        }
        if self.nodes.contains_key(&node) && !self.takes_part(node) {
            return Err(Refusal::NodeGone);
        }
        let is_new = !self.nodes.contains_key(&node);
        for other in self.nodes.keys().copied().collect::<Vec<_>>() {
            let (its, state) = self.nodes.get_mut(&other).expect("it is there");
            let same = !info.address.is_empty() && its.address == info.address;
            if other != node && same && matches!(state, NodeState::Active | NodeState::Draining) {
                if is_new {
                    *state = NodeState::Lost;
                } else {
                    its.address.clear();
                }
            }
        }
        let entry = self.nodes.entry(node).or_insert_with(|| (info.clone(), NodeState::Active));
        entry.0 = info.clone();
        Ok(Done::Nothing)
    }

    fn set_state(&mut self, node: NodeId, state: NodeState) -> Outcome {
        let now = self.nodes.get(&node).ok_or(Refusal::NoSuchNode)?.1;
        let used = self.placed.iter().any(|p| p.replicas.contains(&node) || p.target.contains(&node));
        match (now, state) {
            (now, state) if now == state => {}
            (NodeState::Removed, _) => return Err(Refusal::NodeGone),
            (NodeState::Lost, NodeState::Active | NodeState::Draining) => return Err(Refusal::NodeGone),
            (_, NodeState::Removed) if used => return Err(Refusal::NodeInUse),
            _ => self.nodes.get_mut(&node).expect("it is there").1 = state,
        }
        Ok(Done::Nothing)
    }

    fn set_settings(&mut self, settings: ClusterSettings) -> Outcome {
        if settings.voters.get().is_multiple_of(2) {
            return Err(Refusal::Malformed);
        }
        self.settings = settings;
        Ok(Done::Nothing)
    }

    fn check(&self, set: &[NodeId]) -> Result<(), Refusal> {
        if set.is_empty() || set.iter().collect::<BTreeSet<_>>().len() < set.len() {
            return Err(Refusal::Malformed);
        }
        for node in set {
            let stores = self.nodes.get(node).is_some_and(|(info, _)| info.roles.has(NodeRole::Storage));
            if !stores || !self.takes_part(*node) {
                return Err(Refusal::UnfitNode { node: *node });
            }
        }
        Ok(())
    }

    fn create(&mut self, sets: &[Vec<NodeId>]) -> Outcome {
        if !self.placed.is_empty() {
            return Ok(Done::Nothing);
        }
        if sets.is_empty() {
            return Err(Refusal::Malformed);
        }
        sets.iter().try_for_each(|set| self.check(set))?;
        let place = |set: &Vec<NodeId>| Placed { epoch: 1, replicas: set.clone(), ..Placed::default() };
        self.placed = sets.iter().map(place).collect();
        Ok(Done::Nothing)
    }

    fn start(&mut self, moves: &[PlannedMove]) -> Outcome {
        if moves.iter().any(|m| usize::from(m.group.0) >= self.placed.len()) {
            return Err(Refusal::Malformed);
        }
        moves.iter().try_for_each(|m| self.check(&m.target))?;
        for planned in moves {
            let placed = &mut self.placed[usize::from(planned.group.0)];
            if placed.epoch == planned.epoch.0 {
                *placed = Placed {
                    epoch: placed.epoch + 1,
                    replicas: placed.replicas.clone(),
                    target: planned.target.clone(),
                    ..Placed::default()
                };
            }
        }
        Ok(Done::Nothing)
    }

    fn progress(&mut self, node: NodeId, fenced: &[Fence], copied: &[Fence]) -> Outcome {
        let named: Vec<usize> = fenced.iter().chain(copied).map(|f| usize::from(f.group.0)).collect();
        if named.iter().any(|group| *group >= self.placed.len()) {
            return Err(Refusal::Malformed);
        }
        if !self.takes_part(node) {
            let known = self.nodes.contains_key(&node);
            return Err(if known { Refusal::NodeGone } else { Refusal::NoSuchNode });
        }
        for group in named {
            let mut placed = self.placed[group].clone();
            let now = |f: &&Fence| usize::from(f.group.0) == group && f.epoch.0 == placed.epoch;
            let (fences, copies) = (fenced.iter().any(|f| now(&f)), copied.iter().any(|f| now(&f)));
            if placed.target.is_empty() {
                continue;
            }
            if fences && placed.replicas.contains(&node) {
                placed.fenced.insert(node);
            }
            if copies && copies_in(&placed).contains(&node) {
                placed.copied.insert(node);
            }
            let lost = |node: &NodeId| !self.takes_part(*node);
            let whole = placed.copied == copies_in(&placed) && !placed.target.iter().any(lost);
            if whole && is_fenced(&placed, &lost) {
                placed =
                    Placed { epoch: placed.epoch + 1, replicas: placed.target.clone(), ..Placed::default() };
            }
            self.placed[group] = placed;
        }
        Ok(Done::Nothing)
    }

    pub(crate) fn topology(&self) -> Topology {
        let node = |(node, (info, state)): (&NodeId, &(NodeInfo, NodeState))| {
            (*node, NodeRecord { info: info.clone(), state: *state })
        };
        let placement = |(group, placed): (u16, &Placed)| PlacementState {
            group: PlacementGroup(group),
            epoch: PlacementEpoch(placed.epoch),
            replicas: placed.replicas.clone(),
            target: placed.target.clone(),
            fenced: placed.fenced.iter().copied().collect(),
            copied: placed.copied.iter().copied().collect(),
        };
        Topology {
            version: self.version,
            settings: self.settings,
            nodes: self.nodes.iter().map(node).collect(),
            placements: (0..).zip(&self.placed).map(placement).collect(),
        }
    }
}

/// Who has to copy: whoever was not there, and everybody if the set shrinks.
pub(crate) fn copies_in(placed: &Placed) -> BTreeSet<NodeId> {
    let shrinks = placed.target.len() < placed.replicas.len();
    placed.target.iter().copied().filter(|node| shrinks || !placed.replicas.contains(node)).collect()
}

/// Whether every write quorum has a replica that is fenced and not lost, or else all that are not lost are fenced.
fn is_fenced(placed: &Placed, lost: &impl Fn(&NodeId) -> bool) -> bool {
    let holds = |node: &NodeId| placed.fenced.contains(node) && !lost(node);
    let count = placed.replicas.len();
    let quorums = (0..1u32 << count).filter(|set| set.count_ones() as usize > count / 2);
    let mut met = quorums
        .map(|set| placed.replicas.iter().enumerate().any(|(i, node)| set & (1 << i) != 0 && holds(node)));
    met.all(|met| met) || placed.replicas.iter().all(|node| lost(node) || holds(node))
}
