//! A group's rows as of one applied log entry.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use esker_index::rows::{ReadRows, RowsError, Visit};
use esker_kv::{Direction, KeyRange, Keyspace, KvError, Pairs, View};

use crate::rows::{MARK, Pointer};

/// Rows that never change, and the log entry that they are the result of. Reading blocks on the engine.
#[derive(Clone, Debug)]
pub(crate) struct RowsView {
    pub(crate) view: Arc<dyn View>,
    pub(crate) keyspace: Keyspace,
    pub(crate) pointer: Pointer,
}

impl RowsView {
    /// The rows of the index from a key on, in the order of their keys.
    pub(crate) fn rows_from(&self, start: Bytes) -> Result<Pairs<'_>, KvError> {
        let range = KeyRange::from_to(start, Bytes::from_static(MARK));
        self.view.range(&self.keyspace, range, Direction::Forward)
    }
}

fn failed(error: &KvError) -> RowsError {
    RowsError::Engine(error.to_string())
}

impl ReadRows for RowsView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.view.get(&self.keyspace, key).map_err(|error| failed(&error))
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError> {
        let range = KeyRange::from_to(Bytes::copy_from_slice(start), Bytes::copy_from_slice(end));
        for pair in
            self.view.range(&self.keyspace, range, Direction::Forward).map_err(|error| failed(&error))?
        {
            let (key, value) = pair.map_err(|error| failed(&error))?;
            if let ControlFlow::Break(()) = visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }
}
