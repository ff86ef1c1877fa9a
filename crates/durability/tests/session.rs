//! When a blob counts as written, and which replicas are then late.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

use esker_durability::{Placement, PutDecision, PutEvent, PutSession};
use esker_types::NodeId;
use proptest::prelude::*;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);
const D: NodeId = NodeId(4);

fn session(nodes: &[NodeId]) -> PutSession {
    joint(nodes, &[])
}

fn joint(replicas: &[NodeId], target: &[NodeId]) -> PutSession {
    PutSession::new(Placement::new(replicas.to_vec(), target.to_vec()).unwrap())
}

fn durable(late: &[NodeId]) -> PutDecision {
    PutDecision::Durable { late: late.to_vec() }
}

#[test]
fn one_of_one_is_durable_at_once() {
    assert_eq!(session(&[A]).on(PutEvent::Durable(A)), durable(&[]));
    assert_eq!(session(&[A]).on(PutEvent::Failed(A)), PutDecision::Failed);
}

#[test]
fn two_of_two_are_needed() {
    let mut two = session(&[A, B]);
    assert_eq!(two.on(PutEvent::Durable(B)), PutDecision::Wait);
    assert_eq!(two.on(PutEvent::LateTimerFired), PutDecision::Wait, "a timer is no replica");
    assert_eq!(two.on(PutEvent::Durable(B)), PutDecision::Wait, "one replica counts once");
    assert_eq!(two.on(PutEvent::Durable(A)), durable(&[]));
}

#[test]
fn the_last_of_three_is_waited_for_briefly() {
    let mut three = session(&[A, B, C]);
    assert_eq!(three.on(PutEvent::Durable(A)), PutDecision::Wait);
    assert_eq!(three.on(PutEvent::Durable(C)), PutDecision::WaitForLate);
    assert_eq!(three.on(PutEvent::Durable(B)), durable(&[]), "it came in time");

    let mut three = session(&[A, B, C]);
    three.on(PutEvent::Durable(A));
    assert_eq!(three.on(PutEvent::Durable(C)), PutDecision::WaitForLate);
    assert_eq!(three.on(PutEvent::Durable(C)), PutDecision::Wait);
    assert_eq!(three.on(PutEvent::LateTimerFired), durable(&[B]), "it is repaired later");
    assert_eq!(three.on(PutEvent::Durable(B)), PutDecision::Wait, "decided once");
}

#[test]
fn a_failed_replica_of_three_is_repaired_and_two_are_too_many() {
    let mut three = session(&[A, B, C]);
    assert_eq!(three.on(PutEvent::Failed(B)), PutDecision::Wait);
    assert_eq!(three.on(PutEvent::Durable(A)), PutDecision::Wait);
    assert_eq!(three.on(PutEvent::Durable(C)), durable(&[B]), "there is nobody left to wait for");

    let mut three = session(&[A, B, C]);
    three.on(PutEvent::Durable(A));
    three.on(PutEvent::Failed(B));
    assert_eq!(three.on(PutEvent::Failed(C)), PutDecision::Failed);
    assert_eq!(three.on(PutEvent::Durable(C)), PutDecision::Wait, "decided once");
}

#[test]
fn a_put_to_a_moving_group_needs_both_majorities() {
    let mut moving = joint(&[A, B, C], &[B, C, D]);
    assert_eq!(moving.on(PutEvent::Durable(A)), PutDecision::Wait);
    assert_eq!(moving.on(PutEvent::Durable(B)), PutDecision::Wait, "one of the target's three");
    assert_eq!(moving.on(PutEvent::Durable(D)), PutDecision::WaitForLate);
    assert_eq!(moving.on(PutEvent::LateTimerFired), durable(&[C]));

    let mut apart = joint(&[A], &[B]);
    assert_eq!(apart.on(PutEvent::Durable(B)), PutDecision::Wait, "a node that joins is no replica yet");
    assert_eq!(apart.on(PutEvent::Failed(A)), PutDecision::Failed);

    let mut apart = joint(&[A], &[B]);
    assert_eq!(apart.on(PutEvent::Durable(A)), PutDecision::Wait);
    assert_eq!(apart.on(PutEvent::Failed(B)), PutDecision::Failed, "the move would forget it");
}

#[test]
fn a_replica_that_leaves_is_neither_late_nor_waited_for() {
    let mut moving = joint(&[A, B, C], &[B, C, D]);
    moving.on(PutEvent::Durable(B));
    moving.on(PutEvent::Durable(C));
    assert_eq!(moving.on(PutEvent::Durable(D)), durable(&[]), "A is not waited for");

    let mut moving = joint(&[A, B, C], &[B, C, D]);
    moving.on(PutEvent::Failed(A));
    moving.on(PutEvent::Failed(D));
    assert_eq!(moving.on(PutEvent::Durable(B)), PutDecision::Wait);
    assert_eq!(moving.on(PutEvent::Durable(C)), durable(&[D]), "nobody copies it to D any more");
}

/// A set of nodes that begins somewhere in a ring of ten: two of them overlap by any number.
fn ring(first: u64, count: u64) -> Vec<NodeId> {
    (0..count).map(|n| NodeId((first + n) % 10)).collect()
}

/// What the nodes have said so far.
#[derive(Default)]
struct Said {
    on_disk: Vec<NodeId>,
    failed: Vec<NodeId>,
}

impl Said {
    /// The first word of a node counts.
    fn hear(&mut self, event: PutEvent) {
        match event {
            PutEvent::Durable(node) if !self.failed.contains(&node) => self.on_disk.push(node),
            PutEvent::Failed(node) if !self.on_disk.contains(&node) => self.failed.push(node),
            _ => {}
        }
    }

    fn has_majority(&self, set: &[NodeId]) -> bool {
        2 * set.iter().filter(|node| self.on_disk.contains(node)).count() > set.len()
    }

    fn may_have_majority(&self, set: &[NodeId]) -> bool {
        2 * set.iter().filter(|node| !self.failed.contains(node)).count() > set.len()
    }
}

proptest! {
    /// Whatever happens in whatever order: `Durable` means a majority of each set without the late ones, `Failed` that
    /// some set has no majority left, exactly one of them is said, at the latest when all have reported, and nothing
    /// is waited for without a reason.
    #[test]
    fn decisions_are_right_and_final(
        replicas in (0u64..10, 1u64..8),
        target in (0u64..10, 0u64..8),
        events in proptest::collection::vec((0u64..16, 0u8..5), 0..50),
    ) {
        let (replicas, target) = (ring(replicas.0, replicas.1), ring(target.0, target.1));
        let sets: Vec<_> = [&replicas, &target].into_iter().filter(|set| !set.is_empty()).collect();
        let lasting = *sets.last().unwrap();
        let members: Vec<_> = Placement::new(replicas.clone(), target.clone()).unwrap().members().collect();
        let mut session = joint(&replicas, &target);
        let mut said = Said::default();
        let (mut decided, mut timer_runs) = (0, false);
        let all = (0..members.len() as u64).map(|node| (node, 0));
        for (node, kind) in events.into_iter().chain(all) {
            let node = members[usize::try_from(node).unwrap() % members.len()];
            let event = match kind {
                0..=2 => PutEvent::Durable(node),
                3 => PutEvent::Failed(node),
                _ => PutEvent::LateTimerFired,
            };
            said.hear(event);
            let durable = sets.iter().all(|set| said.has_majority(set));
            let possible = sets.iter().all(|set| said.may_have_majority(set));
            match session.on(event) {
                PutDecision::Wait => prop_assert!(decided == 1 || possible && (timer_runs || !durable)),
                PutDecision::WaitForLate => {
                    prop_assert!(decided == 0 && !timer_runs && durable);
                    timer_runs = true;
                }
                PutDecision::Durable { late } => {
                    decided += 1;
                    prop_assert!(durable);
                    let expected: Vec<_> =
                        lasting.iter().filter(|node| !said.on_disk.contains(node)).copied().collect();
                    prop_assert_eq!(late, expected);
                }
                PutDecision::Failed => {
                    decided += 1;
                    prop_assert!(!possible);
                }
            }
        }
        prop_assert_eq!(decided, 1);
    }
}
