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
}

impl Record for GroupRecord {
    const NAME: &'static str = "group record";

    fn write(&self, w: &mut Writer) {
        w.time(self.time).u64(self.last_bucket).u64(self.next_garbage).u64(self.first_garbage);
        w.time(self.outcomes_from).time(self.completed_from);
    }

    fn read(r: &mut Reader) -> Result<Self, Malformed> {
        Ok(GroupRecord {
            time: r.time()?,
            last_bucket: r.u64()?,
            next_garbage: r.u64()?,
            first_garbage: r.u64()?,
            outcomes_from: r.time()?,
            completed_from: r.time()?,
        })
    }
}
