//! What the store holds and has room for, as other nodes ask every other second: answered from memory, but for one
//! system call.

use crate::core::Core;
use crate::log::storage_error;
use crate::{maintain, telemetry};
use esker_rpc::{StorageError, StorageUsage};
use esker_types::BlobId;

impl Core {
    /// The length of a blob; none if it isn't there, if it was found damaged, or if it lies in a segment that is
    /// lost. One whose header alone is lost can be read, but a rebuild of the index would not find what it holds.
    pub(crate) fn stat(&self, blob: BlobId) -> Result<Option<u64>, StorageError> {
        let Some(row) = self.index.row(blob)? else { return Ok(None) };
        let sound = !self.suspects.holds(blob) && !self.is_in_lost_segment(&row);
        Ok(sound.then_some(row.length))
    }

    /// What there is room for.
    pub(crate) fn usage(&self) -> Result<StorageUsage, StorageError> {
        let space = self.disk.space(&self.dir).map_err(|error| storage_error(&error))?;
        let totals = self.index.totals();
        let dead_bytes = match self.dead_bytes() {
            Some(bytes) => bytes,
            None => {
                let facts = maintain::facts(self).map_err(|error| storage_error(&error))?;
                maintain::publish(self, &facts)
            }
        };
        let usage = StorageUsage {
            capacity_bytes: space.total_bytes,
            free_bytes: space.available_bytes,
            blobs: totals.blobs,
            live_bytes: totals.bytes,
            dead_bytes,
            scrubbed: self.scrub_progress.get(),
            disk: self.disk_state(),
        };
        telemetry::show(&usage);
        Ok(usage)
    }
}
