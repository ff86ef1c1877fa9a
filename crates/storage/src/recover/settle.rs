//! Deciding, one blob at a time, what the records that the index doesn't cover change in it.

use super::stage::Staged;
use super::{OpenError, OpenReport};
use crate::format::Fragment;
use crate::index::{BlobRow, Changes, Index, IndexError, Location};
use esker_types::BlobId;
use std::collections::{BTreeMap, BTreeSet};

const BATCH_LEN: usize = 1000;

/// A complete write of a blob that is kept in another one. It needs a tombstone: the blob's end must be its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loser {
    pub(crate) blob: BlobId,
    pub(crate) write: u64,
}

/// What one blob's records amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    row: Option<BlobRow>,
    losers: Vec<u64>,
    bad: u64,
}

/// The whole writes among a blob's records. A write is whole if it has a last fragment and all before it.
fn whole_writes(records: &[Staged]) -> BTreeMap<u64, BlobRow> {
    let mut fragments: BTreeMap<u64, BTreeMap<u16, (Fragment, Location)>> = BTreeMap::new();
    for record in records {
        if let Staged::Whole(fragment, place) = record {
            fragments.entry(fragment.write).or_default().insert(fragment.number, (*fragment, *place));
        }
    }
    let whole = fragments.into_iter().filter_map(|(write, fragments)| {
        let (last, _) = fragments.values().next_back()?;
        let length = last.blob_length()?;
        let all = fragments.keys().copied().eq(0..=last.number);
        let places = fragments.values().map(|(_, place)| *place).collect();
        all.then_some((write, BlobRow { write, length, places }))
    });
    whole.collect()
}

/// What becomes of a blob. The order of the records doesn't matter: a tombstone names the write that it buries.
fn judge(existing: Option<&BlobRow>, records: &[Staged]) -> Verdict {
    let buried: BTreeSet<u64> = records
        .iter()
        .filter_map(|record| match record {
            Staged::Tombstone { write } => Some(*write),
            _ => None,
        })
        .collect();
    let is_bad = |record: &&Staged| matches!(record, Staged::Bad { write } if !buried.contains(write));
    let bad = records.iter().filter(is_bad).count() as u64;
    let mut row = existing.filter(|row| !buried.contains(&row.write)).cloned();
    let mut losers = Vec::new();
    for (write, whole) in whole_writes(records) {
        if buried.contains(&write) {
            continue;
        }
        match &row {
            // The index knows where its fragments are; others are copies.
            Some(row) if row.write == write => {}
            Some(_) => losers.push(write),
            None => row = Some(whole),
        }
    }
    Verdict { row, losers, bad }
}

/// Settles blobs, and commits in batches.
pub(super) struct Settled<'a> {
    index: &'a Index,
    uncovered: BTreeSet<u64>,
    changes: Changes<'a>,
    losers: Vec<Loser>,
    found: OpenReport,
}

impl<'a> Settled<'a> {
    pub(super) fn new(index: &'a Index, uncovered: BTreeSet<u64>) -> Settled<'a> {
        let changes = Changes::new(index);
        Settled { index, uncovered, changes, losers: Vec::new(), found: OpenReport::default() }
    }

    pub(super) fn blob(&mut self, blob: BlobId, records: &[Staged]) -> Result<(), OpenError> {
        let existing = match self.index.row(blob) {
            Ok(row) => row,
            Err(IndexError::Kv(error)) => return Err(error.into()),
            Err(error) => return Err(OpenError::Row(error.to_string())),
        };
        let verdict = judge(existing.as_ref(), records);
        self.found.bad_fragments += verdict.bad;
        self.losers.extend(verdict.losers.into_iter().map(|write| Loser { blob, write }));
        // Live bytes of uncovered segments are counted from nothing, so a row that stays counts there as new.
        let counted = existing.as_ref().map(|row| self.without_uncovered(row)).unwrap_or_default();
        if existing != verdict.row {
            self.found.blobs_added += u64::from(verdict.row.is_some());
            self.found.blobs_removed += u64::from(existing.is_some());
        }
        self.changes.set_counted(blob, existing.as_ref(), &counted, verdict.row);
        if self.changes.len() >= BATCH_LEN {
            std::mem::replace(&mut self.changes, Changes::new(self.index)).commit()?;
        }
        Ok(())
    }

    /// Commits the rest, and returns the writes to bury.
    pub(super) fn finish(self, report: &mut OpenReport) -> Result<Vec<Loser>, OpenError> {
        self.changes.commit()?;
        report.blobs_added += self.found.blobs_added;
        report.blobs_removed += self.found.blobs_removed;
        report.bad_fragments += self.found.bad_fragments;
        report.duplicates += self.losers.len() as u64;
        Ok(self.losers)
    }

    fn without_uncovered(&self, row: &BlobRow) -> Vec<(Location, u64)> {
        row.records().filter(|(place, _)| !self.uncovered.contains(&place.segment)).collect()
    }
}
