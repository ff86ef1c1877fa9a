//! What each group has, as its callers see it: every record that was accepted counts, on disk or not.

use crate::bounds::{Bounds, Refusal};
use crate::cache::{Cache, Stamp};
use crate::record::{Item, Record};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::ops::{Range, RangeInclusive};

/// What the log holds for a Raft group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupState {
    /// The last vote.
    pub vote: Option<Bytes>,
    /// The last committed id.
    pub committed: Option<Bytes>,
    /// The last purged index, and its id.
    pub purged: Option<(u64, Bytes)>,
    /// The entries present: all from the first to the last.
    pub entries: Option<RangeInclusive<u64>>,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    /// Of the record's header. Segments are shorter than 4 GiB.
    pub(crate) offset: u32,
    pub(crate) payload_bytes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Waiting(Stamp),
    Stored(Place),
}

/// An entry that was asked for.
#[derive(Debug)]
pub(crate) enum Found {
    InMemory(Bytes),
    OnDisk(Place),
}

#[derive(Debug, Default)]
struct Group {
    bounds: Bounds,
    /// The index of `slots[0]`. Larger than the first of `bounds` only during recovery.
    slots_first: u64,
    slots: VecDeque<Slot>,
    vote: Option<Bytes>,
    committed: Option<Bytes>,
    purged: Bytes,
}

impl Group {
    fn apply(&mut self, record: &Record, slot: Slot) -> Result<(), Refusal> {
        self.bounds.apply(record)?;
        match record {
            Record::Entry { index, .. } => {
                if self.slots.is_empty() {
                    self.slots_first = *index;
                }
                self.slots.push_back(slot);
            }
            Record::Truncate { .. } => self.fit_slots(),
            Record::Purge { payload, .. } => {
                self.purged = payload.clone();
                self.fit_slots();
            }
            Record::Vote { payload, .. } => self.vote = Some(payload.clone()),
            Record::Committed { payload, .. } => self.committed = Some(payload.clone()),
        }
        Ok(())
    }

    /// Drops the slots that are out of bounds now.
    fn fit_slots(&mut self) {
        let Some((first, last)) = self.bounds.span else {
            self.slots.clear();
            return;
        };
        let before = first.saturating_sub(self.slots_first).min(self.slots.len() as u64);
        self.slots.drain(..usize::try_from(before).unwrap_or(usize::MAX));
        self.slots_first += before;
        let keep = (last + 1).saturating_sub(self.slots_first);
        self.slots.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }

    fn slot(&self, index: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(index.checked_sub(self.slots_first)?).ok()?)
    }

    fn is_complete(&self) -> bool {
        self.bounds.span.is_none_or(|(first, last)| self.slots.len() as u64 == last - first + 1)
    }

    fn state(&self) -> GroupState {
        GroupState {
            vote: self.vote.clone(),
            committed: self.committed.clone(),
            purged: self.bounds.purged.map(|index| (index, self.purged.clone())),
            entries: self.bounds.span.map(|(first, last)| first..=last),
        }
    }
}

/// All groups.
#[derive(Debug)]
pub(crate) struct Index {
    groups: BTreeMap<u16, Group>,
    cache: Cache,
    next_stamp: Stamp,
}

impl Index {
    pub(crate) fn new(cache_bytes_max: u64) -> Index {
        Index { groups: BTreeMap::new(), cache: Cache::new(cache_bytes_max), next_stamp: 0 }
    }

    /// Accepts all of `records` or none. Returns the stamp of the first entry; the others follow.
    pub(crate) fn accept(&mut self, records: &[Record]) -> Result<Stamp, Refusal> {
        let mut trial: BTreeMap<u16, Bounds> = BTreeMap::new();
        for record in records {
            let group = record.group();
            let known = || self.groups.get(&group).map(|found| found.bounds).unwrap_or_default();
            trial.entry(group).or_insert_with(known).apply(record)?;
        }
        let first_stamp = self.next_stamp;
        for record in records {
            let before = self.groups.get(&record.group()).and_then(|group| group.bounds.span);
            self.groups.entry(record.group()).or_default().apply(record, Slot::Waiting(self.next_stamp))?;
            match (record, before) {
                (Record::Entry { group, index, payload }, _) => {
                    self.cache.insert(*group, *index, self.next_stamp, payload.clone());
                    self.next_stamp += 1;
                }
                (Record::Truncate { group, from_index }, Some(_)) => {
                    self.cache.remove(*group, *from_index, u64::MAX);
                }
                (Record::Purge { group, upto_index, .. }, Some(_)) => {
                    self.cache.remove(*group, 0, *upto_index);
                }
                _ => {}
            }
        }
        Ok(first_stamp)
    }

    /// Notes where entries were stored: group, index, stamp and place, in the order of their stamps. One that
    /// was removed or replaced meanwhile is passed over.
    pub(crate) fn stored(&mut self, entries: &[(u16, u64, Stamp, Place)]) {
        for &(group, index, stamp, place) in entries {
            let slot = self.groups.get_mut(&group).and_then(|group| {
                let at = usize::try_from(index.checked_sub(group.slots_first)?).ok()?;
                group.slots.get_mut(at)
            });
            if let Some(slot) = slot
                && *slot == Slot::Waiting(stamp)
            {
                *slot = Slot::Stored(place);
            }
        }
        if let Some((.., stamp, _)) = entries.last() {
            self.cache.stored(stamp + 1);
        }
    }

    /// Follows what a segment holds. `place` is that of the item. An error says that the items contradict one
    /// another.
    pub(crate) fn replay(&mut self, item: &Item, place: Place, age: SegmentAge) -> Result<(), &'static str> {
        match *item {
            Item::Record(ref record) => {
                let group = self.groups.entry(record.group()).or_default();
                group.apply(record, Slot::Stored(place)).map_err(|_| "a record doesn't continue the log")
            }
            Item::Span { group, first, last } => {
                let group = self.groups.entry(group).or_default();
                let follows = group.bounds.purged.is_none_or(|purged| purged < first);
                if first > last || last == u64::MAX || !follows {
                    return Err("a segment's head names impossible entries");
                }
                match age {
                    SegmentAge::Oldest if group.bounds.span.is_none() => {
                        group.bounds.span = Some((first, last));
                        Ok(())
                    }
                    SegmentAge::Later if group.bounds.span == Some((first, last)) => Ok(()),
                    _ => Err("a segment's head names other entries than the segments before hold"),
                }
            }
        }
    }

    /// A group of which entries are missing, after all segments were followed.
    pub(crate) fn incomplete_group(&self) -> Option<u16> {
        self.groups.iter().find(|(_, group)| !group.is_complete()).map(|(&group, _)| group)
    }

    /// The entries of `range` that exist, until their payloads reach `bytes_max`; at least one if any exists.
    pub(crate) fn find(&self, group: u16, range: &Range<u64>, bytes_max: u64) -> Vec<(u64, Found)> {
        let Some(state) = self.groups.get(&group) else {
            return Vec::new();
        };
        let Some((first, last)) = state.bounds.span else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut bytes = 0;
        for index in range.start.max(first)..range.end.min(last + 1) {
            let (entry, len) = match (self.cache.get(group, index), state.slot(index)) {
                (Some(payload), _) => (Found::InMemory(payload.clone()), payload.len() as u64),
                (None, Some(Slot::Stored(place))) => (Found::OnDisk(*place), u64::from(place.payload_bytes)),
                // Entries that wait are cached.
                (None, _) => break,
            };
            bytes += len;
            if bytes > bytes_max && !found.is_empty() {
                break;
            }
            found.push((index, entry));
        }
        found
    }

    pub(crate) fn state(&self, group: u16) -> GroupState {
        self.groups.get(&group).map(Group::state).unwrap_or_default()
    }

    pub(crate) fn states(&self) -> BTreeMap<u16, GroupState> {
        self.groups.iter().map(|(&id, group)| (id, group.state())).collect()
    }
}

/// Whether entries may lie in segments that were purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentAge {
    /// The first segment that is left.
    Oldest,
    /// A segment with another before it.
    Later,
}
