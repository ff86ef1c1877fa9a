//! The blob index: rows in the key-value engine that the segments can rebuild.
//!
//! **Architecture Invariant:** every change of a row follows from a record that is already durable in a segment.
//! So commits are buffered: the engine keeps an exact prefix of them, and recovery replays the rest.

mod changes;
pub(crate) mod row;
mod totals;
pub(crate) mod usage;

pub(crate) use changes::Changes;
pub(crate) use row::{BadRow, BlobRow, Location};
pub(crate) use totals::Totals;
pub(crate) use usage::{SegmentState, Usage};

use crate::format::fields::{blob_at, blob_bytes};
use esker_kv::{Batch, Direction, Durability, Engine, KeyRange, Keyspace, KvError};
use esker_rpc::{BlobInfo, BlobPage, GroupFilter, StorageError};
use esker_types::BlobId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const BLOBS: &str = "storage.blobs";
const SEGMENTS: &str = "storage.segments";
const META: &str = "storage.meta";
/// Present, with the index format's version, once the index covers what it says it covers.
const META_COMPLETE: &[u8] = b"complete";
const META_SCRUB: &[u8] = b"scrub";
const META_TOTALS: &[u8] = b"totals";
const INDEX_VERSION: u8 = 1;
/// How many blobs a filtered page looks at.
const FILTERED_ROWS_MAX: usize = 20_000;

/// A failed look at the index.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error(transparent)]
    Kv(#[from] KvError),
    #[error("{0:?}: {1}")]
    Row(BlobId, BadRow),
}

impl From<IndexError> for StorageError {
    fn from(error: IndexError) -> StorageError {
        match error {
            IndexError::Kv(error) => StorageError::Failed(format!("index: {error}")),
            IndexError::Row(..) => StorageError::Corrupt(error.to_string()),
        }
    }
}

/// The index of one store. One thread at a time changes it; any number read it.
#[derive(Debug)]
pub(crate) struct Index {
    engine: Arc<dyn Engine>,
    blobs: Keyspace,
    segments: Keyspace,
    meta: Keyspace,
    usages: Mutex<BTreeMap<u64, Usage>>,
    totals: Mutex<Totals>,
}

/// A segment's key, whose order is the numbers' order.
fn segment_key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

impl Index {
    /// Opens the keyspaces, and reads the rows of all segments.
    pub(crate) fn open(engine: Arc<dyn Engine>) -> Result<Index, KvError> {
        let blobs = engine.open_keyspace(BLOBS)?;
        let segments = engine.open_keyspace(SEGMENTS)?;
        let meta = engine.open_keyspace(META)?;
        let (usages, totals) = (Mutex::default(), Mutex::default());
        let index = Index { engine, blobs, segments, meta, usages, totals };
        let view = index.engine.view()?;
        for pair in view.range(&index.segments, KeyRange::all(), Direction::Forward)? {
            let (key, value) = pair?;
            if let (Some(number), Ok(usage)) = (key.first_chunk(), Usage::decode(&value)) {
                index.usages().insert(u64::from_be_bytes(*number), usage);
            }
        }
        index.set_totals(index.read_totals()?);
        Ok(index)
    }

    /// The totals as they are stored, or, in an index that has none yet, counted.
    fn read_totals(&self) -> Result<Totals, KvError> {
        let stored = self.engine.get(&self.meta, META_TOTALS)?;
        if let Some(totals) = stored.and_then(|bytes| Totals::decode(&bytes).ok()) {
            return Ok(totals);
        }
        let mut totals = Totals::default();
        for pair in self.engine.view()?.range(&self.blobs, KeyRange::all(), Direction::Forward)? {
            if let Ok(row) = BlobRow::decode(&pair?.1) {
                totals.add(&row);
            }
        }
        Ok(totals)
    }

    /// How much there is.
    pub(crate) fn totals(&self) -> Totals {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The highest segment that a row ever pointed to, if there is one.
    pub(crate) fn highest_segment(&self) -> Option<u64> {
        let totals = self.totals();
        (totals != Totals::default()).then_some(totals.segment)
    }

    fn set_totals(&self, totals: Totals) {
        *self.totals.lock().unwrap_or_else(PoisonError::into_inner) = totals;
    }

    /// Drops everything, durably, before a rebuild. Until [`complete`](Self::complete) the index counts as
    /// missing.
    pub(crate) fn reset(self) -> Result<Index, KvError> {
        let mut batch = Batch::new();
        batch.delete(&self.meta, META_COMPLETE);
        batch.delete(&self.meta, META_TOTALS);
        self.engine.commit(batch, Durability::Synced)?;
        self.engine.drop_keyspace(BLOBS)?;
        self.engine.drop_keyspace(SEGMENTS)?;
        Index::open(self.engine)
    }

    /// Whether the index was ever completed, by a build that wrote this version.
    pub(crate) fn is_complete(&self) -> Result<bool, KvError> {
        Ok(self.engine.get(&self.meta, META_COMPLETE)?.as_deref() == Some(&[INDEX_VERSION]))
    }

    /// Marks the index as complete.
    pub(crate) fn complete(&self) -> Result<(), KvError> {
        let mut batch = Batch::new();
        batch.put(&self.meta, META_COMPLETE, vec![INDEX_VERSION]);
        self.engine.commit(batch, Durability::Buffered)
    }

    /// Makes every change so far durable.
    pub(crate) fn sync(&self) -> Result<(), KvError> {
        self.engine.sync()
    }

    /// The row of a blob.
    pub(crate) fn row(&self, blob: BlobId) -> Result<Option<BlobRow>, IndexError> {
        let Some(bytes) = self.engine.get(&self.blobs, &blob_bytes(blob))? else { return Ok(None) };
        BlobRow::decode(&bytes).map(Some).map_err(|bad| IndexError::Row(blob, bad))
    }

    /// The blobs greater than `after`, in order, at most `limit`; only those of some groups if there is a filter.
    pub(crate) fn list(
        &self,
        filter: Option<&GroupFilter>,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<BlobPage, IndexError> {
        let range = after.map_or_else(KeyRange::all, |after| KeyRange::after(blob_bytes(after).to_vec()));
        let view = self.engine.view()?;
        let mut page = BlobPage { blobs: Vec::new(), next: None };
        let mut last = after;
        for (seen, pair) in view.range(&self.blobs, range, Direction::Forward)?.enumerate() {
            if page.blobs.len() == limit || filter.is_some() && seen == FILTERED_ROWS_MAX {
                page.next = last;
                break;
            }
            let (key, value) = pair?;
            let Ok(blob) = blob_at(&key, 0) else { continue };
            last = Some(blob);
            if filter.is_none_or(|filter| filter.holds(blob)) {
                let row = BlobRow::decode(&value).map_err(|bad| IndexError::Row(blob, bad))?;
                page.blobs.push(BlobInfo { blob, length: row.length });
            }
        }
        Ok(page)
    }

    /// What is known of the segments.
    pub(crate) fn usages(&self) -> MutexGuard<'_, BTreeMap<u64, Usage>> {
        // Every holder leaves a valid map: each of its values is replaced as a whole.
        self.usages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces what is known of a segment, `None` when it is gone.
    pub(crate) fn set_usage(&self, number: u64, usage: Option<Usage>) -> Result<(), KvError> {
        let mut batch = Batch::new();
        match usage.and_then(|usage| usage.encode()) {
            Some(bytes) => batch.put(&self.segments, segment_key(number), bytes),
            None => batch.delete(&self.segments, segment_key(number)),
        }
        self.engine.commit(batch, Durability::Buffered)?;
        let mut usages = self.usages();
        match usage {
            Some(usage) => usages.insert(number, usage),
            None => usages.remove(&number),
        };
        Ok(())
    }

    /// The blob that scrubbing looked at last.
    pub(crate) fn scrub_position(&self) -> Result<Option<BlobId>, KvError> {
        let bytes = self.engine.get(&self.meta, META_SCRUB)?;
        Ok(bytes.and_then(|bytes| blob_at(&bytes, 0).ok()))
    }

    /// Remembers the blob that scrubbing looked at last; `None` starts again.
    pub(crate) fn set_scrub_position(&self, blob: Option<BlobId>) -> Result<(), KvError> {
        let mut batch = Batch::new();
        match blob {
            Some(blob) => batch.put(&self.meta, META_SCRUB, blob_bytes(blob).to_vec()),
            None => batch.delete(&self.meta, META_SCRUB),
        }
        self.engine.commit(batch, Durability::Buffered)
    }
}
