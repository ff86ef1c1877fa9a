//! The entries that are kept in memory: those that wait for the disk, and the most recent others.

use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Numbers entries in the order in which they were accepted, so that an entry that replaced another of the same
/// index isn't taken for it.
pub(crate) type Stamp = u64;

/// Recent entries, oldest out first. An entry that waits for the disk stays whatever the budget is.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: BTreeMap<(u16, u64), Cached>,
    /// In order of stamps. May name entries that were removed or replaced.
    order: VecDeque<(Stamp, u16, u64)>,
    bytes: u64,
    bytes_max: u64,
    /// Entries with a lower stamp are on disk.
    stored_before: Stamp,
}

#[derive(Debug)]
struct Cached {
    stamp: Stamp,
    payload: Bytes,
}

/// What an entry costs beyond its payload.
const OVERHEAD_BYTES: u64 = 96;

impl Cache {
    pub(crate) fn new(bytes_max: u64) -> Cache {
        Cache { entries: BTreeMap::new(), order: VecDeque::new(), bytes: 0, bytes_max, stored_before: 0 }
    }

    pub(crate) fn insert(&mut self, group: u16, index: u64, stamp: Stamp, payload: Bytes) {
        self.bytes += cost(&payload);
        if let Some(old) = self.entries.insert((group, index), Cached { stamp, payload }) {
            self.bytes -= cost(&old.payload);
        }
        self.order.push_back((stamp, group, index));
        self.evict();
    }

    pub(crate) fn get(&self, group: u16, index: u64) -> Option<&Bytes> {
        self.entries.get(&(group, index)).map(|cached| &cached.payload)
    }

    /// Forgets the entries of a group from `first` to `last`.
    pub(crate) fn remove(&mut self, group: u16, first: u64, last: u64) {
        let keys: Vec<_> = self.entries.range((group, first)..=(group, last)).map(|(&key, _)| key).collect();
        for key in keys {
            if let Some(old) = self.entries.remove(&key) {
                self.bytes -= cost(&old.payload);
            }
        }
    }

    /// Lets go of what is now on disk: every entry with a stamp below `before`.
    pub(crate) fn stored(&mut self, before: Stamp) {
        self.stored_before = self.stored_before.max(before);
        self.evict();
    }

    fn evict(&mut self) {
        while let Some(&(stamp, group, index)) = self.order.front() {
            let live = self.entries.get(&(group, index)).is_some_and(|cached| cached.stamp == stamp);
            if live && (self.bytes <= self.bytes_max || stamp >= self.stored_before) {
                break;
            }
            self.order.pop_front();
            if live && let Some(old) = self.entries.remove(&(group, index)) {
                self.bytes -= cost(&old.payload);
            }
        }
        // Removed entries behind a live one would pile up in the order otherwise.
        if self.order.len() > 2 * self.entries.len() + 1024 {
            let entries = &self.entries;
            self.order.retain(|(stamp, group, index)| {
                entries.get(&(*group, *index)).is_some_and(|cached| cached.stamp == *stamp)
            });
        }
    }
}

fn cost(payload: &Bytes) -> u64 {
    payload.len() as u64 + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Bytes {
        Bytes::from(vec![1; 104])
    }

    #[test]
    fn the_oldest_stored_entries_go_first_and_waiting_ones_stay() {
        let mut cache = Cache::new(500);
        for index in 0..10 {
            cache.insert(1, index, index, payload());
        }
        assert!((0..10).all(|index| cache.get(1, index).is_some()), "all wait");
        cache.stored(4);
        let present: Vec<u64> = (0..10).filter(|&index| cache.get(1, index).is_some()).collect();
        assert_eq!(present, [4, 5, 6, 7, 8, 9]);
        cache.stored(10);
        let present: Vec<u64> = (0..10).filter(|&index| cache.get(1, index).is_some()).collect();
        assert_eq!(present, [8, 9]);
    }

    #[test]
    fn replaced_and_removed_entries_are_neither_counted_nor_evict_their_successors() {
        let mut cache = Cache::new(450);
        cache.insert(1, 5, 0, payload());
        cache.insert(1, 6, 1, payload());
        cache.remove(1, 5, u64::MAX);
        assert_eq!(cache.bytes, 0);
        cache.insert(1, 5, 2, payload());
        cache.insert(2, 5, 3, payload());
        cache.stored(4);
        assert!(cache.get(1, 5).is_some() && cache.get(2, 5).is_some());
        for stamp in 4..10_000 {
            cache.insert(1, 6, stamp, payload());
            cache.remove(1, 6, 6);
        }
        assert!(cache.order.len() < 2000, "{}", cache.order.len());
    }
}
