//! Writing one blob: when it is durable, and which replicas were late.
//!
//! A put succeeds when a majority of the replicas have the blob on disk. The rest usually follow within
//! milliseconds, so a session waits for them briefly: repair work is recorded for a replica that is really
//! late, not for each that came second.

use crate::placement::ReplicaSet;
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
    /// The write quorum is reached and some are still writing: start the timer of the late ones, and wait.
    WaitForLate,
    /// The blob is durable: the version may be committed, together with repair work for the late replicas.
    Durable {
        /// Replicas that don't have the blob as far as is known, in the set's order.
        late: Vec<NodeId>,
    },
    /// So many failed that the write quorum can't be reached. Nothing may be committed; what was written is
    /// to be discarded.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replica {
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

/// The write of one blob to its replicas.
#[derive(Debug)]
pub struct PutSession {
    replicas: Vec<(NodeId, Replica)>,
    write_quorum: usize,
    phase: Phase,
}

impl PutSession {
    /// A write of which nothing is known yet.
    pub fn new(set: &ReplicaSet) -> PutSession {
        let replicas = set.nodes().iter().map(|node| (*node, Replica::Writing)).collect();
        PutSession { replicas, write_quorum: set.write_quorum(), phase: Phase::Writing }
    }

    /// Takes an event and decides. The first report of a node counts: a node that failed after it was durable
    /// is the scrubber's business, and one that was given up stays late, which costs a needless repair at most.
    ///
    /// `Durable` and `Failed` are final and given once; later events are answered by `Wait`.
    ///
    /// # Panics
    /// If the node is none of the replicas.
    pub fn on(&mut self, event: PutEvent) -> PutDecision {
        match event {
            PutEvent::Durable(node) => self.report(node, Replica::Durable),
            PutEvent::Failed(node) => self.report(node, Replica::Failed),
            PutEvent::LateTimerFired => {}
        }
        let over = event == PutEvent::LateTimerFired && self.phase == Phase::Late;
        let count = |state| self.replicas.iter().filter(|(_, replica)| *replica == state).count();
        let (durable, writing) = (count(Replica::Durable), count(Replica::Writing));
        let decision = match self.phase {
            Phase::Decided => return PutDecision::Wait,
            _ if durable + writing < self.write_quorum => PutDecision::Failed,
            _ if durable < self.write_quorum => return PutDecision::Wait,
            _ if writing == 0 || over => PutDecision::Durable { late: self.late() },
            Phase::Late => return PutDecision::Wait,
            Phase::Writing => {
                self.phase = Phase::Late;
                return PutDecision::WaitForLate;
            }
        };
        self.phase = Phase::Decided;
        decision
    }

    fn report(&mut self, node: NodeId, state: Replica) {
        let replica = self.replicas.iter_mut().find(|(id, _)| *id == node);
        let (_, replica) = replica.expect("a report comes from a replica of the blob");
        if *replica == Replica::Writing {
            *replica = state;
        }
    }

    fn late(&self) -> Vec<NodeId> {
        self.replicas.iter().filter(|(_, state)| *state != Replica::Durable).map(|(node, _)| *node).collect()
    }
}
