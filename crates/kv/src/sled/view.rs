//! Views over a tree that keeps changing.
//!
//! A view reads the tree first and consults the history second. A commit notes the old value first and changes the tree
//! second. So whatever a view reads from the tree is either of its own time, or overruled by a note that it then finds.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::error::sled_error;
use super::history::CommitNumber;
use super::{Shared, layout};
use crate::pairs::UntilError;
use crate::{Direction, KeyRange, Keyspace, KvError, Pairs, View};

/// A registered reader as of one commit.
#[derive(Debug)]
pub(super) struct SledView {
    shared: Arc<Shared>,
    at: CommitNumber,
}

impl SledView {
    pub(super) fn new(shared: Arc<Shared>, at: CommitNumber) -> Self {
        Self { shared, at }
    }
}

impl Drop for SledView {
    fn drop(&mut self) {
        self.shared.close_view(self.at);
    }
}

impl View for SledView {
    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.shared.history().check("get", keyspace, self.at)?;
        let stored_key = layout::stored_key(keyspace.id(), key);
        let now = self.shared.read("get", &stored_key)?;
        Ok(self.shared.history().replaced_since(&stored_key, self.at).unwrap_or(now))
    }

    fn range(
        &self,
        keyspace: &Keyspace,
        range: KeyRange,
        direction: Direction,
    ) -> Result<Pairs<'_>, KvError> {
        self.shared.history().check("scan", keyspace, self.at)?;
        if range.is_empty() {
            return Ok(Box::new(std::iter::empty()));
        }
        let stored = stored_range(keyspace.id(), &range);
        let rows = self.shared.tree().range::<Bytes, _>((stored.start.clone(), stored.end.clone()));
        Ok(Box::new(UntilError::new(Scan {
            view: self,
            rows,
            ahead: Ahead::Unknown,
            rest: stored,
            direction,
        })))
    }
}

fn stored_range(id: u64, range: &KeyRange) -> KeyRange {
    let stored = |key: &Bytes| layout::stored_key(id, key);
    let (first, last) = layout::all_rows(id);
    let start = match &range.start {
        Bound::Unbounded => first,
        bound => bound.as_ref().map(stored),
    };
    let end = match &range.end {
        Bound::Unbounded => last,
        bound => bound.as_ref().map(stored),
    };
    KeyRange { start, end }
}

/// The tree's next row, read ahead to be compared with the history's next note.
enum Ahead {
    Unknown,
    Row(Bytes, Bytes),
    End,
}

/// Merges the tree's rows with the notes, in scan order; the notes win.
struct Scan<'a> {
    view: &'a SledView,
    rows: sled::Iter,
    ahead: Ahead,
    rest: KeyRange,
    direction: Direction,
}

impl Scan<'_> {
    fn read_ahead(&mut self) -> Result<(), KvError> {
        if matches!(self.ahead, Ahead::Unknown) {
            let row = match self.direction {
                Direction::Forward => self.rows.next(),
                Direction::Backward => self.rows.next_back(),
            };
            self.ahead = match row.transpose().map_err(|e| sled_error("scan", e))? {
                Some((key, value)) => {
                    Ahead::Row(Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value))
                }
                None => Ahead::End,
            };
        }
        Ok(())
    }

    fn comes_first(&self, key: &Bytes, other: &Bytes) -> bool {
        match self.direction {
            Direction::Forward => key < other,
            Direction::Backward => key > other,
        }
    }

    /// The next key in scan order with its value in the view, `None` for a key that is not in the view.
    fn step(&mut self) -> Result<Option<(Bytes, Option<Bytes>)>, KvError> {
        self.read_ahead()?;
        let note = self.view.shared.history().first_replaced_since(&self.rest, self.direction, self.view.at);
        let (key, value) = match (&self.ahead, note) {
            (Ahead::Row(key, value), None) => (key.clone(), Some(value.clone())),
            (Ahead::Row(key, value), Some((noted, _))) if self.comes_first(key, &noted) => {
                (key.clone(), Some(value.clone()))
            }
            (_, Some(note)) => note,
            (_, None) => return Ok(None),
        };
        if matches!(&self.ahead, Ahead::Row(ahead, _) if *ahead == key) {
            self.ahead = Ahead::Unknown;
        }
        self.rest = self.rest.clone().rest_beyond(key.clone(), self.direction);
        Ok(Some((key, value)))
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<(Bytes, Bytes), KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Some((key, Some(value)))) => return Some(Ok((layout::own_key(key), value))),
                Ok(Some((_, None))) => {}
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
