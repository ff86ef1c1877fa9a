//! Nodes that don't reach one another under load, though clients reach all of them.

use e2e::cluster::Options;
use e2e::report::{Length, by_length, length};
use e2e::trial::{Gaps, Trial};
use esker_checker::Moment;
use std::time::Duration;

/// Most that a gateway of the majority may be without an answer.
const GAP_MAX: Duration = Duration::from_secs(8);
/// Most that a gateway that is cut off may take for an answer, which is that it can't serve: a write that may have been
/// done is asked about for 10 s, after a read that may take 6 s; the rest is for a busy machine.
const ANSWER_MAX: Duration = Duration::from_secs(30);

fn cluster(name: &str) -> Trial {
    Trial::start(name, Options::nodes(3).namespaces())
}

/// A gateway that is cut off tells its clients so, in time.
#[track_caller]
fn assert_answers(trial: &Trial, gateway: usize, cut: Moment) -> Duration {
    let slowest = trial.slowest_answer_since(gateway, cut);
    assert!(slowest <= ANSWER_MAX, "node {gateway} answers after {slowest:?}");
    let unanswered = trial.unanswered_since(gateway, cut);
    assert!(unanswered.is_empty(), "node {gateway}: {unanswered:#?}");
    slowest
}

#[test]
fn a_leader_alone_says_that_it_cannot_serve_and_the_majority_goes_on() {
    let mut trial = cluster("three nodes, the leader alone");
    let (mut gaps, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..by_length(1, 6) {
        let leader = trial.leader();
        trial.expect_down(leader);
        trial.cluster.isolate(leader);
        let cut = trial.now();
        let gap = trial.gap_since(cut);
        assert!(gap.writes <= GAP_MAX && gap.reads <= GAP_MAX, "while the leader was alone: {gap}");
        gaps.push(gap);
        answers.push(assert_answers(&trial, leader, cut));
        trial.calm(40);
        trial.cluster.heal();
        trial.await_whole();
    }
    trial.note(&format!("leader alone, {}", Gaps::distribution(&gaps)));
    trial.note(&format!("its gateway's slowest answer, each time: {answers:.1?}"));
    trial.finish();
}

#[test]
fn a_leader_and_a_follower_that_are_parted_do_not_stop_the_third() {
    let mut trial = cluster("three nodes, leader and follower parted");
    let ways = [Parted::Both, Parted::ToFollower, Parted::ToLeader];
    for way in ways.into_iter().cycle().take(by_length(3, 6)) {
        let leader = trial.leader();
        let (follower, third) = ((leader + 1) % 3, (leader + 2) % 3);
        trial.expect_down(leader);
        trial.expect_down(follower);
        match way {
            Parted::Both => trial.cluster.part(leader, follower),
            Parted::ToFollower => trial.cluster.cut(leader, follower),
            Parted::ToLeader => trial.cluster.cut(follower, leader),
        }
        let cut = trial.now();
        let gap = trial.gap_since(cut);
        assert!(gap.writes <= GAP_MAX && gap.reads <= GAP_MAX, "{way:?}, node {third}: {gap}");
        trial.note(&format!("{way:?}: third: {gap}"));
        if length() == Length::Long {
            let answers = [leader, follower].map(|gateway| assert_answers(&trial, gateway, cut));
            trial.note(&format!("{way:?}: slowest answers of leader and follower: {answers:.1?}"));
        }
        trial.cluster.heal();
        trial.await_whole();
    }
    trial.finish();
}

#[derive(Clone, Copy, Debug)]
enum Parted {
    Both,
    ToFollower,
    ToLeader,
}
