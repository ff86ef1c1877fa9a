//! What views need beside the tree: which keyspaces existed when, and the values that commits replaced since.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Direction, KeyRange, Keyspace, KvError};

/// The number of a commit; also counts making and dropping keyspaces.
pub(super) type CommitNumber = u64;

#[derive(Debug)]
struct Space {
    handle: Keyspace,
    created: CommitNumber,
    dropped: Option<CommitNumber>,
}

/// A key's replaced values, oldest first: "commit `n` replaced this", where `None` says that the key was absent.
type Replaced = Vec<(CommitNumber, Option<Bytes>)>;

/// The bookkeeping for views. Commits are serialised by the engine.
#[derive(Debug, Default)]
pub(super) struct History {
    newest: CommitNumber,
    next_id: u64,
    spaces: BTreeMap<u64, Space>,
    /// How many views are open at each commit number.
    views: BTreeMap<CommitNumber, usize>,
    replaced: BTreeMap<Bytes, Replaced>,
    /// The stored keys whose values each commit replaced, to find them again when no view needs them.
    by_commit: BTreeMap<CommitNumber, Vec<Bytes>>,
}

impl History {
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    pub(super) fn set_next_id(&mut self, id: u64) {
        self.next_id = self.next_id.max(id);
    }

    pub(super) fn create(&mut self, id: u64, name: &str) -> Keyspace {
        self.newest += 1;
        self.set_next_id(id + 1);
        let handle = Keyspace::new(id, name);
        self.spaces.insert(id, Space { handle: handle.clone(), created: self.newest, dropped: None });
        handle
    }

    pub(super) fn drop_space(&mut self, id: u64) {
        self.newest += 1;
        if let Some(space) = self.spaces.get_mut(&id) {
            space.dropped = Some(self.newest);
        }
    }

    /// Takes up a drop that an earlier process did not finish. The name is gone from the directory, and nobody needs it.
    pub(super) fn restore_dropped(&mut self, id: u64) {
        self.create(id, "");
        self.drop_space(id);
    }

    /// Forgets the dropped keyspaces that no view reads any more, and returns their ids.
    pub(super) fn take_dead_spaces(&mut self) -> Vec<u64> {
        let horizon = self.horizon();
        let is_dead = |space: &Space| space.dropped.is_some_and(|dropped| dropped <= horizon);
        let dead = self.spaces.iter().filter(|(_, space)| is_dead(space)).map(|(id, _)| *id).collect();
        self.spaces.retain(|_, space| !is_dead(space));
        dead
    }

    pub(super) fn live(&self, name: &str) -> Option<Keyspace> {
        let live = self.spaces.values().find(|space| space.dropped.is_none() && space.handle.name() == name);
        live.map(|space| space.handle.clone())
    }

    pub(super) fn names(&self) -> Vec<String> {
        let live = self.spaces.values().filter(|space| space.dropped.is_none());
        let mut names: Vec<_> = live.map(|space| space.handle.name().to_owned()).collect();
        names.sort();
        names
    }

    /// Refuses a keyspace that did not exist at `at`, which is `CommitNumber::MAX` for "now".
    pub(super) fn check(
        &self,
        doing: &'static str,
        keyspace: &Keyspace,
        at: CommitNumber,
    ) -> Result<(), KvError> {
        let existed = |space: &&Space| {
            space.handle == *keyspace
                && space.created <= at
                && space.dropped.is_none_or(|dropped| dropped > at)
        };
        match self.spaces.get(&keyspace.id()).filter(existed) {
            Some(_) => Ok(()),
            None => Err(KvError::unknown(doing, keyspace)),
        }
    }

    pub(super) fn has_views(&self) -> bool {
        !self.views.is_empty()
    }

    pub(super) fn open_view(&mut self) -> CommitNumber {
        *self.views.entry(self.newest).or_default() += 1;
        self.newest
    }

    pub(super) fn close_view(&mut self, at: CommitNumber) {
        if let Some(open) = self.views.get_mut(&at) {
            *open -= 1;
            if *open == 0 {
                self.views.remove(&at);
            }
        }
        self.prune();
    }

    /// Notes a commit and, if views are open, the values that it is about to replace.
    pub(super) fn commit(&mut self, replaced: Vec<(Bytes, Option<Bytes>)>) {
        self.newest += 1;
        if !self.has_views() || replaced.is_empty() {
            return;
        }
        let mut keys = Vec::with_capacity(replaced.len());
        for (key, value) in replaced {
            self.replaced.entry(key.clone()).or_default().push((self.newest, value));
            keys.push(key);
        }
        self.by_commit.insert(self.newest, keys);
    }

    /// What the key held at `at`, if a later commit replaced it: `Some(None)` says that it was absent.
    pub(super) fn replaced_since(&self, stored_key: &[u8], at: CommitNumber) -> Option<Option<Bytes>> {
        self.replaced.get(stored_key).and_then(|values| value_at(values, at)).cloned()
    }

    /// The first key of the range, in scan order, whose value at `at` was replaced later, with that value.
    pub(super) fn first_replaced_since(
        &self,
        range: &KeyRange,
        direction: Direction,
        at: CommitNumber,
    ) -> Option<(Bytes, Option<Bytes>)> {
        if range.is_empty() {
            return None;
        }
        let mut rows = self.replaced.range((range.start.clone(), range.end.clone()));
        let noted = |(key, values): (&Bytes, &Replaced)| Some((key.clone(), value_at(values, at)?.clone()));
        match direction {
            Direction::Forward => rows.find_map(noted),
            Direction::Backward => rows.rev().find_map(noted),
        }
    }

    /// Every view, open or yet to open, is at or past this commit number.
    fn horizon(&self) -> CommitNumber {
        self.views.keys().next().copied().unwrap_or(self.newest)
    }

    fn prune(&mut self) {
        let horizon = self.horizon();
        while let Some(entry) = self.by_commit.first_entry().filter(|entry| *entry.key() <= horizon) {
            for key in entry.remove() {
                if let Some(values) = self.replaced.get_mut(&key) {
                    values.retain(|(number, _)| *number > horizon);
                    if values.is_empty() {
                        self.replaced.remove(&key);
                    }
                }
            }
        }
    }
}

/// The value that the first commit after `at` replaced is the one that was there at `at`.
fn value_at(values: &Replaced, at: CommitNumber) -> Option<&Option<Bytes>> {
    values.iter().find(|(number, _)| *number > at).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_kept_exactly_as_long_as_a_view_needs_them() {
        let mut history = History::default();
        history.commit(vec![("k".into(), None)]);
        assert!(history.replaced.is_empty(), "nobody looks, so nothing is noted");
        let early = history.open_view();
        history.commit(vec![("k".into(), Some("1".into()))]);
        let late = history.open_view();
        history.commit(vec![("k".into(), Some("2".into()))]);
        assert_eq!(history.replaced_since(b"k", early), Some(Some("1".into())));
        assert_eq!(history.replaced_since(b"k", late), Some(Some("2".into())));
        history.close_view(early);
        assert_eq!(history.replaced_since(b"k", late), Some(Some("2".into())));
        assert_eq!(history.by_commit.len(), 1);
        history.close_view(late);
        assert!(history.replaced.is_empty() && history.by_commit.is_empty());
    }
}
