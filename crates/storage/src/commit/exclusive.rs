//! What the committer does between commits: reserving space for copies, removing and sealing segments, closing.

use super::Move;
use super::batch::CommitBatch;
use crate::core::Core;
use crate::format::Fragment;
use crate::index::{Location, SegmentState, Usage};
use crate::log::seal::{Sealable, write_footer};
use crate::log::{Purpose, Slot, storage_error};
use esker_env::{DiskError, DiskOperation};
use esker_kv::KvError;
use esker_rpc::StorageError;

/// Reserves space for copies of the fragments that a row still points to.
pub(super) fn reserve_moves(
    core: &Core,
    batch: &CommitBatch<'_>,
    segment: u64,
    fragments: &[(Fragment, u64)],
) -> Result<Vec<(Move, Slot)>, StorageError> {
    core.check_writable()?;
    let mut moves = Vec::new();
    for (fragment, offset) in fragments {
        let from = Location { segment, offset: *offset };
        let row = batch.changes().row(fragment.blob)?;
        let live = row.is_some_and(|row| {
            row.write == fragment.write && row.places.get(usize::from(fragment.number)) == Some(&from)
        });
        if live {
            let bytes = crate::format::Record::Fragment(*fragment).bytes();
            let slot = core.log.reserve(Purpose::Move, bytes)?;
            let to = Location { segment: slot.pin.segment().number, offset: slot.offset };
            moves.push((Move { fragment: *fragment, from, to }, slot));
        }
    }
    Ok(moves)
}

fn index_failed(core: &Core, error: &KvError) -> StorageError {
    core.retire(&format!("index: {error}"))
}

/// Removes a sealed segment that no row points to; false if a row does.
///
/// The index is made durable first, so that no row of it ever points to the file again; and the directory
/// before anything relies on the file being gone, because then tombstones of its fragments may be dropped.
pub(super) fn remove(core: &Core, segment: u64) -> Result<bool, StorageError> {
    core.check_writable()?;
    let usage = core.index.usages().get(&segment).copied();
    let Some(usage) = usage.filter(|usage| usage.state != SegmentState::Open && usage.live_bytes == 0) else {
        return Ok(false);
    };
    let failed = |error| index_failed(core, &error);
    core.index.set_usage(segment, Some(Usage { state: SegmentState::Removing, ..usage })).map_err(failed)?;
    core.index.sync().map_err(failed)?;
    remove_file(core, segment)?;
    core.index.set_usage(segment, None).map_err(failed)?;
    Ok(true)
}

fn remove_file(core: &Core, segment: u64) -> Result<(), StorageError> {
    core.files.forget(segment);
    match core.disk.remove_file(&core.segment_path(segment)) {
        Err(error) if !error.is_not_found() => return Err(storage_error(&error)),
        _ => {}
    }
    core.disk.sync_dir(&core.dir).map_err(|error| core.retire(&error.to_string()))
}

/// Seals every segment that can be. Failures leave a segment open: that costs only a scan after a crash.
pub(super) fn seal_ready(core: &Core) {
    while core.check_writable().is_ok() {
        let Some(sealable) = core.log.sealable() else { return };
        let number = sealable.segment.number;
        if let Err(error) = seal(core, &sealable) {
            tracing::warn!(%error, segment = number, "the segment stays open");
            return;
        }
        core.log.sealed(number);
    }
}

fn seal(core: &Core, sealable: &Sealable) -> Result<(), StorageError> {
    let Sealable { segment, data_end } = sealable;
    core.adopt_new_segments();
    let entries = segment.entries();
    if entries.is_empty() {
        core.index.usages().remove(&segment.number);
        return remove_file(core, segment.number);
    }
    // What was given up may be unsynced, and the footer vouches for it too.
    core.sync_file(&*segment.file)?;
    let key = (segment.number, segment.salt);
    let file_bytes = write_footer(&*segment.file, key, *data_end, &entries).map_err(|error: DiskError| {
        match error.operation() {
            DiskOperation::Sync => core.retire(&error.to_string()),
            _ => storage_error(&error),
        }
    })?;
    let found = core.index.usages().get(&segment.number).copied();
    let usage = found.unwrap_or_else(|| Usage::open(segment.salt));
    let usage = Usage { state: SegmentState::Sealed, file_bytes, ..usage };
    core.index.set_usage(segment.number, Some(usage)).map_err(|error| index_failed(core, &error))
}

/// Seals what can be sealed, and makes the index durable.
pub(super) fn close(core: &Core) -> Result<(), StorageError> {
    core.check_writable()?;
    core.log.close_active();
    seal_ready(core);
    let result = core.index.sync().map_err(|error| index_failed(core, &error));
    core.refuse_writes();
    result
}
