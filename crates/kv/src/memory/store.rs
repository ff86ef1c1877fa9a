//! Version chains: the memory engine's data, without locks.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::Tombstones;
use crate::batch::Op;
use crate::{Direction, KeyRange, Keyspace, KvError};

/// The number of a commit; also counts creating and dropping keyspaces.
pub(super) type CommitNumber = u64;

/// One key's versions, oldest first; `None` is a tombstone. Never empty.
type Chain = Vec<(CommitNumber, Option<Bytes>)>;

#[derive(Debug)]
struct Space {
    handle: Keyspace,
    created: CommitNumber,
    dropped: Option<CommitNumber>,
    rows: BTreeMap<Bytes, Chain>,
}

/// All keyspaces with the versions that some view may still read.
#[derive(Debug, Default)]
pub(super) struct Store {
    tombstones: Tombstones,
    newest: CommitNumber,
    spaces: BTreeMap<u64, Space>,
    /// How many views are open at each commit number.
    views: BTreeMap<CommitNumber, usize>,
    /// Keys whose older versions become unreachable once every view is at or past the commit number.
    superseded: BTreeMap<CommitNumber, Vec<(u64, Bytes)>>,
}

impl Store {
    pub(super) fn new(tombstones: Tombstones) -> Self {
        Self { tombstones, ..Self::default() }
    }

    pub(super) fn open_keyspace(&mut self, name: &str) -> Keyspace {
        if let Some(space) = self.live(name) {
            return space.handle.clone();
        }
        self.newest += 1;
        // Commit numbers only grow, so the one of the creation is an id that is never reused.
        let handle = Keyspace::new(self.newest, name);
        let space =
            Space { handle: handle.clone(), created: self.newest, dropped: None, rows: BTreeMap::new() };
        self.spaces.insert(self.newest, space);
        handle
    }

    pub(super) fn drop_keyspace(&mut self, name: &str) {
        let Some(id) = self.live(name).map(|space| space.handle.id()) else { return };
        self.newest += 1;
        let newest = self.newest;
        if let Some(space) = self.spaces.get_mut(&id) {
            space.dropped = Some(newest);
        }
        self.prune();
    }

    pub(super) fn names(&self) -> Vec<String> {
        let live = self.spaces.values().filter(|space| space.dropped.is_none());
        let mut names: Vec<_> = live.map(|space| space.handle.name().to_owned()).collect();
        names.sort();
        names
    }

    fn live(&self, name: &str) -> Option<&Space> {
        self.spaces.values().find(|space| space.dropped.is_none() && space.handle.name() == name)
    }

    /// The keyspace as it was at `at`, which is `CommitNumber::MAX` for "now".
    fn space(&self, doing: &'static str, keyspace: &Keyspace, at: CommitNumber) -> Result<&Space, KvError> {
        let existed = |space: &&Space| {
            space.handle == *keyspace
                && space.created <= at
                && space.dropped.is_none_or(|dropped| dropped > at)
        };
        self.spaces.get(&keyspace.id()).filter(existed).ok_or_else(|| KvError::unknown(doing, keyspace))
    }

    pub(super) fn commit(&mut self, ops: Vec<Op>) -> Result<(), KvError> {
        for op in &ops {
            self.space("commit", op.keyspace(), CommitNumber::MAX)?;
        }
        self.newest += 1;
        let mut superseded = Vec::new();
        for op in ops {
            let (keyspace, key, value) = match op {
                Op::Put { keyspace, key, value } => (keyspace, key, Some(value)),
                Op::Delete { keyspace, key } => (keyspace, key, None),
            };
            let Some(space) = self.spaces.get_mut(&keyspace.id()) else { continue };
            let chain = space.rows.entry(key.clone()).or_default();
            if !chain.is_empty() || value.is_none() {
                superseded.push((keyspace.id(), key));
            }
            chain.push((self.newest, value));
        }
        self.superseded.insert(self.newest, superseded);
        self.prune();
        Ok(())
    }

    pub(super) fn get_newest(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.get(keyspace, key, CommitNumber::MAX)
    }

    pub(super) fn get(
        &self,
        keyspace: &Keyspace,
        key: &[u8],
        at: CommitNumber,
    ) -> Result<Option<Bytes>, KvError> {
        let space = self.space("get", keyspace, at)?;
        Ok(space.rows.get(key).and_then(|chain| visible(chain, at)).cloned())
    }

    /// The first pair of the range in scan order, and how many keys were visited to find it.
    pub(super) fn first_in(
        &self,
        keyspace: &Keyspace,
        range: &KeyRange,
        direction: Direction,
        at: CommitNumber,
    ) -> Result<(Option<(Bytes, Bytes)>, u64), KvError> {
        let space = self.space("scan", keyspace, at)?;
        if range.is_empty() {
            return Ok((None, 0));
        }
        let bounds = (as_slice(&range.start), as_slice(&range.end));
        let mut rows = space.rows.range::<[u8], _>(bounds);
        let mut steps = 0;
        loop {
            let row = match direction {
                Direction::Forward => rows.next(),
                Direction::Backward => rows.next_back(),
            };
            let Some((key, chain)) = row else { return Ok((None, steps)) };
            steps += 1;
            if let Some(value) = visible(chain, at) {
                return Ok((Some((key.clone(), value.clone())), steps));
            }
        }
    }

    pub(super) fn check_view(&self, keyspace: &Keyspace, at: CommitNumber) -> Result<(), KvError> {
        self.space("scan", keyspace, at).map(|_| ())
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

    pub(super) fn compact(&mut self, keyspace: &Keyspace) -> Result<(), KvError> {
        self.space("compact", keyspace, CommitNumber::MAX)?;
        let horizon = self.horizon();
        if let Some(space) = self.spaces.get_mut(&keyspace.id()) {
            space.rows.retain(|_, chain| !is_dead(chain, horizon));
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        let rows = self.spaces.values().flat_map(|space| &space.rows);
        rows.map(|(key, chain)| {
            let values: usize = chain.iter().map(|(_, value)| value.as_ref().map_or(0, Bytes::len)).sum();
            (key.len() + values) as u64
        })
        .sum()
    }

    /// Every view, open or yet to open, is at or past this commit number.
    fn horizon(&self) -> CommitNumber {
        self.views.keys().next().copied().unwrap_or(self.newest)
    }

    fn prune(&mut self) {
        let horizon = self.horizon();
        while let Some(entry) = self.superseded.first_entry().filter(|entry| *entry.key() <= horizon) {
            for (id, key) in entry.remove() {
                let Some(space) = self.spaces.get_mut(&id) else { continue };
                let Some(chain) = space.rows.get_mut(&key) else { continue };
                let reachable = chain.iter().rposition(|(number, _)| *number <= horizon).unwrap_or(0);
                chain.drain(..reachable);
                if self.tombstones == Tombstones::Dropped && is_dead(chain, horizon) {
                    space.rows.remove(&key);
                }
            }
        }
        self.spaces.retain(|_, space| space.dropped.is_none_or(|dropped| dropped > horizon));
    }
}

/// The newest version at or below `at`, unless it is a tombstone.
fn visible(chain: &Chain, at: CommitNumber) -> Option<&Bytes> {
    chain.iter().rev().find(|(number, _)| *number <= at).and_then(|(_, value)| value.as_ref())
}

/// Whether no view can tell the chain from an absent key.
fn is_dead(chain: &Chain, horizon: CommitNumber) -> bool {
    matches!(chain.as_slice(), [(number, None)] if *number <= horizon)
}

fn as_slice(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    bound.as_ref().map(AsRef::as_ref)
}
