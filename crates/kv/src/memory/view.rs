//! Views and scans of the memory engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Shared;
use super::store::CommitNumber;
use crate::{Direction, KeyRange, Keyspace, KvError, Pairs, View};

/// A registered reader of the versions at one commit number.
#[derive(Debug)]
pub(super) struct MemoryView {
    shared: Arc<Shared>,
    at: CommitNumber,
}

impl MemoryView {
    pub(super) fn open(shared: Arc<Shared>) -> Self {
        let at = shared.write().open_view();
        Self { shared, at }
    }
}

impl Drop for MemoryView {
    fn drop(&mut self) {
        self.shared.write().close_view(self.at);
    }
}

impl View for MemoryView {
    fn get(&self, keyspace: &Keyspace, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.shared.read().get(keyspace, key, self.at)
    }

    fn range(
        &self,
        keyspace: &Keyspace,
        range: KeyRange,
        direction: Direction,
    ) -> Result<Pairs<'_>, KvError> {
        self.shared.read().check_view(keyspace, self.at)?;
        Ok(Box::new(Scan { view: self, keyspace: keyspace.clone(), rest: Some(range), direction }))
    }
}

/// A scan that takes the lock for one step at a time, so that an abandoned scan blocks nobody.
struct Scan<'a> {
    view: &'a MemoryView,
    keyspace: Keyspace,
    rest: Option<KeyRange>,
    direction: Direction,
}

impl Iterator for Scan<'_> {
    type Item = Result<(Bytes, Bytes), KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let range = self.rest.take()?;
        let shared = &self.view.shared;
        let found = shared.read().first_in(&self.keyspace, &range, self.direction, self.view.at);
        match found {
            Ok((pair, steps)) => {
                shared.steps.fetch_add(steps, Ordering::Relaxed);
                let (key, value) = pair?;
                self.rest = Some(range.rest_beyond(key.clone(), self.direction));
                Some(Ok((key, value)))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
