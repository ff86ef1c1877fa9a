//! Reserving space for records: growing the open segment, admitting data, starting the next segment.

use super::{
    Active, Log, LogState, OpenSegment, Pin, Purpose, RECORDS_MAX, Rolled, Slot, segment_path, storage_error,
};
use crate::format::{FILE_HEADER_BYTES, FileHeader};
use crate::telemetry;
use esker_env::{Allocation, DiskResult, OpenMode, Permissions};
use esker_rpc::StorageError;
use std::sync::Arc;

impl Log {
    /// Space for a record of `bytes`, a multiple of the alignment. Blocks on the disk now and then.
    pub(crate) fn reserve(&self, purpose: Purpose, bytes: u64) -> Result<Slot, StorageError> {
        let mut state = self.state();
        let fits = |active: &Active| {
            active.records == 0
                || active.records < RECORDS_MAX && active.cursor + bytes <= self.options.segment_bytes
        };
        if !state.active.as_ref().is_some_and(fits) {
            match self.roll(&mut state, purpose) {
                // A tombstone may still find room in the reserve of the segment that is full.
                Err(StorageError::Full) if purpose == Purpose::Tombstone && state.active.is_some() => {}
                result => result?,
            }
        }
        let Some(active) = state.active.as_mut() else { return Err(StorageError::Full) };
        self.grow(active, purpose, bytes)?;
        let offset = active.cursor;
        active.cursor += bytes;
        active.records += 1;
        Ok(Slot { pin: Pin::new(&active.segment), offset })
    }

    /// Starts the first segment, so that tombstones have their reserve from the start. On a disk that is too
    /// full for that, deletes wait until there is space.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        match self.roll(&mut self.state(), Purpose::Tombstone) {
            Err(StorageError::Full) => {
                tracing::warn!(dir = %self.dir.display(), "the disk is too full to reserve space for deletes");
                Ok(())
            }
            result => result,
        }
    }

    /// Starts a new segment; the open one, if any, is to be sealed.
    fn roll(&self, state: &mut LogState, purpose: Purpose) -> Result<(), StorageError> {
        let allocated = FILE_HEADER_BYTES + self.options.delete_reserve_bytes;
        self.admit(purpose, allocated)?;
        let (number, salt) = (state.next_number, self.random.u64());
        // Numbers aren't reused, not even after a failure: what that left behind is found on the next start.
        state.next_number += 1;
        let segment = match self.create(number, salt, allocated) {
            Ok(segment) => Arc::new(segment),
            Err(error) => {
                self.discard(number);
                return Err(storage_error(&error));
            }
        };
        state.made.insert(number, salt);
        let active = Active { segment, cursor: FILE_HEADER_BYTES, allocated, records: 0 };
        self.retire_active(state);
        state.active = Some(active);
        Ok(())
    }

    /// Makes the file with its header, durably: its records count only if the file is found after a crash.
    fn create(&self, number: u64, salt: u64, allocated: u64) -> DiskResult<OpenSegment> {
        let path = segment_path(&self.dir, number);
        let file = self.disk.open(&path, OpenMode::CreateNew(Permissions::Default))?;
        let header = FileHeader { identity: self.identity, number, salt };
        file.write_at(&header.encode(), 0)?;
        file.sync_data()?;
        // A segment without room for tombstones mustn't take the place of one that has it.
        file.allocate(0, allocated, Allocation::GrowLength)?;
        self.disk.sync_dir(&self.dir)?;
        Ok(OpenSegment::new(number, salt, file))
    }

    fn discard(&self, number: u64) {
        let path = segment_path(&self.dir, number);
        if let Err(error) = self.disk.remove_file(&path)
            && !error.is_not_found()
        {
            tracing::warn!(%error, "an unfinished segment file stays behind");
        }
    }

    /// Hands the open segment over to be sealed.
    pub(super) fn retire_active(&self, state: &mut LogState) {
        if let Some(Active { segment, cursor, .. }) = state.active.take() {
            state.rolled.push_back(Rolled { segment, data_end: cursor });
        }
    }

    /// Reserves disk space for the next `bytes`, and for the tombstones that may have to follow.
    fn grow(&self, active: &mut Active, purpose: Purpose, bytes: u64) -> Result<(), StorageError> {
        let needed = active.cursor + bytes;
        let wanted = needed + self.options.delete_reserve_bytes;
        if wanted <= active.allocated {
            return Ok(());
        }
        let step = self.options.allocate_bytes.min(self.options.segment_bytes);
        let target = wanted.max(active.allocated + step).next_multiple_of(FILE_HEADER_BYTES);
        let result = self.admit(purpose, target - active.allocated).and_then(|()| {
            let (from, count) = (active.allocated, target - active.allocated);
            let allocated = active.segment.file.allocate(from, count, Allocation::GrowLength);
            allocated.map_err(|error| storage_error(&error))
        });
        match result {
            Ok(()) => active.allocated = target,
            // The reserve is there for this.
            Err(StorageError::Full) if purpose == Purpose::Tombstone && needed <= active.allocated => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Refuses new data when the disk would have less space left than the watermark.
    fn admit(&self, purpose: Purpose, bytes: u64) -> Result<(), StorageError> {
        if purpose != Purpose::Data {
            return Ok(());
        }
        let space = self.disk.space(&self.dir).map_err(|error| storage_error(&error))?;
        if space.available_bytes < bytes.saturating_add(self.options.free_space.bytes(space)) {
            metrics::counter!(telemetry::REFUSED_FULL).increment(1);
            return Err(StorageError::Full);
        }
        Ok(())
    }
}
