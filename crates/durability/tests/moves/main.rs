//! The rules of moving a placement group, checked in every reachable state of small worlds; and each rule taken away in
//! turn, to see that the checker then finds a lost blob.

#![allow(clippy::print_stdout, reason = "a failing test is understood from its states and paths")]

mod nodes;
mod properties;
mod world;

use nodes::Nodes;
use properties::*;
use stateright::{Checker, HasDiscoveries, Model};
use world::{Broken, World};

/// Three replicas, a fourth node that takes the place of one and gives it back, and a node that may be lost at any time.
fn there_and_back() -> World {
    World {
        start: Nodes::of(&[0, 1, 2]),
        targets: vec![Nodes::of(&[1, 2, 3]), Nodes::of(&[0, 1, 2])],
        moves: 2,
        losses: 1,
        broken: None,
    }
}

/// Three replicas of which two move at the same time, and perhaps elsewhere before they have arrived.
fn replanned() -> World {
    World { targets: vec![Nodes::of(&[2, 3, 4]), Nodes::of(&[1, 2, 3])], ..there_and_back() }
}

/// Fewer replicas than before, then others.
fn shrinking() -> World {
    World { targets: vec![Nodes::of(&[0, 2]), Nodes::of(&[2, 3])], ..there_and_back() }
}

/// The cluster grows from one node.
fn growing() -> World {
    World {
        start: Nodes::of(&[0]),
        targets: vec![Nodes::of(&[0, 1]), Nodes::of(&[0, 1, 2]), Nodes::of(&[1, 2, 3])],
        moves: 3,
        losses: 0,
        broken: None,
    }
}

/// No blob is lost in any state, and each of `reached` happens in some.
fn holds(world: World, reached: &[&'static str]) {
    let checker = world.checker().threads(2).spawn_bfs().join();
    println!("{} states, reached {} times", checker.unique_state_count(), checker.state_count());
    checker.assert_no_discovery(NO_BLOB_IS_LOST);
    for name in reached {
        println!("{name}: {:?}", checker.assert_any_discovery(name).into_actions());
    }
}

/// Without the rule the checker must find a lost blob.
fn breaks(world: World, broken: Broken) {
    let wanted = HasDiscoveries::AllOf([NO_BLOB_IS_LOST].into());
    let world = World { broken: Some(broken), ..world };
    let checker = world.checker().finish_when(wanted).threads(2).spawn_bfs().join();
    let path = checker.assert_any_discovery(NO_BLOB_IS_LOST);
    println!("{broken:?}, {} states: {:?}", checker.unique_state_count(), path.into_actions());
}

#[test]
fn a_group_that_moves_there_and_back_keeps_its_blobs() {
    holds(
        there_and_back(),
        &[WRITTEN_DURING_A_MOVE, REFUSED_AS_STALE, COPIED, STRAY_DELETED, REPAIRED, LOST_NODE_LEFT],
    );
}

#[test]
fn a_group_whose_move_is_replanned_keeps_its_blobs() {
    holds(replanned(), &[WRITTEN_DURING_A_MOVE, COPIED, REPLANNED, STRAY_DELETED]);
}

#[test]
fn a_group_that_shrinks_keeps_its_blobs() {
    holds(shrinking(), &[COPIED, STRAY_DELETED]);
}

#[test]
fn a_group_that_grows_keeps_its_blobs() {
    holds(growing(), &[WRITTEN_DURING_A_MOVE, COPIED, REPLANNED]);
}

#[test]
fn the_fence_is_needed() {
    breaks(there_and_back(), Broken::OldEpochsAccepted);
}

#[test]
fn looking_for_blobs_only_after_the_fence_is_needed() {
    breaks(there_and_back(), Broken::PullBeforeFence);
}

#[test]
fn a_fence_that_meets_every_majority_is_needed() {
    breaks(there_and_back(), Broken::OneFenceTooFew);
}

#[test]
fn listing_again_when_a_listed_blob_is_gone_is_needed() {
    breaks(there_and_back(), Broken::MissingBlobSkipped);
}

#[test]
fn copying_before_the_end_is_needed() {
    breaks(there_and_back(), Broken::FinishWithoutCopied);
}

#[test]
fn members_of_a_smaller_set_must_copy_too() {
    breaks(shrinking(), Broken::MembersNeverCopy);
}

#[test]
fn progress_of_another_epoch_must_not_count() {
    breaks(replanned(), Broken::OldProgressCounts);
}

#[test]
fn both_majorities_are_needed() {
    breaks(there_and_back(), Broken::TargetsMajorityNotNeeded);
    breaks(there_and_back(), Broken::ReplicasMajorityNotNeeded);
}

#[test]
fn strays_are_deleted_after_the_end_only() {
    breaks(there_and_back(), Broken::StraysDeletedBeforeTheEnd);
}

#[test]
fn a_sweep_must_list_before_it_asks() {
    breaks(there_and_back(), Broken::SweepAsksFirst);
}

#[test]
fn a_node_must_not_pull_what_it_is_sweeping() {
    breaks(there_and_back(), Broken::PullDuringSweep);
}
