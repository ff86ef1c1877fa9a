//! Repair rows and the group's counters.

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use esker_index::command::{
    Command, CommandBody, CompletePart, CopyCondition, NewData, NewObject, StoredData, Target,
};
use esker_index::outcome::{Done, Outcome, Refusal, Step};
use esker_index::query::{Answer, GroupSummary, Query};
use esker_index::records::{GroupRecord, Record};
use esker_index::rows::{ReadRows, Rows};
use esker_types::{
    BucketId, DataId, ETag, ETagCondition, GroupId, NodeId, ObjectKey, RequestId, Timestamp, UploadId,
    WriteCondition,
};
use support::commands::opening;
use support::rows::Group;
use uuid::Uuid;

const DONE: Outcome = Ok(Done::Nothing);
const SIZE: u64 = 5 << 20;

fn opened() -> Group {
    let mut group = Group::new(GroupId(0));
    opening().into_iter().for_each(|command| {
        group.run(command.body).expect("the opening succeeds");
    });
    group
}

fn data(n: u64) -> DataId {
    DataId::new(n, GroupId(0), n)
}

fn late(n: u64, nodes: &[u64]) -> StoredData {
    StoredData { data: data(n), late: nodes.iter().copied().map(NodeId).collect() }
}

fn target(key: &str) -> Target {
    Target { bucket: BucketId(1), key: ObjectKey::parse(key).expect("a key") }
}

fn put_if(key: &str, stored: StoredData, condition: WriteCondition) -> CommandBody {
    let object = NewObject {
        size: SIZE,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        headers: vec![],
        data: NewData::Stored(stored),
    };
    CommandBody::PutObject { target: target(key), object, condition, entropy: 0 }
}

fn put(key: &str, stored: StoredData) -> CommandBody {
    put_if(key, stored, WriteCondition::NONE)
}

fn delete(key: &str) -> CommandBody {
    CommandBody::DeleteObject { target: target(key), version: None, condition: None, entropy: 0 }
}

fn upload() -> UploadId {
    UploadId(Uuid::from_u128(1))
}

fn part(number: u16, stored: StoredData) -> CommandBody {
    CommandBody::PutPart {
        target: target("a"),
        upload: upload(),
        number,
        size: SIZE,
        etag: ETag::of_body([1; 16]),
        checksum: None,
        data: Some(stored),
    }
}

fn all(group: &Group, node: u64) -> Vec<(DataId, u64)> {
    group.repairs(NodeId(node), None, 100)
}

fn counted(group: &Group) -> u64 {
    group.summary().repairs
}

#[test]
fn a_put_notes_the_nodes_that_were_late() {
    let mut group = opened();
    group.run(put("a", late(1, &[7, 8]))).expect("it is put");
    group.run(put("b", late(2, &[8]))).expect("it is put");
    group.run(put("c", late(3, &[]))).expect("it is put");
    assert_eq!(all(&group, 7), [(data(1), SIZE)]);
    assert_eq!(all(&group, 8), [(data(1), SIZE), (data(2), SIZE)]);
    assert_eq!(all(&group, 9), []);
    assert_eq!(counted(&group), 3);
}

#[test]
fn repairs_are_paged_in_order() {
    let mut group = opened();
    for n in 1..=5 {
        group.run(put("a", late(n, &[7, 8]))).expect("it is put");
    }
    let page = |after, limit| {
        let found = group.repairs(NodeId(7), after, limit);
        found.into_iter().map(|(data, _)| data).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2), [data(1), data(2)]);
    assert_eq!(page(Some(data(2)), 2), [data(3), data(4)]);
    assert_eq!(page(Some(data(4)), 2), [data(5)]);
    assert_eq!(page(Some(data(5)), 2), []);
    assert_eq!(page(None, 0), []);
}

#[test]
fn a_refused_put_notes_nothing() {
    let mut group = opened();
    group.run(put("a", late(1, &[]))).expect("it is put");
    let absent = WriteCondition { if_match: None, if_none_match: Some(ETagCondition::Any) };
    assert_eq!(group.run(put_if("a", late(2, &[7]), absent)), Err(Refusal::PreconditionFailed));
    assert_eq!(group.run(put("b", late(1, &[7]))), Err(Refusal::DataSettled));
    assert_eq!(group.run(part(1, late(3, &[7]))), Err(Refusal::NoSuchUpload));
    let many: Vec<u64> = (0..=CommandBody::NODES_MAX as u64).collect();
    assert_eq!(group.run(put("c", late(4, &many))), Err(Refusal::Malformed));
    assert_eq!(group.run(part(1, late(5, &many))), Err(Refusal::Malformed));
    assert_eq!(counted(&group), 0);
    assert_eq!(all(&group, 7), []);
}

#[test]
fn a_put_that_is_tried_again_notes_its_nodes_once_and_not_after_the_repair() {
    let mut group = opened();
    let now = group.now;
    let command = Command {
        request: RequestId(Uuid::from_u128(99)),
        deadline: now.plus_millis(30_000),
        proposed_at: now,
        body: put("a", late(1, &[7])),
    };
    let first = group.apply(&command);
    assert_eq!(group.apply(&command), first);
    assert_eq!(counted(&group), 1);
    assert_eq!(group.run(CommandBody::Repaired { node: NodeId(7), data: vec![data(1)] }), DONE);
    assert_eq!(group.apply(&command), first);
    assert_eq!(counted(&group), 0);
}

#[test]
fn a_node_that_is_named_twice_is_noted_once() {
    let mut group = opened();
    group.run(put("a", late(1, &[7, 7]))).expect("it is put");
    assert_eq!(counted(&group), 1);
}

#[test]
fn as_many_nodes_as_there_can_be_are_noted_by_one_command() {
    let mut group = opened();
    let many: Vec<u64> = (0..CommandBody::NODES_MAX as u64).collect();
    group.run(put("a", late(1, &many))).expect("it is put");
    assert_eq!(counted(&group), many.len() as u64);
}

#[test]
fn completing_copying_and_deleting_keep_what_is_to_be_repaired() {
    let mut group = opened();
    let create =
        CommandBody::CreateUpload { target: target("a"), upload: upload(), headers: vec![], checksum: None };
    assert_eq!(group.run(create), DONE);
    for number in 1..=2 {
        group.run(part(number, late(number.into(), &[7]))).expect("it is put");
    }
    // A part that replaces another leaves both to be repaired: the first one's data is not deleted yet.
    group.run(part(1, late(3, &[8]))).expect("it is put");
    let complete = CommandBody::CompleteUpload {
        target: target("a"),
        upload: upload(),
        parts: vec![CompletePart { number: 2, etag: ETag::of_body([1; 16]), checksum: None }],
        etag: ETag::of_parts([2; 16], 1),
        checksum: None,
        size: None,
        condition: WriteCondition::NONE,
        entropy: 0,
    };
    group.run(complete).expect("it is completed");
    let copy = CommandBody::CopyObject {
        target: target("b"),
        source: target("a"),
        version: None,
        source_condition: CopyCondition::default(),
        headers: None,
        condition: WriteCondition::NONE,
        entropy: 0,
    };
    group.run(copy).expect("it is copied");
    for key in ["a", "b"] {
        group.run(delete(key)).expect("it is deleted");
    }
    assert_eq!(all(&group, 7), [(data(1), SIZE), (data(2), SIZE)]);
    assert_eq!(all(&group, 8), [(data(3), SIZE)]);
}

#[test]
fn repaired_takes_back_a_nodes_own_rows_only() {
    let mut group = opened();
    group.run(put("a", late(1, &[7, 8]))).expect("it is put");
    group.run(put("b", late(2, &[7]))).expect("it is put");
    let repaired = |node, data| CommandBody::Repaired { node: NodeId(node), data };
    assert_eq!(group.run(repaired(7, vec![data(1), data(1), data(9)])), DONE);
    assert_eq!(all(&group, 7), [(data(2), SIZE)]);
    assert_eq!(all(&group, 8), [(data(1), SIZE)]);
    assert_eq!(counted(&group), 2);
    let many = vec![data(2); CommandBody::DATA_IDS_MAX + 1];
    assert_eq!(group.run(repaired(7, many)), Err(Refusal::Malformed));
    assert_eq!(counted(&group), 2);
}

#[test]
fn the_repairs_of_a_node_that_is_gone_are_forgotten_step_by_step() {
    let mut group = opened();
    let many = CommandBody::DATA_IDS_MAX as u64 + 3;
    for n in 0..many {
        group.run(put("a", late(n, &[7]))).expect("it is put");
    }
    group.run(put("a", late(many, &[8]))).expect("it is put");
    let forget = || CommandBody::ForgetRepairs { node: NodeId(7) };
    assert_eq!(group.run(forget()), Ok(Done::Step(Step::More)));
    assert_eq!(counted(&group), 4);
    assert_eq!(group.run(forget()), Ok(Done::Step(Step::Finished)));
    assert_eq!(group.run(forget()), Ok(Done::Step(Step::Finished)));
    assert_eq!((all(&group, 7).len(), all(&group, 8).len()), (0, 1));
    assert_eq!(counted(&group), 1);
}

fn garbage(group: &Group) -> (u64, u64) {
    let GroupSummary { garbage_entries, garbage_bytes, .. } = group.summary();
    (garbage_entries, garbage_bytes)
}

/// Reclaims one step of the oldest entry.
fn reclaim(group: &mut Group) -> Outcome {
    let before = Timestamp(u64::MAX);
    let Answer::Garbage(mut work) = group.answer(&Query::Garbage { before, after: None, limit: 1 }) else {
        panic!("no garbage answer")
    };
    let work = work.pop().expect("there is garbage");
    group.run(CommandBody::Reclaim { entry: work.entry, reclaimed: work.reclaimed })
}

#[test]
fn garbage_is_counted_until_it_is_reclaimed() {
    let mut group = opened();
    for (n, key) in [(1, "a"), (2, "b")] {
        group.run(put(key, late(n, &[]))).expect("it is put");
    }
    assert_eq!(garbage(&group), (0, 0));
    group.run(delete("a")).expect("it is deleted");
    assert_eq!(garbage(&group), (1, SIZE));
    assert_eq!(group.run(CommandBody::Discard { data: vec![(data(3), 10), (data(4), 5)] }), DONE);
    assert_eq!(garbage(&group), (2, SIZE + 15));
    group.now = group.now.plus_millis(Command::LIFETIME_MILLIS_MAX + 1);
    assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::Finished)));
    assert_eq!(garbage(&group), (1, 15));
    assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::Finished)));
    assert_eq!(garbage(&group), (0, 0));
}

#[test]
fn a_half_reclaimed_entry_counts_what_is_left_of_it() {
    let mut group = opened();
    let create =
        CommandBody::CreateUpload { target: target("a"), upload: upload(), headers: vec![], checksum: None };
    assert_eq!(group.run(create), DONE);
    let parts = CommandBody::DATA_IDS_MAX as u64 + 100;
    for n in 1..=parts {
        group.run(part(u16::try_from(n).expect("it fits"), late(n, &[]))).expect("it is put");
    }
    let name = |number| CompletePart { number, etag: ETag::of_body([1; 16]), checksum: None };
    let complete = CommandBody::CompleteUpload {
        target: target("a"),
        upload: upload(),
        parts: (1..=u16::try_from(parts).expect("it fits")).map(name).collect(),
        etag: ETag::of_parts([2; 16], 1),
        checksum: None,
        size: None,
        condition: WriteCondition::NONE,
        entropy: 0,
    };
    group.run(complete).expect("it is completed");
    group.run(delete("a")).expect("it is deleted");
    assert_eq!(garbage(&group), (1, parts * SIZE));
    group.now = group.now.plus_millis(Command::LIFETIME_MILLIS_MAX + 1);
    assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::More)));
    assert_eq!(garbage(&group), (1, 100 * SIZE));
    assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::Finished)));
    assert_eq!(garbage(&group), (0, 0));
}

/// The row of a group as version 1 wrote it.
fn as_version_1(group: &mut Group) {
    let row = esker_index::keys::group();
    let value = group.rows.get(&row).expect("rows can be read").expect("there is a group");
    let mut old = GroupRecord::decode(value.clone()).expect("it decodes").encode();
    old.truncate(1 + 6 * 8);
    old[0] = 1;
    group.rows.put(row, old);
}

#[test]
fn a_store_without_counters_counts_what_comes_from_then_on() {
    let mut group = opened();
    group.run(put("a", late(1, &[]))).expect("it is put");
    group.run(delete("a")).expect("it is deleted");
    as_version_1(&mut group);
    assert_eq!(garbage(&group), (0, 0));
    assert_eq!(group.run(CommandBody::Discard { data: vec![(data(2), 10)] }), DONE);
    assert_eq!(garbage(&group), (1, 10));
    group.now = group.now.plus_millis(Command::LIFETIME_MILLIS_MAX + 1);
    assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::Finished)), "the old entry");
    assert_eq!(garbage(&group), (1, 10));
    assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::Finished)));
    assert_eq!(garbage(&group), (0, 0));
}

#[test]
fn lengths_that_no_data_has_wrap_the_counter_around_and_back() {
    let mut group = opened();
    for n in 1..=2 {
        assert_eq!(group.run(CommandBody::Discard { data: vec![(data(n), u64::MAX)] }), DONE);
    }
    group.now = group.now.plus_millis(Command::LIFETIME_MILLIS_MAX + 1);
    for _ in 1..=2 {
        assert_eq!(reclaim(&mut group), Ok(Done::Step(Step::Finished)));
    }
    assert_eq!(garbage(&group), (0, 0));
}
