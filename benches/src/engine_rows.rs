//! The version index's rows on a storage engine: a command is applied to one view and committed as one batch, as
//! the state machine of a group does.

use bytes::Bytes;
use esker_index::command::Command;
use esker_index::outcome::Outcome;
use esker_index::query::{Answer, Query};
use esker_index::rows::{Overlay, ReadRows, RowsError, Visit};
use esker_kv::{Batch, Direction, Durability, Engine, KeyRange, Keyspace, View};
use esker_types::GroupId;
use std::fmt::Display;
use std::sync::Arc;

/// One group's rows.
#[derive(Debug)]
pub struct EngineRows {
    engine: Arc<dyn Engine>,
    keyspace: Keyspace,
}

/// The rows as of one moment.
struct RowsView<'a> {
    view: Arc<dyn View>,
    keyspace: &'a Keyspace,
}

fn failed(error: impl Display) -> RowsError {
    RowsError::Engine(error.to_string())
}

impl ReadRows for RowsView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.view.get(self.keyspace, key).map_err(failed)
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError> {
        if start >= end {
            return Ok(());
        }
        let range = KeyRange::from_to(start.to_vec(), end.to_vec());
        for pair in self.view.range(self.keyspace, range, Direction::Forward).map_err(failed)? {
            let (key, value) = pair.map_err(failed)?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl EngineRows {
    /// The rows that `engine` holds.
    ///
    /// # Panics
    /// If the engine fails; so do all other methods.
    pub fn new(engine: Arc<dyn Engine>) -> EngineRows {
        let keyspace = engine.open_keyspace("rows").expect("a keyspace opens");
        EngineRows { engine, keyspace }
    }

    fn view(&self) -> RowsView<'_> {
        RowsView { view: self.engine.view().expect("a view opens"), keyspace: &self.keyspace }
    }

    /// Applies commands one after the other and commits them as one batch, not synced: the log is.
    pub fn apply<'a>(&self, commands: impl IntoIterator<Item = &'a Command>) -> Vec<Outcome> {
        let view = self.view();
        let mut overlay = Overlay::new(&view);
        let apply = |command| esker_index::apply(&mut overlay, GroupId(0), command).expect("rows are read");
        let outcomes = commands.into_iter().map(apply).collect();
        let mut batch = Batch::new();
        for (key, change) in overlay.into_changes() {
            match change {
                Some(value) => batch.put(&self.keyspace, key, value),
                None => batch.delete(&self.keyspace, key),
            }
        }
        self.engine.commit(batch, Durability::Buffered).expect("a batch commits");
        outcomes
    }

    /// Compacts the rows.
    pub fn compact(&self) {
        self.engine.compact(&self.keyspace).expect("the engine compacts");
    }

    /// Answers a query.
    pub fn answer(&self, query: &Query) -> Answer {
        esker_index::answer(&self.view(), query).expect("rows are read")
    }
}
