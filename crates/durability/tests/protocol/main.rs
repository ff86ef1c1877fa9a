//! The rules that keep versions and their data together, checked in every reachable state of small worlds;
//! and each rule taken away in turn, to see that the checker then finds what it is for.

#![allow(clippy::print_stdout, reason = "a failing test is understood from its states and paths")]

mod properties;
mod rules;
mod world;

use properties::*;
use rules::{Broken, Condition, PARTS, Rules};
use stateright::{Checker, HasDiscoveries, Model};
use world::World;

/// One upload, two replicas, a copy, a reader, and a gateway whose clock may be ahead by more than the grace.
fn one_upload() -> World {
    World {
        rules: Rules { grace: 2, broken: None },
        targets: vec![(0, Condition::Always)],
        replicas: 2,
        deadline_after: 1,
        clock_ahead: 2,
        read: 1,
        time_max: 6,
        copies: 2,
        deletes: 3,
        reader: true,
    }
}

/// Two uploads for one key.
fn two_uploads(second: Condition) -> World {
    World {
        targets: vec![(0, Condition::Always), (0, second)],
        replicas: 1,
        clock_ahead: 0,
        time_max: 3,
        copies: 1,
        deletes: 1,
        reader: second == Condition::Always,
        ..one_upload()
    }
}

/// Two parts of one multipart upload, of the same number or of two.
fn multipart(second: usize) -> World {
    World {
        targets: vec![(PARTS, Condition::Always), (second, Condition::Always)],
        copies: 0,
        reader: false,
        ..two_uploads(Condition::Always)
    }
}

/// Every invariant holds in every state, and each of `reached` happens in some.
fn holds(world: World, reached: &[&'static str]) {
    let checker = world.checker().spawn_bfs().join();
    println!("{} states, reached {} times", checker.unique_state_count(), checker.state_count());
    for invariant in properties::invariants() {
        checker.assert_no_discovery(invariant.name);
    }
    for name in reached {
        println!("{name}: {:?}", checker.assert_any_discovery(name).into_actions());
    }
}

/// Without the rule the checker must find a state where `property` does not hold.
fn breaks(world: World, broken: Broken, property: &'static str) {
    let world = World { rules: Rules { broken: Some(broken), ..world.rules }, ..world };
    finds(world, property);
}

fn finds(world: World, property: &'static str) {
    let broken = world.rules.broken;
    let wanted = HasDiscoveries::AllOf([property].into());
    let checker = world.checker().finish_when(wanted).spawn_bfs().join();
    let path = checker.assert_any_discovery(property);
    println!("{broken:?}, {} states: {property}: {:?}", checker.unique_state_count(), path.into_actions());
}

#[test]
fn one_upload_is_safe() {
    holds(
        one_upload(),
        &[PUT, PUT_MEETS_CONDEMNED, DISCARD_WINS, SHARED, LATE_BLOB_CONDEMNED, PUT_AFTER_RECLAIM],
    );
}

#[test]
fn an_overwritten_upload_is_safe() {
    holds(two_uploads(Condition::Always), &[PUT, SHARED]);
}

#[test]
fn a_conditional_upload_is_safe() {
    holds(two_uploads(Condition::IfAbsent), &[PUT, REFUSED]);
}

#[test]
fn a_multipart_upload_is_safe() {
    holds(multipart(PARTS), &[PUT, REFUSED]);
    holds(multipart(PARTS + 1), &[PUT, REFUSED]);
}

#[test]
fn the_order_of_a_write_is_needed() {
    breaks(one_upload(), Broken::CommitBeforeDurable, NO_MISSING_BLOB);
}

#[test]
fn settling_every_outcome_is_needed() {
    breaks(two_uploads(Condition::IfAbsent), Broken::RefusalLeavesData, EVERY_OUTCOME_SETTLES);
    breaks(two_uploads(Condition::IfAbsent), Broken::RefusalListsNothing, ALL_IS_COLLECTED);
    breaks(two_uploads(Condition::Always), Broken::ReplacedDataNotListed, ALL_IS_COLLECTED);
    breaks(two_uploads(Condition::Always), Broken::ReplacedDataNotListed, ROWS_AGREE);
    breaks(multipart(PARTS), Broken::AbortForgetsParts, ALL_IS_COLLECTED);
    breaks(multipart(PARTS + 1), Broken::CompleteForgetsUnusedParts, ALL_IS_COLLECTED);
}

#[test]
fn counting_references_is_needed() {
    breaks(one_upload(), Broken::ReferencesNotCounted, NO_REFERENCED_DELETED);
}

#[test]
fn condemning_first_is_needed() {
    breaks(one_upload(), Broken::CondemnUnchecked, CONDEMNED_STAYS_OUT);
    breaks(one_upload(), Broken::CondemnUnchecked, NO_REFERENCED_DELETED);
    breaks(one_upload(), Broken::PutIgnoresDataRow, NO_MISSING_BLOB);
    breaks(one_upload(), Broken::SweepWithoutCondemn, NO_MISSING_BLOB);
    breaks(one_upload(), Broken::SweepWithoutCondemn, NO_REFERENCED_DELETED);
    breaks(one_upload(), Broken::TombstoneForgotten, NO_MISSING_BLOB);
}

#[test]
fn a_grace_longer_than_the_longest_read_is_needed() {
    breaks(one_upload(), Broken::NoGrace, READERS_ARE_SAFE);
    let short = Rules { grace: 1, broken: None };
    finds(World { rules: short, ..one_upload() }, READERS_ARE_SAFE);
}

#[test]
fn one_deadline_for_all_retries_is_needed() {
    breaks(one_upload(), Broken::NoDeadline, NO_MISSING_BLOB);
    breaks(World { clock_ahead: 0, ..one_upload() }, Broken::RetryRenewsDeadline, NO_MISSING_BLOB);
    breaks(one_upload(), Broken::OutcomesForgotten, ONE_OUTCOME);
}

#[test]
fn waiting_for_the_deadline_is_needed_because_clocks_may_be_ahead() {
    breaks(one_upload(), Broken::DueBeforeDeadline, NO_MISSING_BLOB);
    let rules = Rules { broken: Some(Broken::DueBeforeDeadline), ..one_upload().rules };
    holds(World { rules, clock_ahead: 0, ..one_upload() }, &[PUT]);
}

#[test]
fn resolving_copies_inside_apply_is_needed() {
    breaks(one_upload(), Broken::CopyNamesData, NO_MISSING_BLOB);
}
