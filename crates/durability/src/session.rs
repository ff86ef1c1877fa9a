//! Writing one blob: when it is durable, and which replicas were late.
//!
//! A put succeeds when a majority of the replicas have the blob on disk, and while the placement group moves also a
//! majority of the target. The rest usually follow within milliseconds, so a session waits for them briefly: repair
//! work is recorded for a replica that is really late, not for each that came second.

use crate::placement::{Placement, ReplicaSet};
use esker_types::NodeId;

/// What happened to the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutEvent {
    /// The node has the blob on disk (fdatasync).
    Durable(NodeId),
    /// The node refused, failed, or can't be reached. It may have the blob all the same.
    Failed(NodeId),
    /// The time that the late ones are given is over.
    LateTimerFired,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutDecision {
    /// Go on waiting for events.
    Wait,
    /// The write quorum is reached and some that should have the blob are still writing: start the timer of the
    /// late ones, and wait.
    WaitForLate,
    /// The blob is durable: the version may be committed, together with repair work for the late replicas.
    Durable {
        /// Nodes that should have the blob, and don't as far as is known, in the set's order: replicas, or members of
        /// the target while the group moves. A replica that is about to be none any more is never late.
        late: Vec<NodeId>,
    },
    /// So many failed that the write quorum can't be reached. Nothing may be committed; what was written is
    /// to be discarded.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Writing,
    Durable,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Fewer than the write quorum.
    Writing,
    /// The write quorum, and the timer runs.
    Late,
    /// Decided.
    Decided,
}

/// The write of one blob to the members of its placement group.
#[derive(Debug)]
pub struct PutSession {
    placement: Placement,
    members: Vec<(NodeId, Member)>,
    phase: Phase,
}

impl PutSession {
    /// A write of which nothing is known yet, to the [members](Placement::members) of the group.
    pub fn new(placement: Placement) -> PutSession {
        let members = placement.members().map(|node| (node, Member::Writing)).collect();
        PutSession { placement, members, phase: Phase::Writing }
    }

    /// Takes an event and decides. The first report of a node counts: a node that failed after it was durable
    /// is the scrubber's business, and one that was given up stays late, which costs a needless repair at most.
    ///
    /// `Durable` and `Failed` are final and given once; later events are answered by `Wait`.
    ///
    /// # Panics
    /// If the node is no member.
    pub fn on(&mut self, event: PutEvent) -> PutDecision {
        match event {
            PutEvent::Durable(node) => self.report(node, Member::Durable),
            PutEvent::Failed(node) => self.report(node, Member::Failed),
            PutEvent::LateTimerFired => {}
        }
        let over = event == PutEvent::LateTimerFired && self.phase == Phase::Late;
        let decision = match self.phase {
            Phase::Decided => return PutDecision::Wait,
            _ if self.sets().any(|set| !self.may_reach_quorum(set)) => PutDecision::Failed,
            _ if self.sets().any(|set| !self.has_quorum(set)) => return PutDecision::Wait,
            _ if over || self.count(self.placement.lasting(), Member::Writing) == 0 => {
                PutDecision::Durable { late: self.late() }
            }
            Phase::Late => return PutDecision::Wait,
            Phase::Writing => {
                self.phase = Phase::Late;
                return PutDecision::WaitForLate;
            }
        };
        self.phase = Phase::Decided;
        decision
    }

    fn report(&mut self, node: NodeId, state: Member) {
        let member = self.members.iter_mut().find(|(id, _)| *id == node);
        let (_, member) = member.expect("a report comes from a member of the blob's placement group");
        if *member == Member::Writing {
            *member = state;
        }
    }

    /// The sets of which a majority is needed each.
    fn sets(&self) -> impl Iterator<Item = &ReplicaSet> {
        std::iter::once(self.placement.replicas()).chain(self.placement.target())
    }

    fn count(&self, set: &ReplicaSet, state: Member) -> usize {
        self.members.iter().filter(|(node, member)| *member == state && set.contains(*node)).count()
    }

    fn has_quorum(&self, set: &ReplicaSet) -> bool {
        self.count(set, Member::Durable) >= set.write_quorum()
    }

    fn may_reach_quorum(&self, set: &ReplicaSet) -> bool {
        self.count(set, Member::Durable) + self.count(set, Member::Writing) >= set.write_quorum()
    }

    fn late(&self) -> Vec<NodeId> {
        let durable = |node: &NodeId| self.members.contains(&(*node, Member::Durable));
        self.placement.lasting().nodes().iter().filter(|node| !durable(node)).copied().collect()
    }
}
