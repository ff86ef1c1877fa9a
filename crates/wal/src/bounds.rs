//! Which entries a group has, and which records may follow: one rule for callers, the writer and recovery.

use crate::record::Record;

/// Why records don't continue a group's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An entry that doesn't follow the last one.
    #[error("group {group} needs entry {expected} next, not {index}")]
    Gap {
        /// The Raft group.
        group: u16,
        /// The index that comes next.
        expected: u64,
        /// The index that was given.
        index: u64,
    },
    /// An index too large to have a successor.
    #[error("group {group} can't have an entry with the largest of all indexes")]
    IndexTooLarge {
        /// The Raft group.
        group: u16,
    },
    /// A truncation of entries that are purged, hence committed.
    #[error(
        "group {group} can't remove entries from {from_index} on, because those up to {purged} are purged"
    )]
    TruncatesPurged {
        /// The Raft group.
        group: u16,
        /// The first index to remove.
        from_index: u64,
        /// The last purged index.
        purged: u64,
    },
    /// A purge behind an earlier one.
    #[error("group {group} is purged up to {purged} and can't go back to {upto_index}")]
    PurgesLess {
        /// The Raft group.
        group: u16,
        /// The last index to remove.
        upto_index: u64,
        /// The last purged index.
        purged: u64,
    },
    /// A payload over its limit.
    #[error("a payload of {bytes} bytes is over the limit of {bytes_max}")]
    TooLarge {
        /// The payload's length.
        bytes: u64,
        /// The longest allowed.
        bytes_max: u64,
    },
}

/// The indexes of a group's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) purged: Option<u64>,
    /// The first and the last index present.
    pub(crate) span: Option<(u64, u64)>,
}

impl Bounds {
    /// Follows one record.
    pub(crate) fn apply(&mut self, record: &Record) -> Result<(), Refusal> {
        match *record {
            Record::Entry { group, index, .. } => self.append(group, index),
            Record::Truncate { group, from_index } => self.truncate(group, from_index),
            Record::Purge { group, upto_index, .. } => self.purge(group, upto_index),
            Record::Vote { .. } | Record::Committed { .. } => Ok(()),
        }
    }

    fn append(&mut self, group: u16, index: u64) -> Result<(), Refusal> {
        // No index is the largest, so adding one never overflows.
        if index == u64::MAX {
            return Err(Refusal::IndexTooLarge { group });
        }
        let last = self.span.map(|(_, last)| last).or(self.purged);
        match last {
            Some(last) if index != last + 1 => Err(Refusal::Gap { group, expected: last + 1, index }),
            _ => {
                self.span = Some((self.span.map_or(index, |(first, _)| first), index));
                Ok(())
            }
        }
    }

    fn truncate(&mut self, group: u16, from_index: u64) -> Result<(), Refusal> {
        if let Some(purged) = self.purged.filter(|&purged| from_index <= purged) {
            return Err(Refusal::TruncatesPurged { group, from_index, purged });
        }
        self.span = match self.span {
            Some((first, last)) if from_index > first => Some((first, last.min(from_index - 1))),
            _ => None,
        };
        Ok(())
    }

    fn purge(&mut self, group: u16, upto_index: u64) -> Result<(), Refusal> {
        if upto_index == u64::MAX {
            return Err(Refusal::IndexTooLarge { group });
        }
        if let Some(purged) = self.purged.filter(|&purged| upto_index < purged) {
            return Err(Refusal::PurgesLess { group, upto_index, purged });
        }
        self.purged = Some(upto_index);
        self.span = match self.span {
            Some((first, last)) if upto_index < last => Some((first.max(upto_index + 1), last)),
            _ => None,
        };
        Ok(())
    }
}
