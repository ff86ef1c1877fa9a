//! Changes to the index that are committed together, with the usage of the segments that they touch.

use super::{BlobRow, Index, IndexError, Location, META_TOTALS, SegmentState, Totals, segment_key};
use crate::format::fields::blob_bytes;
use esker_kv::{Batch, Durability, KvError};
use esker_types::BlobId;
use std::collections::{BTreeMap, HashMap};

/// A batch of row changes. Reads through it see what it will have changed.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    index: &'a Index,
    rows: HashMap<BlobId, Option<BlobRow>>,
    /// Bytes by which each segment's live bytes grow and shrink.
    live: BTreeMap<u64, (u64, u64)>,
    tombstones: BTreeMap<u64, u64>,
    came: Totals,
    went: Totals,
}

impl<'a> Changes<'a> {
    pub(crate) fn new(index: &'a Index) -> Changes<'a> {
        Changes {
            index,
            rows: HashMap::new(),
            live: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            came: Totals::default(),
            went: Totals::default(),
        }
    }

    /// How many rows change.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row as it will be.
    pub(crate) fn row(&self, blob: BlobId) -> Result<Option<BlobRow>, IndexError> {
        match self.rows.get(&blob) {
            Some(row) => Ok(row.clone()),
            None => self.index.row(blob),
        }
    }

    /// Replaces a row, which was `old`.
    pub(crate) fn set(&mut self, blob: BlobId, old: Option<&BlobRow>, new: Option<BlobRow>) {
        let counted: Vec<_> = old.iter().flat_map(|row| row.records()).collect();
        self.set_counted(blob, old, &counted, new);
    }

    /// Replaces a row, which was `old`, of which only the records in `counted` were counted as live.
    pub(crate) fn set_counted(
        &mut self,
        blob: BlobId,
        old: Option<&BlobRow>,
        counted: &[(Location, u64)],
        new: Option<BlobRow>,
    ) {
        old.iter().for_each(|row| self.went.add(row));
        new.iter().for_each(|row| self.came.add(row));
        for (place, bytes) in counted {
            self.live.entry(place.segment).or_default().1 += bytes;
        }
        for (place, bytes) in new.iter().flat_map(BlobRow::records) {
            self.live.entry(place.segment).or_default().0 += bytes;
        }
        self.rows.insert(blob, new);
    }

    /// Counts a tombstone in a segment.
    pub(crate) fn add_tombstone(&mut self, segment: u64, bytes: u64) {
        *self.tombstones.entry(segment).or_default() += bytes;
    }

    /// Commits everything at once.
    pub(crate) fn commit(self) -> Result<(), KvError> {
        let mut batch = Batch::new();
        for (blob, row) in &self.rows {
            let key = blob_bytes(*blob).to_vec();
            match row {
                Some(row) => batch.put(&self.index.blobs, key, row.encode()),
                None => batch.delete(&self.index.blobs, key),
            }
        }
        let mut changed = BTreeMap::new();
        {
            let usages = self.index.usages();
            for number in self.live.keys().chain(self.tombstones.keys()) {
                // A row may name a segment that was lost; there is nothing to count then.
                let Some(mut usage) = usages.get(number).copied() else { continue };
                let (more, less) = self.live.get(number).copied().unwrap_or_default();
                usage.live_bytes = (usage.live_bytes + more).saturating_sub(less);
                usage.tombstone_bytes += self.tombstones.get(number).copied().unwrap_or_default();
                if let (true, Some(bytes)) = (usage.state != SegmentState::Open, usage.encode()) {
                    batch.put(&self.index.segments, segment_key(*number), bytes);
                }
                changed.insert(*number, usage);
            }
        }
        let totals = self.index.totals().changed(self.came, self.went);
        if !self.rows.is_empty() {
            batch.put(&self.index.meta, META_TOTALS, totals.encode());
        }
        if !batch.is_empty() {
            self.index.engine.commit(batch, Durability::Buffered)?;
        }
        self.index.usages().extend(changed);
        self.index.set_totals(totals);
        Ok(())
    }
}
