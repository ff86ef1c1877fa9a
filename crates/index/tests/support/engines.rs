//! The state machine on a real engine: applies a command as one batch, as its host does.

use bytes::Bytes;
use esker_index::command::Command;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_index::rows::{Overlay, ReadRows, RowsError, Visit};
use esker_kv::{Batch, Direction, Durability, Engine, KeyRange, Keyspace};
use esker_types::GroupId;
use std::sync::Arc;

/// One group's rows on an engine.
pub(crate) struct Host {
    engine: Arc<dyn Engine>,
    keyspace: Keyspace,
}

struct EngineRows<'a>(&'a Host);

fn failed(e: impl std::fmt::Display) -> RowsError {
    RowsError::Engine(e.to_string())
}

impl ReadRows for EngineRows<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.0.engine.get(&self.0.keyspace, key).map_err(failed)
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError> {
        if start >= end {
            return Ok(());
        }
        let view = self.0.engine.view().map_err(failed)?;
        let range = KeyRange::from_to(start.to_vec(), end.to_vec());
        for pair in view.range(&self.0.keyspace, range, Direction::Forward).map_err(failed)? {
            let (key, value) = pair.map_err(failed)?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Host {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Host {
        let keyspace = engine.open_keyspace("rows").expect("a keyspace opens");
        Host { engine, keyspace }
    }

    pub(crate) fn apply(&self, command: &Command) -> Outcome {
        // Through the stored form, so that what the log holds is what is applied.
        let command = Command::decode(command.encode()).expect("a command round-trips");
        let rows = EngineRows(self);
        let mut overlay = Overlay::new(&rows);
        let outcome = esker_index::apply(&mut overlay, GroupId(0), &command).expect("rows can be read");
        let mut batch = Batch::new();
        for (key, change) in overlay.into_changes() {
            match change {
                Some(value) => batch.put(&self.keyspace, key, value),
                None => batch.delete(&self.keyspace, key),
            }
        }
        self.engine.commit(batch, Durability::Buffered).expect("a batch commits");
        outcome
    }

    pub(crate) fn answer(&self, query: &Query) -> Answer {
        // Through the bytes that nodes send, so that what is asked and answered is what arrives.
        let query = Query::decode(query.encode()).expect("a query round-trips");
        let answer = esker_index::answer(&EngineRows(self), &query).expect("rows can be read");
        Answer::decode(answer.encode()).expect("an answer round-trips")
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        esker_index::invariants::check(&EngineRows(self))
    }

    pub(crate) fn hash(&self) -> u64 {
        esker_index::state_hash(&EngineRows(self)).expect("rows can be read")
    }
}
