//! One group's rows in memory, to which a test applies one command after the other; every invariant holds after
//! each, and none touches more rows than a command may.

use esker_index::command::{Command, CommandBody};
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, GroupSummary, Query, Topology};
use esker_index::rows::{MemoryRows, Overlay};
use esker_types::{DataId, GroupId, NodeId, RequestId, Timestamp};
use uuid::Uuid;

/// Most rows that one command changes.
const ROWS_MAX: usize = 1_000;

pub(crate) struct Group {
    pub(crate) id: GroupId,
    pub(crate) rows: MemoryRows,
    pub(crate) now: Timestamp,
    commands: u128,
}

impl Group {
    pub(crate) fn new(id: GroupId) -> Group {
        Group { id, rows: MemoryRows::default(), now: Timestamp::from_millis(1_000), commands: 0 }
    }

    pub(crate) fn run(&mut self, body: CommandBody) -> Outcome {
        self.commands += 1;
        let request = RequestId(Uuid::from_u128(self.commands));
        let command =
            Command { request, deadline: self.now.plus_millis(30_000), proposed_at: self.now, body };
        self.apply(&command)
    }

    pub(crate) fn apply(&mut self, command: &Command) -> Outcome {
        let command = Command::decode(command.encode()).expect("a command round-trips");
        let mut overlay = Overlay::new(&self.rows);
        let outcome = esker_index::apply(&mut overlay, self.id, &command).expect("rows can be read");
        assert!(overlay.len() <= ROWS_MAX, "{} rows were changed", overlay.len());
        let changes = overlay.into_changes();
        self.rows.apply(changes);
        esker_index::invariants::check(&self.rows).expect("all invariants hold");
        outcome
    }

    /// Through the bytes that nodes send.
    pub(crate) fn answer(&self, query: &Query) -> Answer {
        let query = Query::decode(query.encode()).expect("a query round-trips");
        let answer = esker_index::answer(&self.rows, &query).expect("rows can be read");
        assert_eq!(Answer::decode(answer.encode()).as_ref(), Ok(&answer));
        answer
    }

    pub(crate) fn topology(&self) -> Topology {
        match self.answer(&Query::Topology { newer_than: 0 }) {
            Answer::Topology(topology) => topology.unwrap_or_default(),
            other => panic!("no topology: {other:?}"),
        }
    }

    pub(crate) fn repairs(&self, node: NodeId, after: Option<DataId>, limit: usize) -> Vec<(DataId, u64)> {
        match self.answer(&Query::Repairs { node, after, limit }) {
            Answer::Repairs(repairs) => repairs,
            other => panic!("no repairs: {other:?}"),
        }
    }

    pub(crate) fn summary(&self) -> GroupSummary {
        match self.answer(&Query::GroupSummary) {
            Answer::GroupSummary(summary) => summary,
            other => panic!("no summary: {other:?}"),
        }
    }
}
