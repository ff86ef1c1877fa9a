//! Nodes that form a cluster, and what can happen to them.

use crate::forming::{Answer, Decision, Own, Plan, PlanStage, accept, decide};
use esker_rpc::{Formation, Hello, Stage};
use esker_storage::Standing;
use esker_types::{ClusterId, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// What can happen, to a node by its number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Start(usize),
    Crash(usize),
    /// Its data directory is deleted: what starts there next is a new node.
    Wipe(usize),
    /// It asks its peers, of which those with a bit of the mask answer, decides, and acts; it crashes after some of
    /// what it does, unless that is all.
    Step {
        node: usize,
        heard: u8,
        done: usize,
    },
    /// A message that was sent some time ago arrives.
    Arrive(usize),
    /// It notices that its cluster's first group has a leader.
    Notice(usize),
}

pub(super) struct Node {
    pub(super) own: Own,
    pub(super) runs: bool,
}

pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    sent: Vec<(usize, Formation)>,
    /// The clusters whose first group was begun, with the members that it was begun with.
    pub(super) begun: BTreeMap<ClusterId, Vec<(NodeId, String)>>,
    next: u64,
}

impl World {
    pub(super) fn new(count: usize) -> World {
        let peers: Vec<String> =
            (0..count).map(|at| format!("{}:9100", char::from(b'a' + u8::try_from(at).unwrap()))).collect();
        let own = |address: &String| Own {
            node: NodeId(0),
            address: address.clone(),
            peers: peers.clone(),
            standing: Standing::Empty,
            plan: None,
        };
        let nodes = peers.iter().map(|address| Node { own: own(address), runs: false }).collect();
        let mut world = World { nodes, sent: Vec::new(), begun: BTreeMap::new(), next: 0 };
        for at in 0..count {
            world.wipe(at);
        }
        world
    }

    pub(super) fn wipe(&mut self, at: usize) {
        self.next += 1;
        let node = &mut self.nodes[at];
        node.runs = false;
        node.own = Own { node: NodeId(self.next), standing: Standing::Empty, plan: None, ..node.own.clone() };
    }

    pub(super) fn happen(&mut self, event: Event) {
        let count = self.nodes.len();
        match event {
            Event::Start(at) => self.nodes[at % count].runs = true,
            Event::Crash(at) => self.nodes[at % count].runs = false,
            Event::Wipe(at) => self.wipe(at % count),
            Event::Step { node, heard, done } => self.step(node % count, heard, done),
            Event::Arrive(at) if !self.sent.is_empty() => {
                let (to, formation) = self.sent.swap_remove(at % self.sent.len());
                self.deliver(to, &formation);
            }
            Event::Arrive(_) => {}
            Event::Notice(at) => self.notice(at % count),
        }
    }

    /// Whether most of the members that a cluster was begun with are still there and belong to it.
    fn has_quorum(&self, cluster: ClusterId) -> bool {
        let members = &self.begun[&cluster];
        let there = self.nodes.iter().filter(|node| {
            node.own.standing.cluster() == Some(cluster)
                && members.contains(&(node.own.node, node.own.address.clone()))
        });
        there.count() * 2 > members.len()
    }

    fn notice(&mut self, at: usize) {
        let Some(cluster) = self.nodes[at].own.standing.cluster() else { return };
        if self.nodes[at].runs && self.begun.contains_key(&cluster) && self.has_quorum(cluster) {
            self.nodes[at].own.standing = Standing::Member(cluster);
        }
    }

    pub(super) fn hello(&self, at: usize) -> Answer {
        let Node { own, runs } = &self.nodes[at];
        if !runs {
            return Answer::Silent("down".to_owned());
        }
        let stage = match own.standing {
            Standing::Empty => Stage::Empty,
            Standing::Adopted(_) => Stage::Adopted,
            Standing::Member(_) => Stage::Member,
        };
        let (address, peers) = (own.address.clone(), own.peers.clone());
        Answer::Said(Hello { node: own.node, cluster: own.standing.cluster(), stage, address, peers })
    }

    fn deliver(&mut self, to: usize, formation: &Formation) {
        let node = &mut self.nodes[to];
        if node.runs && accept(&node.own, formation).is_ok() && node.own.standing == Standing::Empty {
            node.own.standing = Standing::Adopted(formation.cluster);
        }
    }

    /// `done` effects are carried out before the node crashes; a large one means all.
    pub(super) fn step(&mut self, at: usize, heard: u8, done: usize) {
        if !self.nodes[at].runs {
            return;
        }
        let own = self.nodes[at].own.clone();
        let answers = (0..self.nodes.len()).filter(|other| *other != at).map(|other| {
            let heard = heard & (1 << other) != 0;
            let answer = if heard { self.hello(other) } else { Answer::Silent("lost".to_owned()) };
            (own.peers[other].clone(), answer)
        });
        let answers = answers.collect();
        match decide(&own, &answers) {
            Decision::Wait(_) => {}
            Decision::Proceed => {
                if own.plan.as_ref().is_some_and(Plan::has_begun) {
                    self.begin(&own);
                }
            }
            Decision::Plan { cluster, members } => {
                self.next += 1;
                let fresh = ClusterId::from_bytes(u128::from(self.next).to_be_bytes());
                let formation = Formation { cluster: cluster.unwrap_or(fresh), members };
                self.nodes[at].own.plan = Some(Plan { formation, stage: PlanStage::Chosen });
            }
            Decision::Tell(untold) => {
                let formation = own.plan.as_ref().expect("only a planned cluster is told").formation.clone();
                for (number, address) in untold.iter().enumerate() {
                    let to = own.peers.iter().position(|peer| peer == address).expect("a peer");
                    // What is not carried out now is still under way: it may arrive whenever, or never.
                    if number < done {
                        self.deliver(to, &formation);
                    } else {
                        self.sent.push((to, formation.clone()));
                    }
                }
            }
            Decision::Begin => {
                let plan = self.nodes[at].own.plan.as_mut().expect("only a plan begins");
                plan.stage = PlanStage::Begun;
                if done > 0 {
                    self.nodes[at].own.standing = Standing::Adopted(plan.formation.cluster);
                }
                if done > 1 {
                    self.begin(&self.nodes[at].own.clone());
                }
            }
            Decision::Join { cluster, .. } => self.nodes[at].own.standing = Standing::Adopted(cluster),
        }
        if done < 2 {
            self.nodes[at].runs = false;
        }
    }

    /// The first group begins, unless it has; nothing else may be there then.
    fn begin(&mut self, own: &Own) {
        let formation = &own.plan.as_ref().expect("planned").formation;
        let members = self.begun.entry(formation.cluster).or_insert_with(|| formation.members.clone());
        assert_eq!(*members, formation.members, "a group begins once, with one set of members");
        for node in &self.nodes {
            let cluster = node.own.standing.cluster();
            assert!(
                cluster.is_none() || cluster == Some(formation.cluster),
                "{:?} begins over a node of {cluster:?}",
                formation.cluster
            );
        }
    }

    /// Everything runs and every message arrives, for as long as it takes.
    pub(super) fn calm(&mut self) {
        for _ in 0..8 {
            for at in 0..self.nodes.len() {
                self.nodes[at].runs = true;
                self.step(at, u8::MAX, usize::MAX);
                self.notice(at);
            }
        }
    }

    pub(super) fn clusters(&self) -> BTreeSet<Option<ClusterId>> {
        self.nodes.iter().map(|node| node.own.standing.cluster()).collect()
    }

    pub(super) fn is_formed(&self) -> bool {
        let members = self.nodes.iter().all(|node| matches!(node.own.standing, Standing::Member(_)));
        members && self.clusters().len() == 1
    }
}
