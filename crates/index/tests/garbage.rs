//! Reclaiming garbage: many entries with one command, none too early, and never more than one command may touch.

#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support;

use esker_index::command::{Command, CommandBody, ReclaimStep};
use esker_index::outcome::{Done, Outcome, Refusal, Step};
use esker_index::query::{Answer, GarbageWork, Query};
use esker_types::{DataId, GroupId, Timestamp};
use support::rows::Group;

fn data(n: u64) -> DataId {
    DataId::new(n, GroupId(0), n)
}

/// Garbage of so many data ids each, in order.
fn with_entries(counts: &[u64]) -> Group {
    let mut group = Group::new(GroupId(0));
    let mut next = 0..;
    for count in counts {
        let data = next.by_ref().take(usize::try_from(*count).expect("it fits")).map(|n| (data(n), 7));
        group.run(CommandBody::Discard { data: data.collect() }).expect("it is given up");
    }
    group
}

fn wait(group: &mut Group) {
    group.now = group.now.plus_millis(Command::LIFETIME_MILLIS_MAX + 1);
}

fn work(group: &Group, after: Option<u64>, limit: usize) -> Vec<GarbageWork> {
    match group.answer(&Query::Garbage { before: Timestamp(u64::MAX), after, limit }) {
        Answer::Garbage(work) => work,
        other => panic!("no garbage answer: {other:?}"),
    }
}

fn numbers(group: &Group, after: Option<u64>, limit: usize) -> Vec<u64> {
    work(group, after, limit).iter().map(|work| work.entry).collect()
}

fn reclaim(group: &mut Group, steps: &[(u64, u32)]) -> Outcome {
    let steps = steps.iter().map(|(entry, reclaimed)| ReclaimStep { entry: *entry, reclaimed: *reclaimed });
    group.run(CommandBody::ReclaimSteps { steps: steps.collect() })
}

const MORE: Outcome = Ok(Done::Step(Step::More));
const FINISHED: Outcome = Ok(Done::Step(Step::Finished));

#[test]
fn entries_that_are_not_next_to_one_another_are_reclaimed_by_one_command() {
    let mut group = with_entries(&[1, 2, 3, 4, 5]);
    wait(&mut group);
    assert_eq!(reclaim(&mut group, &[(0, 0), (2, 0), (3, 0)]), FINISHED);
    assert_eq!(numbers(&group, None, 10), [1, 4]);
    assert_eq!(group.summary().garbage_bytes, 7 * 7);
    assert_eq!(reclaim(&mut group, &[(0, 0), (1, 0)]), FINISHED, "what is done already does no harm");
    assert_eq!(reclaim(&mut group, &[]), FINISHED);
    assert_eq!(numbers(&group, None, 10), [4]);
}

#[test]
fn nothing_is_reclaimed_if_it_is_too_early_for_one_entry() {
    let mut group = with_entries(&[1, 1]);
    wait(&mut group);
    group.run(CommandBody::Discard { data: vec![(data(9), 7)] }).expect("it is given up");
    assert_eq!(reclaim(&mut group, &[(0, 0), (1, 0), (2, 0)]), Err(Refusal::TooEarly));
    assert_eq!(numbers(&group, None, 10), [0, 1, 2]);
    assert_eq!(reclaim(&mut group, &[(0, 0), (1, 0)]), FINISHED);
}

#[test]
fn a_command_reclaims_no_more_data_ids_than_one_may_touch() {
    let mut group = with_entries(&[300, 300, 300]);
    wait(&mut group);
    assert_eq!(CommandBody::DATA_IDS_MAX, 500);
    assert_eq!(reclaim(&mut group, &[(0, 0), (1, 0), (2, 0)]), MORE);
    let left: Vec<_> =
        work(&group, None, 10).iter().map(|work| (work.entry, work.reclaimed, work.data.len())).collect();
    assert_eq!(left, [(1, 200, 100), (2, 0, 300)]);
    assert_eq!(reclaim(&mut group, &[(1, 0), (2, 0)]), MORE, "the first is not where it was");
    assert_eq!(reclaim(&mut group, &[(1, 200)]), FINISHED);
    assert_eq!(numbers(&group, None, 10), [0; 0]);
    let many = vec![(0, 0); CommandBody::RECLAIM_STEPS_MAX + 1];
    assert_eq!(reclaim(&mut group, &many), Err(Refusal::Malformed));
}

#[test]
fn garbage_is_listed_from_an_entry_on_and_up_to_a_time() {
    let mut group = with_entries(&[1, 1, 1]);
    let young = group.now.plus_millis(1);
    group.now = group.now.plus_millis(10);
    group.run(CommandBody::Discard { data: vec![(data(9), 7)] }).expect("it is given up");
    assert_eq!(numbers(&group, None, 2), [0, 1]);
    assert_eq!(numbers(&group, Some(1), 2), [2, 3]);
    assert_eq!(numbers(&group, Some(3), 2), [0; 0]);
    assert_eq!(numbers(&group, Some(u64::MAX), 2), [0; 0]);
    let before = Query::Garbage { before: young, after: Some(0), limit: 10 };
    let Answer::Garbage(work) = group.answer(&before) else { panic!("no garbage answer") };
    assert_eq!(work.iter().map(|work| work.entry).collect::<Vec<_>>(), [1, 2]);
}
