//! The row of a Raft group.

use super::Record;
use crate::codec::{Malformed, Reader, Writer};
use esker_types::Timestamp;

/// What a Raft group knows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct GroupRecord {
    /// The group's logical time: the largest `proposed_at` that it applied.
    pub time: Timestamp,
    /// The last bucket id that was given out (group 0 only).
    pub last_bucket: u64,
    /// The number of the next garbage entry.
    pub next_garbage: u64,
    /// No garbage entry has a lower number.
    pub first_garbage: u64,
    /// Outcomes with deadlines below this are gone.
    pub outcomes_from: Timestamp,
    /// Completed uploads to be forgotten before this are gone.
    pub completed_from: Timestamp,
    /// How many repair rows there are.
    pub repairs: u64,
    /// How many garbage entries there are, those below `counted_from` left out.
    pub garbage_entries: u64,
    /// Bytes of data that these entries have left to reclaim, modulo 2^64.
    pub garbage_bytes: u64,
    /// Garbage entries with lower numbers are not in the counters: they were added before there were any. 0 in a
    /// store that always counted. The counters of an older store so begin at 0, and never say too little about
    /// what came later.
    pub counted_from: u64,
}

impl GroupRecord {
    /// Counts a garbage entry that was added.
    pub(crate) fn count_garbage(&mut self, bytes: u64) {
        self.garbage_entries += 1;
        self.garbage_bytes = self.garbage_bytes.wrapping_add(bytes);
    }

    /// Takes reclaimed bytes of an entry out of the counters.
    pub(crate) fn uncount_garbage_bytes(&mut self, entry: u64, bytes: u64) {
        if entry >= self.counted_from {
            self.garbage_bytes = self.garbage_bytes.wrapping_sub(bytes);
        }
    }

    /// Takes an entry that was removed out of the counters.
    pub(crate) fn uncount_garbage_entry(&mut self, entry: u64) {
        if entry >= self.counted_from {
            self.garbage_entries = self.garbage_entries.saturating_sub(1);
        }
    }
}

impl Record for GroupRecord {
    const NAME: &'static str = "group record";
    const VERSION: u8 = 2;

    fn write(&self, w: &mut Writer) {
        w.time(self.time).u64(self.last_bucket).u64(self.next_garbage).u64(self.first_garbage);
        w.time(self.outcomes_from).time(self.completed_from);
        w.u64(self.repairs).u64(self.garbage_entries).u64(self.garbage_bytes).u64(self.counted_from);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        let first = read_first(r)?;
        Ok(GroupRecord {
            repairs: r.u64()?,
            garbage_entries: r.u64()?,
            garbage_bytes: r.u64()?,
            counted_from: r.u64()?,
            ..first
        })
    }

    fn read_old(r: &mut Reader, _version: u8) -> Result<Self, Malformed> {
        let first = read_first(r)?;
        Ok(GroupRecord { counted_from: first.next_garbage, ..first })
    }
}

/// The fields of version 1, with which all versions begin.
fn read_first(r: &mut Reader) -> Result<GroupRecord, Malformed> {
    Ok(GroupRecord {
        time: r.time()?,
        last_bucket: r.u64()?,
        next_garbage: r.u64()?,
        first_garbage: r.u64()?,
        outcomes_from: r.time()?,
        completed_from: r.time()?,
        ..GroupRecord::default()
    })
}
