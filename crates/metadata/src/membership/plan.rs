//! Decides the next change of a group's membership. Pure: what is known goes in, at most one step comes out.

use std::collections::{BTreeMap, BTreeSet};

use esker_types::NodeId;

/// What the cluster wants of a node, as far as a group's replicas go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has a replica, and may vote.
    Stays,
    /// It keeps its replica until it is removed, and its vote until another node can take it.
    Leaves,
    /// It has no replica any more. Its seat among the voters stays until another node can take it: fewer voters
    /// would survive fewer failures, and lose what only the others had.
    Lost,
    /// It is to be forgotten.
    Gone,
}

/// A node of the topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) standing: Standing,
    /// Where it is reached; empty if it has no peers.
    pub(crate) address: String,
    /// The places whose fate it shares, the largest first.
    pub(crate) domain: [String; 2],
}

/// What the leader of a group knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Situation {
    /// The leader.
    pub(crate) own: NodeId,
    /// The topology. A member that it doesn't name is left alone: it is about to register.
    pub(crate) nodes: BTreeMap<NodeId, Listed>,
    /// The members of the group and their addresses, as the group has them.
    pub(crate) members: BTreeMap<NodeId, String>,
    /// The voters, or those that are to be if a change is half done.
    pub(crate) voters: BTreeSet<NodeId>,
    /// Whether a change of the voters is half done.
    pub(crate) progress: Progress,
    /// The members that have nearly all of the log and were heard of lately, the leader among them.
    pub(crate) caught_up: BTreeSet<NodeId>,
    /// How many voters are wanted, as far as there are nodes.
    pub(crate) voters_max: usize,
}

/// Whether a change of the voters is half done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No change is under way.
    Settled,
    /// The old and the new voters decide together, until the change is finished.
    Joint,
}

/// One change of a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Some members are reached elsewhere.
    SetAddresses(BTreeMap<NodeId, String>),
    /// A node gets a replica, without a vote.
    AddLearner(NodeId, String),
    /// These members vote; those that did until now follow without a vote.
    SetVoters(BTreeSet<NodeId>),
    /// These members, which have no vote, leave.
    RemoveLearners(BTreeSet<NodeId>),
    /// Another voter is to lead.
    HandOver(NodeId),
}

/// The next step, if any is needed and possible.
pub(crate) fn plan(now: &Situation) -> Option<Step> {
    if now.progress == Progress::Joint {
        return Some(Step::SetVoters(now.voters.clone()));
    }
    let moved = moved(now);
    if !moved.is_empty() {
        return Some(Step::SetAddresses(moved));
    }
    hand_over(now)
        .map(Step::HandOver)
        .or_else(|| voters(now).map(Step::SetVoters))
        .or_else(|| newcomer(now))
        .or_else(|| leavers(now).map(Step::RemoveLearners))
}

impl Situation {
    /// What the cluster wants of a member.
    fn standing(&self, member: NodeId) -> Standing {
        self.nodes.get(&member).map_or(Standing::Stays, |listed| listed.standing)
    }

    fn domain(&self, member: NodeId, level: usize) -> Option<&str> {
        let name = self.nodes.get(&member)?.domain[level].as_str();
        (!name.is_empty()).then_some(name)
    }

    /// How many of `chosen` share a place with a node.
    fn neighbours(&self, node: NodeId, chosen: &[NodeId], level: usize) -> usize {
        let place = self.domain(node, level);
        chosen.iter().filter(|other| place.is_some() && self.domain(**other, level) == place).count()
    }
}

fn moved(now: &Situation) -> BTreeMap<NodeId, String> {
    let listed = now.members.iter().filter_map(|(node, known)| {
        let Listed { address, standing, .. } = now.nodes.get(node)?;
        let takes_part = matches!(standing, Standing::Stays | Standing::Leaves);
        (takes_part && !address.is_empty() && address != known).then(|| (*node, address.clone()))
    });
    listed.collect()
}

/// A leader that is to leave lets another voter lead.
fn hand_over(now: &Situation) -> Option<NodeId> {
    if now.standing(now.own) == Standing::Stays {
        return None;
    }
    let able = |node: &&NodeId| now.caught_up.contains(node) && now.standing(**node) == Standing::Stays;
    now.voters.iter().find(able).copied()
}

/// The voters as they should be, if they are others and can be made so now.
fn voters(now: &Situation) -> Option<BTreeSet<NodeId>> {
    let classes = candidates(now);
    let count: usize = classes.iter().map(BTreeSet::len).sum();
    let size = seats(count.min(now.voters_max.max(1)));
    let mut chosen: Vec<NodeId> = Vec::new();
    for mut class in classes {
        while chosen.len() < size
            && let Some(next) = best(now, &class, &chosen)
        {
            class.remove(&next);
            chosen.push(next);
        }
    }
    let chosen: BTreeSet<NodeId> = chosen.into_iter().collect();
    let able = chosen.intersection(&now.caught_up).count();
    (chosen != now.voters && able > chosen.len() / 2).then_some(chosen)
}

/// Who may have a seat, in order of preference: voters that stay, members that can take over, voters that leave, and
/// voters that are lost.
fn candidates(now: &Situation) -> [BTreeSet<NodeId>; 4] {
    let voters = |standing| {
        now.voters.iter().copied().filter(|node| now.standing(*node) == standing).collect::<BTreeSet<_>>()
    };
    let able = now.members.keys().copied().filter(|node| {
        let stays = now.nodes.get(node).is_some_and(|listed| listed.standing == Standing::Stays);
        stays && !now.voters.contains(node) && now.caught_up.contains(node)
    });
    [voters(Standing::Stays), able.collect(), voters(Standing::Leaves), voters(Standing::Lost)]
}

/// How many of `count` nodes vote: an odd number, since an even one more would take one more vote to decide, and survive
/// no more failures. Two nodes both vote: with one vote between them, its node's disk would be the only one that an
/// acknowledged write is sure to be on.
fn seats(count: usize) -> usize {
    match count {
        2 => 2,
        even if even.is_multiple_of(2) => even.saturating_sub(1),
        odd => odd,
    }
}

/// The leader, then whoever has caught up, apart from those that are chosen already.
fn best(now: &Situation, class: &BTreeSet<NodeId>, chosen: &[NodeId]) -> Option<NodeId> {
    class.iter().copied().min_by_key(|node| {
        let rank = (*node != now.own, !now.caught_up.contains(node));
        (rank, now.neighbours(*node, chosen, 0), now.neighbours(*node, chosen, 1), *node)
    })
}

fn newcomer(now: &Situation) -> Option<Step> {
    let missing = |(node, listed): &(&NodeId, &Listed)| {
        listed.standing == Standing::Stays && !now.members.contains_key(node)
    };
    let (node, listed) = now.nodes.iter().find(missing)?;
    Some(Step::AddLearner(*node, listed.address.clone()))
}

fn leavers(now: &Situation) -> Option<BTreeSet<NodeId>> {
    let leavers: BTreeSet<NodeId> = now
        .members
        .keys()
        .copied()
        .filter(|node| !now.voters.contains(node))
        .filter(|node| matches!(now.standing(*node), Standing::Lost | Standing::Gone))
        .collect();
    (!leavers.is_empty()).then_some(leavers)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
