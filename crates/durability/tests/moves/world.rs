//! One placement group, one blob, and everybody who has to do with them: a gateway with a view as old as can be, storage
//! nodes that fence, pull, repair and sweep, and a planner that may change its mind.
//!
//! Whoever does something may stop before it, for ever: that is an actor that does nothing more, which every path of the
//! others includes. Messages between nodes are late in the same way.

use crate::nodes::Nodes;
use stateright::{Model, Property};

/// More nodes than any world has.
const NODES_MAX: usize = 5;

/// One rule taken away. Each must make the checker find a lost blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Storage nodes accept puts with epochs before the one that they have acknowledged.
    OldEpochsAccepted,
    /// A node that joins looks for blobs without waiting for fences.
    PullBeforeFence,
    /// It waits for one fence too few, and lists so many nodes.
    OneFenceTooFew,
    /// A node that joins leaves out a blob that it has listed and that nobody has any more.
    MissingBlobSkipped,
    /// A move ends as soon as the fences are there.
    FinishWithoutCopied,
    /// Members of both sets never copy, not even when the target is the smaller set.
    MembersNeverCopy,
    /// What nodes reported of an earlier epoch counts for a later one.
    OldProgressCounts,
    /// A put during a move needs a majority of the replicas only.
    TargetsMajorityNotNeeded,
    /// A put during a move needs a majority of the target only.
    ReplicasMajorityNotNeeded,
    /// A node that will leave deletes its blobs before the move has ended.
    StraysDeletedBeforeTheEnd,
    /// A sweep asks whether the node has left the group, and deletes whatever it finds later. A sweep that asks somebody
    /// who is behind does the same.
    SweepAsksFirst,
    /// A node begins to pull while its sweep is under way.
    PullDuringSweep,
}

/// Which nodes there are, and the constants.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) start: Nodes,
    /// Where the planner may move the group, at any time, also while it moves.
    pub(crate) targets: Vec<Nodes>,
    pub(crate) moves: usize,
    /// How many nodes may be lost: what a blob survives.
    pub(crate) losses: usize,
    pub(crate) broken: Option<Broken>,
}

/// The nodes of the group in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Placement {
    pub(crate) replicas: Nodes,
    /// Empty if no move is under way.
    pub(crate) target: Nodes,
}

impl Placement {
    pub(crate) fn members(self) -> Nodes {
        self.replicas.or(self.target)
    }

    fn lasting(self) -> Nodes {
        if self.target.is_empty() { self.replicas } else { self.target }
    }
}

/// How far the put is. One that begins with an old epoch is one that began in time and was slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Put {
    NotSent,
    /// Any member of this placement may store the blob from now on; `stored` told the gateway that they did, and `refuse`
    /// have acknowledged a later epoch.
    Sent {
        placement: Placement,
        age: Age,
        stored: Nodes,
        refuse: Nodes,
    },
    /// More replicas may store it, but it is the worse case that they don't.
    Committed,
}

/// Whether the put's epoch is that of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Age {
    Current,
    Old,
}

/// How far a node is in copying what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pull {
    Idle,
    /// It has listed others in this epoch; `wants` says whether it then knows of the blob.
    Listed {
        wants: bool,
    },
}

/// How far a node is in deleting what it has without being a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sweep {
    Idle,
    /// It has listed the blob.
    Listed,
    /// It was told that it has left the group.
    Allowed,
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) placement: Placement,
    /// The replicas that acknowledged the epoch of the move under way.
    fenced: Nodes,
    copied: Nodes,
    pub(crate) moves: usize,
    pub(crate) lost: Nodes,
    /// The nodes that have the blob.
    pub(crate) blob: Nodes,
    pub(crate) put: Put,
    /// The nodes that have a repair row.
    pub(crate) late: Nodes,
    pub(crate) pulls: [Pull; NODES_MAX],
    pub(crate) sweeps: [Sweep; NODES_MAX],
}

impl State {
    /// Nothing that nodes did for an earlier epoch counts for this one.
    fn begin_epoch(&mut self, placement: Placement) {
        self.placement = placement;
        (self.fenced, self.copied) = (Nodes::default(), Nodes::default());
        self.pulls = [Pull::Idle; NODES_MAX];
        if let Put::Sent { age, .. } = &mut self.put {
            *age = Age::Old;
        }
    }
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    SendPut,
    Store { node: usize },
    Commit,
    Move { target: Nodes },
    Fence { node: usize },
    List { node: usize, sources: Nodes },
    Fetch { node: usize },
    ReportCopied { node: usize },
    Repair { node: usize },
    SweepList { node: usize },
    SweepAsk { node: usize },
    SweepDelete { node: usize },
    Lose { node: usize },
}

impl World {
    fn is_broken(&self, rule: Broken) -> bool {
        self.broken == Some(rule)
    }

    fn all(&self) -> Nodes {
        self.targets.iter().fold(self.start, |all, target| all.or(*target))
    }

    fn put_actions(&self, state: &State, actions: &mut Vec<Action>) {
        match state.put {
            Put::NotSent => actions.push(Action::SendPut),
            Put::Sent { placement, stored, refuse, .. } => {
                let refuse =
                    if self.is_broken(Broken::OldEpochsAccepted) { Nodes::default() } else { refuse };
                let stores = placement.members().without(state.lost).without(stored).without(refuse);
                actions.extend(stores.iter().map(|node| Action::Store { node }));
                if self.is_durable(placement, stored) {
                    actions.push(Action::Commit);
                }
            }
            Put::Committed => {}
        }
    }

    /// Whether the gateway may commit.
    pub(crate) fn is_durable(&self, Placement { replicas, target }: Placement, stored: Nodes) -> bool {
        let majority = |set: Nodes| stored.and(set).count() >= set.write_quorum();
        let of_replicas =
            majority(replicas) || !target.is_empty() && self.is_broken(Broken::ReplicasMajorityNotNeeded);
        let of_target =
            target.is_empty() || majority(target) || self.is_broken(Broken::TargetsMajorityNotNeeded);
        of_replicas && of_target
    }

    fn fences_needed(&self, replicas: Nodes) -> usize {
        replicas.fence_quorum() - usize::from(self.is_broken(Broken::OneFenceTooFew))
    }

    /// The sets of nodes that a pull may list; an unlucky one lists no more than it must.
    fn sources(&self, state: &State) -> Vec<Nodes> {
        let alive = state.placement.replicas.without(state.lost);
        if self.is_broken(Broken::PullBeforeFence) {
            return vec![alive];
        }
        let needed = self.fences_needed(state.placement.replicas);
        let fenced = alive.and(state.fenced);
        fenced.subsets().filter(|set| set.count() == needed || *set == alive).collect()
    }

    fn copiers(&self, placement: Placement) -> Nodes {
        let shrinks = placement.target.count() < placement.replicas.count();
        match shrinks && !self.is_broken(Broken::MembersNeverCopy) {
            true => placement.target,
            false => placement.target.without(placement.replicas),
        }
    }

    fn move_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let now = state.placement;
        if state.moves < self.moves {
            let other = self.targets.iter().filter(|target| **target != now.lasting());
            actions.extend(other.map(|target| Action::Move { target: *target }));
        }
        if now.target.is_empty() {
            return;
        }
        let fences = now.replicas.without(state.lost).without(state.fenced);
        actions.extend(fences.iter().map(|node| Action::Fence { node }));
        for node in self.copiers(now).without(state.lost).without(state.copied).iter() {
            let busy = state.sweeps[node] != Sweep::Idle && !self.is_broken(Broken::PullDuringSweep);
            let lists = self.sources(state).into_iter().map(|sources| Action::List { node, sources });
            match state.pulls[node] {
                Pull::Listed { wants } => {
                    let has = state.blob.has(node);
                    let is_missing = wants && !has && state.blob.is_empty();
                    if !wants || has || is_missing && self.is_broken(Broken::MissingBlobSkipped) {
                        actions.push(Action::ReportCopied { node });
                    } else if is_missing {
                        // The node that had it is lost. Others must be listed instead, and so be fenced: one that is
                        // not could still make the blob's put succeed.
                        actions.extend(lists);
                    } else {
                        actions.push(Action::Fetch { node });
                    }
                }
                Pull::Idle if busy => {}
                Pull::Idle => actions.extend(lists),
            }
        }
    }

    fn node_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for node in self.all().without(state.lost).iter() {
            if state.put == Put::Committed
                && state.late.has(node)
                && state.placement.members().has(node)
                && (state.sweeps[node] == Sweep::Idle || self.is_broken(Broken::PullDuringSweep))
                && !state.blob.is_empty()
            {
                actions.push(Action::Repair { node });
            }
            let pulls = state.pulls[node] != Pull::Idle;
            match state.sweeps[node] {
                Sweep::Idle if self.is_broken(Broken::SweepAsksFirst) => {
                    actions.push(Action::SweepAsk { node });
                }
                // A sweep of a member would not get far.
                Sweep::Idle if state.blob.has(node) && !pulls => actions.push(Action::SweepList { node }),
                Sweep::Idle => {}
                Sweep::Listed => actions.push(Action::SweepAsk { node }),
                Sweep::Allowed => actions.push(Action::SweepDelete { node }),
            }
        }
    }

    /// The group's apply ends a move that is complete.
    fn finish(&self, state: &mut State) {
        let now = state.placement;
        let fenced = state.fenced.and(now.replicas);
        let is_fenced = fenced.count() >= self.fences_needed(now.replicas)
            || fenced.contains(now.replicas.without(state.lost));
        let is_copied =
            state.copied.contains(self.copiers(now)) || self.is_broken(Broken::FinishWithoutCopied);
        if is_fenced && is_copied {
            state.begin_epoch(Placement { replicas: now.target, target: Nodes::default() });
        }
    }

    fn sweep_asked(&self, state: &mut State, node: usize) {
        let now = state.placement;
        let leaves = self.is_broken(Broken::StraysDeletedBeforeTheEnd) && !now.lasting().has(node);
        state.sweeps[node] = match !now.members().has(node) || leaves {
            true => Sweep::Allowed,
            false => Sweep::Idle,
        };
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            placement: Placement { replicas: self.start, target: Nodes::default() },
            fenced: Nodes::default(),
            copied: Nodes::default(),
            moves: 0,
            lost: Nodes::default(),
            blob: Nodes::default(),
            put: Put::NotSent,
            late: Nodes::default(),
            pulls: [Pull::Idle; NODES_MAX],
            sweeps: [Sweep::Idle; NODES_MAX],
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.put_actions(state, actions);
        self.move_actions(state, actions);
        self.node_actions(state, actions);
        if state.lost.count() < self.losses {
            actions.extend(self.all().without(state.lost).iter().map(|node| Action::Lose { node }));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::SendPut => {
                let (stored, refuse) = (Nodes::default(), Nodes::default());
                state.put = Put::Sent { placement: state.placement, age: Age::Current, stored, refuse };
            }
            Action::Store { node } => {
                state.blob = state.blob.with(node);
                if let Put::Sent { stored, .. } = &mut state.put {
                    *stored = stored.with(node);
                }
            }
            Action::Commit => {
                if let Put::Sent { placement, stored, .. } = state.put {
                    state.late = placement.lasting().without(stored);
                }
                state.put = Put::Committed;
            }
            Action::Move { target } => {
                let (fenced, copied) = (state.fenced, state.copied);
                state.begin_epoch(Placement { target, ..state.placement });
                state.moves += 1;
                if self.is_broken(Broken::OldProgressCounts) {
                    (state.fenced, state.copied) = (fenced, copied);
                }
            }
            Action::Fence { node } => {
                state.fenced = state.fenced.with(node);
                // A put of this very epoch is still accepted.
                if let Put::Sent { age: Age::Old, refuse, .. } = &mut state.put {
                    *refuse = refuse.with(node);
                }
                self.finish(&mut state);
            }
            Action::List { node, sources } => {
                state.pulls[node] = Pull::Listed { wants: !state.blob.and(sources).is_empty() };
            }
            Action::Fetch { node } => state.blob = state.blob.with(node),
            Action::ReportCopied { node } => {
                state.copied = state.copied.with(node);
                self.finish(&mut state);
            }
            Action::Repair { node } => {
                state.blob = state.blob.with(node);
                state.late = state.late.without(Nodes::of(&[node]));
            }
            Action::SweepList { node } => state.sweeps[node] = Sweep::Listed,
            Action::SweepAsk { node } => self.sweep_asked(&mut state, node),
            Action::SweepDelete { node } => {
                state.blob = state.blob.without(Nodes::of(&[node]));
                state.sweeps[node] = Sweep::Idle;
            }
            Action::Lose { node } => {
                state.lost = state.lost.with(node);
                state.blob = state.blob.without(Nodes::of(&[node]));
                (state.pulls[node], state.sweeps[node]) = (Pull::Idle, Sweep::Idle);
            }
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<World>> {
        crate::properties::all()
    }
}
