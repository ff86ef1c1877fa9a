//! Views over fjall's snapshots.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fjall::{Guard, Readable, Snapshot};

use super::error::fjall_error;
use super::{Spaces, find};
use crate::pairs::UntilError;
use crate::{Direction, KeyRange, Keyspace, KvError, Pairs, View};

/// A snapshot, with the keyspaces that existed when it was taken.
pub(super) struct FjallView {
    snapshot: Snapshot,
    spaces: Arc<Spaces>,
}

impl FjallView {
    pub(super) fn new(snapshot: Snapshot, spaces: Arc<Spaces>) -> Self {
        Self { snapshot, spaces }
    }
}

impl fmt::Debug for FjallView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallView").field("sequence", &self.snapshot.seqno()).finish_non_exhaustive()
    }
}

impl View for FjallView {
    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let space = find(&self.spaces, "get", keyspace)?;
        if key.is_empty() {
            return Ok(None);
        }
        Ok(self.snapshot.get(space, key).map_err(|e| fjall_error("get", e))?.map(Bytes::from))
    }

    fn range(
        &self,
        keyspace: &Keyspace,
        range: KeyRange,
        direction: Direction,
    ) -> Result<Pairs<'_>, KvError> {
        let space = find(&self.spaces, "scan", keyspace)?;
        if range.is_empty() {
            return Ok(Box::new(std::iter::empty()));
        }
        let rows = self.snapshot.range(space, (range.start, range.end));
        Ok(match direction {
            Direction::Forward => Box::new(UntilError::new(rows.map(into_pair))),
            Direction::Backward => Box::new(UntilError::new(rows.rev().map(into_pair))),
        })
    }
}

fn into_pair(row: Guard) -> Result<(Bytes, Bytes), KvError> {
    let (key, value) = row.into_inner().map_err(|e| fjall_error("scan", e))?;
    Ok((key.into(), value.into()))
}
