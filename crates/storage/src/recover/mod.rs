//! Opening: brings the index up to date with the segments, or rebuilds it from them.
//!
//! The index is a function of the segments' records, whatever their order: a blob exists if one of its writes is
//! complete and has no tombstone. The index covers the sealed segments whose rows it holds. Of the others, the
//! records are collected in a keyspace of their own ([`stage`]), grouped by blob, and settled one blob at a time
//! ([`settle`]); memory stays bounded however many there are.

mod files;
mod settle;
mod stage;

pub(crate) use files::entries_of;
use files::{Found, find_segments};
use settle::Settled;
use stage::Stage;

use crate::format::FormatError;
use crate::index::{Index, IndexError, SegmentState, Usage};
use crate::log::segment_path;
use crate::options::{Components, IndexStart};
use esker_env::DiskError;
use esker_kv::KvError;
use std::path::PathBuf;

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The engine failed.
    #[error("index: {0}")]
    Index(#[from] KvError),
    /// A row of the index can't be read.
    #[error("{0}; rebuild the index")]
    Row(String),
    /// The index names blobs, and there is not one segment.
    #[error(
        "{} holds no segment, but blobs were stored in it. If it is on a disk of its own, mount that; otherwise restore \
         it. Rebuilding the index starts without the blobs: their objects can then be listed but not read",
        .0.display()
    )]
    SegmentsGone(PathBuf),
    /// A segment belongs to another node or cluster, or has another one's number.
    #[error("{} was written by another node or under another name", .0.display())]
    Foreign(PathBuf),
    /// A segment has a format that this build doesn't know.
    #[error("{} has format version {version}, which this build does not know", path.display())]
    UnknownVersion {
        /// The segment's file.
        path: PathBuf,
        /// Its version.
        version: u8,
    },
    /// The file of acknowledged placement states can't be read.
    #[error(
        "{} can't be used: {reason}. It says which writes this node must refuse; restore it, or start with an empty \
         directory, as a new node, once the cluster has other replicas of the data",
        path.display()
    )]
    Fences {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: FormatError,
    },
    /// The tombstones that settle duplicates can't be written.
    #[error("can't settle blobs that were stored twice: {0}")]
    Settle(esker_rpc::StorageError),
    /// The first segment can't be made.
    #[error("can't start a segment: {0}")]
    Prepare(esker_rpc::StorageError),
    /// The committer's thread can't be started.
    #[error("can't start a thread: {0}")]
    Thread(std::io::Error),
}

/// Why the index was rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebuildReason {
    /// It was asked for.
    Asked,
    /// There was no index, or an unfinished one.
    Missing,
    /// The index covers a segment that is not there, or another file of the same number.
    SegmentsDiffer,
}

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Why the index was rebuilt, if it was.
    pub rebuilt: Option<RebuildReason>,
    /// Segments found.
    pub segments: u64,
    /// Segments whose records were read one by one, because they had no footer.
    pub scanned: u64,
    /// Blobs that were added to the index.
    pub blobs_added: u64,
    /// Blobs that were removed from the index, because of a tombstone.
    pub blobs_removed: u64,
    /// Complete writes of blobs that are there already; they were buried.
    pub duplicates: u64,
    /// Fragments whose data doesn't verify, and that no tombstone explains: torn by a crash, or damaged.
    pub bad_fragments: u64,
    /// Bytes between records that are neither records nor zeros.
    pub skipped_bytes: u64,
    /// Segments that the index speaks of and that are not there. Their blobs are lost on this node.
    pub missing_segments: Vec<u64>,
    /// Segments without a readable header. They are left alone; blobs in them don't verify.
    pub damaged_segments: Vec<u64>,
}

/// An index that covers every segment found, and what is left to do with a log.
pub(crate) struct Recovered {
    pub(crate) index: Index,
    pub(crate) next_number: u64,
    pub(crate) stage: Stage,
    pub(crate) uncovered: Vec<(u64, Usage)>,
    pub(crate) report: OpenReport,
}

/// Finds the segments, and stages the records that the index doesn't cover.
pub(crate) fn read(components: &Components, start: IndexStart) -> Result<Recovered, OpenError> {
    let mut index = Index::open(components.engine.clone())?;
    let mut report = OpenReport::default();
    let found = find_segments(components, &index, &mut report)?;
    let known = found.iter().map(|found| found.number).chain(report.damaged_segments.iter().copied());
    let highest = known.chain(index.usages().keys().copied()).max().max(index.highest_segment());
    let nothing_found = found.is_empty() && report.damaged_segments.is_empty();
    if start == IndexStart::Recover && nothing_found && names_blobs(&index)? {
        return Err(OpenError::SegmentsGone(components.dir.segments()));
    }
    remove_leftovers(components, &index, &found)?;
    report.rebuilt = rebuild_reason(&index, &found, start, &mut report)?;
    // Without segments there is nothing to rebuild from: the store is new, unless the rebuild was asked for.
    if report.rebuilt.is_some() && (!found.is_empty() || start == IndexStart::Rebuild) {
        tracing::warn!(reason = ?report.rebuilt, "rebuilding the blob index");
        index = index.reset()?;
    }
    let mut stage = Stage::create(components.engine.clone())?;
    let mut uncovered = Vec::new();
    for segment in &found {
        let removed =
            components.disk.metadata(&segment_path(&components.dir.segments(), segment.number))?.is_none();
        if removed || is_covered(&index, segment) {
            continue;
        }
        if let Some(usage) = files::stage_segment(components, segment, &mut stage, &mut report)? {
            uncovered.push((segment.number, usage));
        }
    }
    stage.flush()?;
    report.segments = found.len() as u64;
    let next_number = highest.map_or(0, |highest| highest + 1);
    Ok(Recovered { index, next_number, stage, uncovered, report })
}

fn names_blobs(index: &Index) -> Result<bool, OpenError> {
    match index.list(None, None, 1) {
        Ok(page) => Ok(!page.blobs.is_empty()),
        Err(IndexError::Kv(error)) => Err(error.into()),
        Err(error) => Err(OpenError::Row(error.to_string())),
    }
}

fn is_covered(index: &Index, found: &Found) -> bool {
    let usage = index.usages().get(&found.number).copied();
    usage.is_some_and(|usage| usage.salt == found.salt && usage.state == SegmentState::Sealed)
}

/// Finishes the removals that a crash cut short.
fn remove_leftovers(components: &Components, index: &Index, found: &[Found]) -> Result<(), OpenError> {
    let removing: Vec<(u64, Usage)> = index
        .usages()
        .iter()
        .filter(|(_, usage)| usage.state == SegmentState::Removing)
        .map(|(number, usage)| (*number, *usage))
        .collect();
    for (number, usage) in removing {
        if found.iter().any(|found| found.number == number && found.salt == usage.salt) {
            components.disk.remove_file(&segment_path(&components.dir.segments(), number))?;
            components.disk.sync_dir(&components.dir.segments())?;
        }
        index.set_usage(number, None)?;
    }
    Ok(())
}

fn rebuild_reason(
    index: &Index,
    found: &[Found],
    start: IndexStart,
    report: &mut OpenReport,
) -> Result<Option<RebuildReason>, OpenError> {
    let complete = index.is_complete()?;
    let mut reason = match start {
        IndexStart::Rebuild => Some(RebuildReason::Asked),
        IndexStart::Recover => (!complete).then_some(RebuildReason::Missing),
    };
    for (number, usage) in index.usages().iter() {
        let file = found.iter().find(|found| found.number == *number);
        if file.is_none() && !report.damaged_segments.contains(number) {
            report.missing_segments.push(*number);
        }
        if file.is_none_or(|file| file.salt != usage.salt) {
            reason = reason.or(Some(RebuildReason::SegmentsDiffer));
        }
    }
    Ok(reason)
}

/// Settles every staged blob, and marks the segments as covered. `bury` makes tombstones durable.
pub(crate) fn settle(
    recovered: &Recovered,
    report: &mut OpenReport,
    bury: impl FnOnce(&[settle::Loser]) -> Result<(), esker_rpc::StorageError>,
) -> Result<(), OpenError> {
    let index = &recovered.index;
    {
        let mut usages = index.usages();
        for (number, usage) in &recovered.uncovered {
            usages.insert(*number, Usage { state: SegmentState::Open, live_bytes: 0, ..*usage });
        }
    }
    let uncovered = recovered.uncovered.iter().map(|(number, _)| *number).collect();
    let mut settled = Settled::new(index, uncovered);
    recovered.stage.for_each_blob(|blob, records| settled.blob(blob, records))?;
    let losers = settled.finish(report)?;
    bury(&losers).map_err(OpenError::Settle)?;
    for (number, usage) in &recovered.uncovered {
        let live_bytes = index.usages().get(number).map_or(0, |usage| usage.live_bytes);
        index.set_usage(*number, Some(Usage { state: SegmentState::Sealed, live_bytes, ..*usage }))?;
    }
    recovered.stage.drop_keyspace()?;
    Ok(index.complete()?)
}
