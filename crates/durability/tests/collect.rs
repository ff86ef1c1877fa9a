//! What may be deleted, and when it counts as deleted.

use esker_durability::{Activity, Deletion, DeletionDecision, StoredData, candidates};
use esker_types::{DataId, GroupId, NodeId, Timestamp};

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);

fn data(group: u16, n: u64) -> DataId {
    DataId::new(1_700_000_000_000, GroupId(group), n)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn a_deletion_is_complete_when_every_node_confirmed() {
    let mut deletion = Deletion::new(data(0, 1), [B, A, B]);
    assert_eq!((deletion.data(), deletion.waiting()), (data(0, 1), &[A, B][..]));
    assert_eq!(deletion.on_deleted(A), DeletionDecision::Wait);
    assert_eq!(deletion.on_deleted(A), DeletionDecision::Wait, "one node confirms for itself only");
    assert_eq!(deletion.on_deleted(B), DeletionDecision::Complete);
}

#[test]
fn a_deletion_with_a_failure_is_not_complete() {
    let mut deletion = Deletion::new(data(0, 1), [A, B]);
    assert_eq!(deletion.on_failed(A), DeletionDecision::Wait);
    assert_eq!(deletion.on_deleted(A), DeletionDecision::Wait);
    assert_eq!(deletion.on_deleted(B), DeletionDecision::Incomplete);

    let mut deletion = Deletion::new(data(0, 1), [A]);
    assert_eq!(deletion.on_deleted(A), DeletionDecision::Complete);
    assert_eq!(deletion.on_failed(A), DeletionDecision::Complete, "what was confirmed stays so");
}

#[test]
#[should_panic(expected = "at least one node")]
fn a_deletion_on_no_node_is_a_mistake() {
    let _ = Deletion::new(data(0, 1), []);
}

#[test]
fn quiet_data_is_asked_about_by_owning_group() {
    let idle = |data, ms| StoredData { data, activity: Activity::Idle { since: at(ms) } };
    let page = [
        idle(data(3, 1), 1_000),
        idle(data(3, 2), 1_001),
        StoredData { data: data(3, 3), activity: Activity::Writing },
        idle(data(4, 4), 0),
        idle(data(4, 4), 0),
        idle(data(4, 5), 0),
        idle(data(4, 6), 0),
    ];
    let chosen = candidates(&page, at(2_000), 1_000, 2);
    let expected = [(GroupId(3), vec![data(3, 1)]), (GroupId(4), vec![data(4, 4), data(4, 5)])];
    assert_eq!(chosen, expected.into());
    assert_eq!(candidates(&page, at(500), 1_000, 2), [].into());
}
