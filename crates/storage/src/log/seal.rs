//! Sealing: a full segment gets its footer once nothing is on its way to it.

use super::{Log, OpenSegment};
use crate::format::Entry;
use crate::format::footer::encode_footer;
use esker_env::{DiskFile, DiskResult};
use std::sync::Arc;

/// A segment whose records are all durable and in the index.
#[derive(Debug)]
pub(crate) struct Sealable {
    pub(crate) segment: Arc<OpenSegment>,
    pub(crate) data_end: u64,
}

impl Log {
    /// The oldest full segment, if nothing is on its way to it. Only ever the oldest: the segments that the
    /// index covers are then the oldest ones, so a tombstone is never covered while a fragment that it speaks of
    /// is not.
    pub(crate) fn sealable(&self) -> Option<Sealable> {
        let state = self.state();
        let oldest = state.rolled.front().filter(|rolled| !rolled.segment.is_pinned())?;
        Some(Sealable { segment: oldest.segment.clone(), data_end: oldest.data_end })
    }

    /// Forgets a segment that was sealed or removed.
    pub(crate) fn sealed(&self, number: u64) {
        self.state().rolled.retain(|rolled| rolled.segment.number != number);
    }

    /// Makes the open segment one to be sealed, before the store is closed.
    pub(crate) fn close_active(&self) {
        let mut state = self.state();
        self.retire_active(&mut state);
    }
}

/// Writes the footer at `data_end`, cuts the file after it, and makes both durable. Returns the file's length.
///
/// The records must be durable already: a footer vouches for what it lists.
pub(crate) fn write_footer(
    file: &dyn DiskFile,
    (number, salt): (u64, u64),
    data_end: u64,
    entries: &[Entry],
) -> DiskResult<u64> {
    let footer = encode_footer(number, salt, data_end, entries);
    let file_bytes = data_end + footer.len() as u64;
    // Written before the rest is cut off, so that it mostly lands in space that is already ours.
    file.write_at(&footer, data_end)?;
    file.truncate(file_bytes)?;
    file.sync_data()?;
    Ok(file_bytes)
}
