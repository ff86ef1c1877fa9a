//! When a blob counts as written, and which replicas are then late.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

use esker_durability::{PutDecision, PutEvent, PutSession, ReplicaSet};
use esker_types::NodeId;
use proptest::prelude::*;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);
const C: NodeId = NodeId(3);

fn session(nodes: &[NodeId]) -> PutSession {
    PutSession::new(&ReplicaSet::new(nodes.to_vec()).unwrap())
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

proptest! {
    /// Whatever happens in whatever order: `Durable` means a majority without the late ones, `Failed` that no
    /// majority is left, at most one of them is said, and once all have reported one of them was.
    #[test]
    fn decisions_are_right_and_final(
        replicas in 1u64..8,
        events in proptest::collection::vec((0u64..8, 0u8..5), 0..40),
    ) {
        let nodes: Vec<_> = (0..replicas).map(NodeId).collect();
        let mut session = session(&nodes);
        let (mut on_disk, mut failed) = (vec![], vec![]);
        let mut decided = 0;
        let all = (0..replicas).map(|node| (node, 0));
        for (node, kind) in events.into_iter().chain(all) {
            let node = NodeId(node % replicas);
            let fresh = !on_disk.contains(&node) && !failed.contains(&node);
            let event = match kind {
                0..=2 => PutEvent::Durable(node),
                3 => PutEvent::Failed(node),
                _ => PutEvent::LateTimerFired,
            };
            match event {
                PutEvent::Durable(node) if fresh => on_disk.push(node),
                PutEvent::Failed(node) if fresh => failed.push(node),
                _ => {}
            }
            let majority = nodes.len() / 2 + 1;
            match session.on(event) {
                PutDecision::Wait => {}
                PutDecision::WaitForLate => {
                    prop_assert_eq!(decided, 0);
                    prop_assert!(on_disk.len() >= majority);
                }
                PutDecision::Durable { late } => {
                    decided += 1;
                    prop_assert!(on_disk.len() >= majority);
                    let expected: Vec<_> = nodes.iter().filter(|n| !on_disk.contains(n)).copied().collect();
                    prop_assert_eq!(late, expected);
                }
                PutDecision::Failed => {
                    decided += 1;
                    prop_assert!(nodes.len() - failed.len() < majority);
                }
            }
        }
        prop_assert_eq!(decided, 1);
    }
}
