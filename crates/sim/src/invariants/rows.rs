//! A machine's rows of the index, read from below the process that uses them.

use crate::world::machine::Machine;
use bytes::Bytes;
use esker_index::rows::{ReadRows, RowsError, Visit};
use esker_kv::{Direction, KeyRange, Keyspace, View};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The keyspaces of the directory group's rows, and the row that says of which log entry they are the result.
const KEYSPACES: &str = "sm-0-";
const MARK: &[u8] = &[0xff];

/// The rows of one machine at one moment.
#[derive(Debug)]
pub struct MachineRows {
    view: Arc<dyn View>,
    keyspace: Keyspace,
    /// The last applied entry, in the machine's own encoding.
    pub applied: Bytes,
}

impl MachineRows {
    /// The rows that count, if there are any.
    pub fn of(machine: &Machine) -> Option<MachineRows> {
        // Rows that are being received have no mark yet.
        machine.engine().spaces(KEYSPACES).into_iter().rev().find_map(|(_, keyspace, view)| {
            let applied = view.get(&keyspace, MARK).ok()??;
            Some(MachineRows { view, keyspace, applied })
        })
    }

    /// How many snapshots the replica has received, as the name of its keyspace says.
    pub fn snapshots(&self) -> u64 {
        self.keyspace.name().strip_prefix(KEYSPACES).and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

fn failed(error: &esker_kv::KvError) -> RowsError {
    RowsError::Engine(error.to_string())
}

impl ReadRows for MachineRows {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.view.get(&self.keyspace, key).map_err(|error| failed(&error))
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError> {
        let end = if end < MARK { end } else { MARK };
        let range = KeyRange::from_to(Bytes::copy_from_slice(start), Bytes::copy_from_slice(end));
        let pairs = self.view.range(&self.keyspace, range, Direction::Forward);
        for pair in pairs.map_err(|error| failed(&error))? {
            let (key, value) = pair.map_err(|error| failed(&error))?;
            if let ControlFlow::Break(()) = visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }
}
