//! The rows that the state machine reads and writes, and the overlay in which a batch of commands is applied
//! before any engine sees it.
//!
//! **Architecture Invariant:** the index knows no engine. Whoever hosts it hands in something that can read
//! rows, and commits the overlay's changes as one atomic batch.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

/// Rows could not be read. The state machine can't go on: its host must stop, since skipping a command would
/// make this replica differ from the others.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The engine failed.
    #[error("the engine failed to read a row: {0}")]
    Engine(String),
    /// A row's bytes are not what this version, or an older one, wrote.
    #[error("row {key} is corrupt: {what}")]
    Corrupt {
        /// The row's key, escaped.
        key: String,
        /// What is wrong with it.
        what: String,
    },
}

impl RowsError {
    /// A corrupt row.
    pub fn corrupt(key: &[u8], what: impl Into<String>) -> RowsError {
        RowsError::Corrupt { key: key.escape_ascii().to_string(), what: what.into() }
    }
}

/// Visits one row; `Break` ends the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &Bytes) -> ControlFlow<()> + 'a;

/// Ordered rows, as of one moment.
pub trait ReadRows {
    /// The row's value.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError>;

    /// Visits the rows with `start <= key < end` in ascending order until `visit` breaks. Reads lazily: rows
    /// that are not visited are not read.
    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError>;
}

/// Rows that can be changed. A change is seen by every later read through the same value.
pub trait Rows: ReadRows {
    /// Writes a row.
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>);
    /// Removes a row; removing what is not there is fine.
    fn delete(&mut self, key: Vec<u8>);
}

/// Changes over a base that stays as it is: key to new value, or to `None` where the row is removed.
pub struct Overlay<'a, R: ReadRows + ?Sized> {
    base: &'a R,
    changes: BTreeMap<Vec<u8>, Option<Bytes>>,
}

impl<'a, R: ReadRows + ?Sized> Overlay<'a, R> {
    /// No changes yet.
    pub fn new(base: &'a R) -> Overlay<'a, R> {
        Overlay { base, changes: BTreeMap::new() }
    }

    /// The changes, in key order, to be committed as one batch.
    pub fn into_changes(self) -> BTreeMap<Vec<u8>, Option<Bytes>> {
        self.changes
    }

    /// How many rows were changed.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl<R: ReadRows + ?Sized> ReadRows for Overlay<'_, R> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError> {
        if start >= end {
            return Ok(());
        }
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        let mut changes = self.changes.range::<[u8], _>(bounds).peekable();
        let mut ended = false;
        self.base.scan(start, end, &mut |key, value| {
            while let Some((changed, change)) = changes.next_if(|(changed, _)| changed.as_slice() < key) {
                if let Some(value) = change
                    && visit(changed, value).is_break()
                {
                    ended = true;
                    return ControlFlow::Break(());
                }
            }
            let flow = match changes.next_if(|(changed, _)| changed.as_slice() == key) {
                Some((_, Some(value))) => visit(key, value),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, value),
            };
            ended = flow.is_break();
            flow
        })?;
        if ended {
            return Ok(());
        }
        for (key, change) in changes {
            if let Some(value) = change
                && visit(key, value).is_break()
            {
                break;
            }
        }
        Ok(())
    }
}

impl<R: ReadRows + ?Sized> Rows for Overlay<'_, R> {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.insert(key, Some(value.into()));
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.changes.insert(key, None);
    }
}

/// Rows in memory: the base of tests, simulations and tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryRows {
    rows: BTreeMap<Vec<u8>, Bytes>,
}

impl MemoryRows {
    /// Applies an overlay's changes.
    pub fn apply(&mut self, changes: BTreeMap<Vec<u8>, Option<Bytes>>) {
        for (key, change) in changes {
            match change {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Bytes)> {
        self.rows.iter().map(|(key, value)| (key.as_slice(), value))
    }
}

impl ReadRows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visit<'_>) -> Result<(), RowsError> {
        if start < end {
            let bounds = (Bound::Included(start), Bound::Excluded(end));
            for (key, value) in self.rows.range::<[u8], _>(bounds) {
                if visit(key, value).is_break() {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Rows for MemoryRows {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.rows.insert(key, value.into());
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.rows.remove(&key);
    }
}
