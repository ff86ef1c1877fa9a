//! Compacting a segment: what is live in it is copied to the open segment, then its file is removed.
//!
//! Every step leaves a valid store: a copy has the identity of its original, so recovery takes either; the index
//! is moved once the copies are durable; the file goes once the moved index is durable.

use super::Throttle;
use crate::commit::{Committer, Move, Request};
use crate::core::Core;
use crate::format::record::{HEADER_BYTES, checksum_bytes};
use crate::format::{Entry, Fragment, Record, Tombstone};
use crate::index::SegmentState;
use crate::log::{Pin, Slot, storage_error};
use crate::put::blocking;
use crate::recover::entries_of;
use crate::telemetry;
use esker_rpc::StorageError;
use esker_types::BlobId;
use std::collections::HashSet;
use std::sync::Arc;

/// How many fragments are copied between two commits, and how many bytes.
const BATCH_FRAGMENTS: usize = 256;
const BATCH_BYTES: u64 = 4 << 20;

/// What compacting a segment did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// Whether the segment is gone. If not, a row points to a record of it that it doesn't list any more:
    /// scrubbing reports the blob, and the segment goes once the blob is deleted.
    pub removed: bool,
    /// Bytes of data copied.
    pub copied_bytes: u64,
    /// Tombstones that nothing needed any more.
    pub tombstones_dropped: u64,
}

/// Empties a sealed segment and removes it.
pub(crate) async fn compact(
    core: &Arc<Core>,
    committer: &Committer,
    segment: u64,
    throttle: Throttle,
) -> Result<CompactReport, StorageError> {
    let usage = core.index.usages().get(&segment).copied();
    let Some(usage) = usage.filter(|usage| usage.state == SegmentState::Sealed) else {
        return Ok(CompactReport::default());
    };
    let reader = core.clone();
    let entries = blocking(move || read_entries(&reader, segment, usage.salt)).await??;
    let mut report = CompactReport::default();
    if usage.live_bytes > 0 {
        report.copied_bytes = copy_live(core, committer, segment, &entries, throttle).await?;
    }
    let tombstones = entries.into_iter().filter_map(|entry| match entry.record {
        Record::Tombstone(tombstone) => Some(tombstone),
        Record::Fragment(_) => None,
    });
    let tombstones: Vec<Tombstone> = tombstones.collect();
    let count = tombstones.len();
    let checker = core.clone();
    let kept = blocking(move || still_needed(&checker, segment, tombstones)).await??;
    report.tombstones_dropped = (count - kept.len()) as u64;
    for batch in kept.chunks(BATCH_FRAGMENTS) {
        let tombstones = batch.to_vec();
        committer.ask(|reply| Request::Rebury { tombstones, reply }).await?;
    }
    report.removed = committer.ask(|reply| Request::Remove { segment, reply }).await?;
    Ok(report)
}

fn read_entries(core: &Core, segment: u64, salt: u64) -> Result<Vec<Entry>, StorageError> {
    let file = core.files.get(segment).map_err(|error| storage_error(&error))?;
    entries_of(&*file, segment, salt).map_err(|error| storage_error(&error))
}

/// Batches of the fragments, bounded in number and bytes.
fn batches(entries: &[Entry]) -> Vec<Vec<(Fragment, u64)>> {
    let mut batches = vec![Vec::new()];
    let mut bytes = 0;
    for entry in entries {
        let Record::Fragment(fragment) = entry.record else { continue };
        bytes += u64::from(fragment.length);
        let Some(batch) = batches.last_mut() else { continue };
        batch.push((fragment, entry.offset));
        if batch.len() == BATCH_FRAGMENTS || bytes >= BATCH_BYTES {
            batches.push(Vec::new());
            bytes = 0;
        }
    }
    batches
}

async fn copy_live(
    core: &Arc<Core>,
    committer: &Committer,
    segment: u64,
    entries: &[Entry],
    throttle: Throttle,
) -> Result<u64, StorageError> {
    let mut copied = 0;
    for fragments in batches(entries) {
        if fragments.is_empty() {
            continue;
        }
        let ask = |reply| Request::ReserveMoves { segment, fragments, reply };
        let reserved = committer.ask(ask).await?;
        let bytes = reserved.iter().map(|(moved, _)| u64::from(moved.fragment.length)).sum();
        if reserved.is_empty() {
            continue;
        }
        let copier = core.clone();
        let moves = blocking(move || copy(&copier, reserved)).await??;
        committer.ask(|reply| Request::Moved { moves, reply }).await?;
        metrics::counter!(telemetry::COMPACTED_BYTES).increment(bytes);
        copied += bytes;
        throttle.pace(bytes).await;
    }
    Ok(copied)
}

/// Copies checksums and data as they are: damage stays detectable.
fn copy(core: &Core, reserved: Vec<(Move, Slot)>) -> Result<Vec<(Move, Pin)>, StorageError> {
    let mut moves = Vec::new();
    for (moved, slot) in reserved {
        let file = core.files.get(moved.from.segment).map_err(|error| storage_error(&error))?;
        let length = u64::from(moved.fragment.length);
        let table = usize::try_from(checksum_bytes(length)).unwrap_or_default();
        let mut bytes = vec![0; table + moved.fragment.length as usize];
        let at = moved.from.offset + HEADER_BYTES as u64;
        file.read_exact_at(&mut bytes, at).map_err(|error| storage_error(&error))?;
        let (checksums, data) = bytes.split_at(table);
        let record = Record::Fragment(moved.fragment);
        slot.write(record, checksums, data).map_err(|error| storage_error(&error))?;
        moves.push((moved, slot.pin));
    }
    Ok(moves)
}

/// The tombstones of `segment` that bury something which another segment still lists.
///
/// A write that is buried is never copied again, and all of its fragments are in segments up to the tombstone's
/// horizon. So what those segments list is all there will ever be.
fn still_needed(
    core: &Core,
    segment: u64,
    tombstones: Vec<Tombstone>,
) -> Result<Vec<Tombstone>, StorageError> {
    let Some(horizon) = tombstones.iter().map(|tombstone| tombstone.horizon).max() else {
        return Ok(tombstones);
    };
    let asked: HashSet<(BlobId, u64)> =
        tombstones.iter().map(|tombstone| (tombstone.blob, tombstone.write)).collect();
    if core.damaged.iter().any(|number| *number <= horizon) {
        // Nobody can tell what those hold.
        return Ok(tombstones);
    }
    let others: Vec<_> =
        core.index.usages().range(..=horizon).map(|(number, usage)| (*number, *usage)).collect();
    let mut needed = HashSet::new();
    for (number, usage) in others {
        if number == segment || needed.len() == asked.len() {
            continue;
        }
        for entry in read_entries(core, number, usage.salt)? {
            if let Record::Fragment(fragment) = entry.record {
                let key = (fragment.blob, fragment.write);
                if asked.contains(&key) {
                    needed.insert(key);
                }
            }
        }
    }
    let is_needed = |tombstone: &Tombstone| needed.contains(&(tombstone.blob, tombstone.write));
    Ok(tombstones.into_iter().filter(is_needed).collect())
}
