//! What the plan promises, over scenarios and over any situation.

use proptest::prelude::*;

use super::*;

fn listed(standing: Standing) -> Listed {
    Listed { standing, address: String::new(), domain: [String::new(), String::new()] }
}

fn ids(nodes: &[u64]) -> BTreeSet<NodeId> {
    nodes.iter().map(|node| NodeId(*node)).collect()
}

/// Node 1 leads; all members have caught up.
fn situation(members: &[u64], voters: &[u64], nodes: &[(u64, Standing)]) -> Situation {
    Situation {
        own: NodeId(1),
        nodes: nodes.iter().map(|(node, standing)| (NodeId(*node), listed(*standing))).collect(),
        members: members.iter().map(|node| (NodeId(*node), String::new())).collect(),
        voters: ids(voters),
        progress: Progress::Settled,
        caught_up: ids(members),
        voters_max: 3,
    }
}

/// Carries a step out. Whoever is a member then has caught up, if it is there at all.
fn take(now: &mut Situation, step: Step) {
    match step {
        Step::SetAddresses(addresses) => now.members.extend(addresses),
        Step::AddLearner(node, address) => {
            now.members.insert(node, address);
            now.caught_up.insert(node);
        }
        Step::SetVoters(voters) => {
            now.voters = voters;
            now.progress = Progress::Settled;
            if !now.voters.contains(&now.own) {
                let able = now.voters.iter().find(|node| now.caught_up.contains(node));
                now.own = *able.expect("a majority has caught up");
            }
        }
        Step::RemoveLearners(nodes) => now.members.retain(|node, _| !nodes.contains(node)),
        Step::HandOver(node) => now.own = node,
    }
}

/// Takes steps until there are none.
fn settle(now: &mut Situation) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = plan(now) {
        assert!(steps.len() < 100, "it goes round in circles: {steps:?}");
        take(now, step.clone());
        steps.push(step);
    }
    steps
}

use Standing::{Gone, Leaves, Lost, Stays};

#[test]
fn two_nodes_vote_and_then_an_odd_number() {
    let mut now = situation(&[1], &[1], &[(1, Stays), (2, Stays)]);
    settle(&mut now);
    assert_eq!((now.voters.clone(), now.members.len()), (ids(&[1, 2]), 2));
    now.nodes.insert(NodeId(3), listed(Stays));
    settle(&mut now);
    assert_eq!(now.voters, ids(&[1, 2, 3]));
    now.voters_max = 5;
    now.nodes.insert(NodeId(4), listed(Stays));
    settle(&mut now);
    assert_eq!((now.voters.clone(), now.members.len()), (ids(&[1, 2, 3]), 4));
    now.nodes.insert(NodeId(5), listed(Stays));
    settle(&mut now);
    assert_eq!(now.voters, ids(&[1, 2, 3, 4, 5]));
}

#[test]
fn a_node_votes_only_once_it_has_caught_up() {
    let mut now = situation(&[1, 2, 3], &[1], &[(1, Stays), (2, Stays), (3, Stays)]);
    now.caught_up = ids(&[1]);
    assert_eq!(plan(&now), None);
    now.caught_up = ids(&[1, 3]);
    assert_eq!(plan(&now), Some(Step::SetVoters(ids(&[1, 3]))));
    now.caught_up = ids(&[1, 2, 3]);
    assert_eq!(plan(&now), Some(Step::SetVoters(ids(&[1, 2, 3]))));
}

#[test]
fn a_node_that_leaves_keeps_its_vote_until_another_can_take_it() {
    let nodes = [(1, Stays), (2, Stays), (3, Leaves), (4, Stays)];
    let mut now = situation(&[1, 2, 3, 4], &[1, 2, 3], &nodes);
    now.caught_up = ids(&[1, 2, 3]);
    assert_eq!(plan(&now), None);
    now.caught_up = ids(&[1, 2, 3, 4]);
    assert_eq!(plan(&now), Some(Step::SetVoters(ids(&[1, 2, 4]))));
    settle(&mut now);
    assert!(now.members.contains_key(&NodeId(3)), "it keeps its replica until it is removed");
    now.nodes.insert(NodeId(3), listed(Gone));
    assert_eq!(settle(&mut now), [Step::RemoveLearners(ids(&[3]))]);
}

#[test]
fn a_leader_that_leaves_lets_another_one_lead_first() {
    let nodes = [(1, Leaves), (2, Stays), (3, Stays), (4, Stays)];
    let mut now = situation(&[1, 2, 3, 4], &[1, 2, 3], &nodes);
    assert_eq!(settle(&mut now), [Step::HandOver(NodeId(2)), Step::SetVoters(ids(&[2, 3, 4]))]);
}

#[test]
fn a_lost_voter_is_replaced_and_forgotten_but_counts_while_nobody_can_replace_it() {
    let mut now = situation(&[1, 2, 3], &[1, 2, 3], &[(1, Stays), (2, Stays), (3, Lost)]);
    now.caught_up = ids(&[1, 2]);
    assert_eq!(plan(&now), None);
    now.nodes.insert(NodeId(4), listed(Stays));
    let steps = settle(&mut now);
    let voters = Step::SetVoters(ids(&[1, 2, 4]));
    let learner = Step::AddLearner(NodeId(4), String::new());
    assert_eq!(steps, [learner, voters, Step::RemoveLearners(ids(&[3]))]);
}

#[test]
fn a_removed_voter_leaves_even_if_nobody_replaces_it() {
    let mut now = situation(&[1, 2, 3], &[1, 2, 3], &[(1, Stays), (2, Stays), (3, Gone)]);
    settle(&mut now);
    assert_eq!((now.voters, now.members.len()), (ids(&[1, 2]), 2));
}

#[test]
fn members_that_have_not_registered_yet_are_left_alone() {
    let now = situation(&[1, 2, 3, 4], &[1, 2, 3], &[(1, Stays)]);
    assert_eq!(plan(&now), None);
}

#[test]
fn voters_are_spread_over_zones() {
    let mut now = situation(&[1, 2, 3, 4], &[1], &[(1, Stays), (2, Stays), (3, Stays), (4, Stays)]);
    for (node, zone) in [(1, "a"), (2, "a"), (3, "b"), (4, "c")] {
        now.nodes.get_mut(&NodeId(node)).unwrap().domain[0] = zone.to_owned();
    }
    assert_eq!(plan(&now), Some(Step::SetVoters(ids(&[1, 3, 4]))));
}

#[test]
fn a_new_address_is_told_before_anything_else_and_a_half_done_change_is_finished_before_that() {
    let mut now = situation(&[1, 2, 3], &[1, 2, 3], &[(1, Stays), (2, Stays), (3, Leaves)]);
    now.nodes.get_mut(&NodeId(2)).unwrap().address = "b:2".to_owned();
    now.progress = Progress::Joint;
    assert_eq!(plan(&now), Some(Step::SetVoters(ids(&[1, 2, 3]))));
    now.progress = Progress::Settled;
    assert_eq!(plan(&now), Some(Step::SetAddresses(BTreeMap::from([(NodeId(2), "b:2".to_owned())]))));
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![4 => Just(Stays), 1 => Just(Leaves), 1 => Just(Lost), 1 => Just(Gone)]
}

prop_compose! {
    fn any_situation()(
        nodes in prop::collection::btree_map(1..10u64, (any_standing(), 0..3u8), 0..9),
        members in prop::collection::btree_set(1..10u64, 0..8),
        voters in prop::collection::btree_set(1..10u64, 0..6),
        heard in prop::collection::btree_set(1..10u64, 0..9),
        own in 1..10u64,
        joint: bool,
        voters_max in 1..6usize,
    ) -> Situation {
        let voters: BTreeSet<NodeId> = voters.into_iter().chain([own]).map(NodeId).collect();
        let members: BTreeMap<NodeId, String> =
            members.into_iter().map(NodeId).chain(voters.iter().copied()).map(|id| (id, String::new())).collect();
        let caught_up = heard.into_iter().chain([own]).map(NodeId);
        let nodes = nodes.into_iter().map(|(node, (standing, zone))| {
            (NodeId(node), Listed { domain: [format!("zone-{zone}"), String::new()], ..listed(standing) })
        });
        Situation {
            own: NodeId(own),
            nodes: nodes.collect(),
            caught_up: caught_up.filter(|node| members.contains_key(node)).collect(),
            members,
            voters,
            progress: if joint { Progress::Joint } else { Progress::Settled },
            voters_max,
        }
    }
}

proptest! {
    #[test]
    fn new_voters_are_two_or_an_odd_number_with_a_working_majority(now in any_situation()) {
        prop_assume!(now.progress == Progress::Settled);
        let Some(Step::SetVoters(voters)) = plan(&now) else { return Ok(()) };
        prop_assert!(voters.len() == 2 || voters.len() % 2 == 1);
        prop_assert!(voters.len() <= now.voters_max);
        prop_assert!(voters.intersection(&now.caught_up).count() > voters.len() / 2);
        prop_assert!(voters.iter().all(|node| now.standing(*node) != Gone));
        prop_assert!(voters.difference(&now.voters).all(|node| now.caught_up.contains(node)));
    }

    #[test]
    fn a_voter_that_stays_is_dropped_only_if_there_are_to_be_fewer(now in any_situation()) {
        prop_assume!(now.progress == Progress::Settled);
        let Some(Step::SetVoters(voters)) = plan(&now) else { return Ok(()) };
        let dropped = now.voters.difference(&voters).any(|node| now.standing(*node) == Stays);
        let staying = now.voters.iter().filter(|node| now.standing(**node) == Stays).count();
        prop_assert!(!dropped || voters.len() < staying);
    }

    #[test]
    fn steps_come_to_an_end_with_everybody_in_place(mut now in any_situation()) {
        // Whoever is not lost is there.
        let there = |now: &Situation, node: &NodeId| matches!(now.standing(*node), Stays | Leaves);
        now.caught_up = now.members.keys().copied().filter(|node| there(&now, node)).chain([now.own]).collect();
        settle(&mut now);
        let stays = |node: &NodeId| now.standing(*node) == Stays;
        prop_assert!(now.nodes.keys().filter(|node| stays(node)).all(|node| now.members.contains_key(node)));
        let out_of_place = now.members.keys().any(|node| now.standing(*node) == Gone);
        let majority = now.voters.intersection(&now.caught_up).count() > now.voters.len() / 2;
        // Somebody has to vote, even if everybody is to leave.
        let all_gone = now.voters.iter().all(|node| now.standing(*node) == Gone);
        prop_assert!(!out_of_place || !majority || all_gone);
        let staying = now.nodes.keys().filter(|node| stays(node)).count();
        let holding_on = now.voters.iter().any(|node| !stays(node));
        prop_assert!(!holding_on || staying < now.voters_max, "{:?}", now);
    }
}
