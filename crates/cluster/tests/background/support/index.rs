//! The metadata layer as one process: the real state machine over rows in memory, without Raft.

use async_trait::async_trait;
use esker_env::Clock;
use esker_index::command::{Command, CommandBody};
use esker_index::invariants;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, GroupSummary, Query, Topology};
use esker_index::rows::MemoryRows;
use esker_rpc::{Metadata, MetadataError, Proposal};
use esker_types::{GroupId, NodeId, RequestId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub struct Index {
    clock: Arc<dyn Clock>,
    groups: Mutex<BTreeMap<GroupId, MemoryRows>>,
    leader: Mutex<Option<NodeId>>,
    requests: Mutex<u128>,
}

impl Index {
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Index> {
        Arc::new(Index {
            clock,
            groups: Mutex::default(),
            leader: Mutex::default(),
            requests: Mutex::default(),
        })
    }

    /// Which node leads all groups.
    pub fn set_leader(&self, node: Option<NodeId>) {
        *self.leader.lock().unwrap() = node;
    }

    pub fn leader(&self) -> Option<NodeId> {
        *self.leader.lock().unwrap()
    }

    pub fn apply(&self, group: GroupId, body: CommandBody) -> Outcome {
        let mut requests = self.requests.lock().unwrap();
        *requests += 1;
        let now = self.clock.now();
        let request = RequestId(Uuid::from_u128(*requests));
        let command = Command { request, deadline: now.plus_millis(30_000), proposed_at: now, body };
        drop(requests);
        self.run(group, &command)
    }

    fn run(&self, group: GroupId, command: &Command) -> Outcome {
        // Through its stored form, as a log would.
        let command = Command::decode(command.encode()).unwrap();
        let mut groups = self.groups.lock().unwrap();
        esker_index::apply(groups.entry(group).or_default(), group, &command).unwrap()
    }

    pub fn ask(&self, query: &Query) -> Answer {
        let mut groups = self.groups.lock().unwrap();
        esker_index::answer(groups.entry(GroupId::DIRECTORY).or_default(), query).unwrap()
    }

    pub fn topology(&self) -> Topology {
        match self.ask(&Query::Topology { newer_than: 0 }) {
            Answer::Topology(Some(topology)) => topology,
            other => panic!("no topology: {other:?}"),
        }
    }

    pub fn summary(&self) -> GroupSummary {
        match self.ask(&Query::GroupSummary) {
            Answer::GroupSummary(summary) => summary,
            other => panic!("no summary: {other:?}"),
        }
    }

    /// Checks what must always hold of the rows.
    pub fn check(&self) {
        let groups = self.groups.lock().unwrap();
        for rows in groups.values() {
            invariants::check(rows).unwrap();
        }
    }
}

/// The metadata layer as one node has it.
pub struct Seat {
    pub index: Arc<Index>,
    pub node: Option<NodeId>,
}

#[async_trait]
impl Metadata for Seat {
    async fn propose(&self, group: GroupId, proposal: Proposal) -> Result<Outcome, MetadataError> {
        let Proposal { request, deadline, body } = proposal;
        let command = Command { request, deadline, proposed_at: self.index.clock.now(), body };
        tokio::task::yield_now().await;
        let outcome = self.index.run(group, &command);
        tokio::task::yield_now().await;
        Ok(outcome)
    }

    async fn query(&self, group: GroupId, query: Query) -> Result<Answer, MetadataError> {
        tokio::task::yield_now().await;
        let answer = {
            let mut groups = self.index.groups.lock().unwrap();
            esker_index::answer(groups.entry(group).or_default(), &query).unwrap()
        };
        tokio::task::yield_now().await;
        Ok(answer)
    }

    fn leads(&self, _group: GroupId) -> bool {
        self.node.is_some() && self.index.leader() == self.node
    }
}
