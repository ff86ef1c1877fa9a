//! What the store, its committer and its maintenance share.

use crate::commit::WriteCount;
use crate::datadir::DataDir;
use crate::fence::Fences;
use crate::files::FileCache;
use crate::format::record::{HEADER_BYTES, checksum_bytes};
use crate::index::{BlobRow, Index, Location, Usage};
use crate::log::{Log, segment_path};
use crate::maintain::Progress;
use crate::options::{Components, StorageOptions};
use crate::suspects::Suspects;
use crate::telemetry;
use esker_env::{Clock, Disk, DiskFile, DiskResult, Random};
use esker_rpc::{DiskState, StorageError};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio_util::sync::CancellationToken;

/// The file system's block size: holes are punched in whole blocks, so that neighbours are never touched.
const HOLE_ALIGN: u64 = 4096;
/// Smaller fragments aren't punched out: compaction gets their space back, without shredding the file.
pub(crate) const PUNCH_BYTES_MIN: u64 = 64 << 10;

/// Why nothing is written any more.
#[derive(Debug)]
enum Unwritable {
    /// The store is closed.
    Closed,
    /// The disk is retired, for this reason.
    Retired(String),
}

/// The parts of one store.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) disk: Arc<dyn Disk>,
    /// The directory of the segment files.
    pub(crate) dir: PathBuf,
    /// Holds the lock of the data directory: whatever still writes through this core keeps others out.
    _data_dir: Arc<DataDir>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: StorageOptions,
    pub(crate) index: Index,
    pub(crate) log: Log,
    pub(crate) files: FileCache,
    pub(crate) fences: Fences,
    /// Segments without a readable header: nobody knows what they hold.
    pub(crate) damaged: Vec<u64>,
    pub(crate) suspects: Suspects,
    /// Cancelled when the store is being closed: puts in progress end then.
    pub(crate) closing: CancellationToken,
    /// The puts in progress.
    pub(crate) writes: WriteCount,
    unwritable: OnceLock<Unwritable>,
    /// What maintenance counted last.
    dead_bytes: Mutex<Option<u64>>,
    pub(crate) scrub_progress: Progress,
}

impl Core {
    pub(crate) fn new(
        components: Components,
        options: StorageOptions,
        index: Index,
        log: Log,
        fences: Fences,
        damaged: Vec<u64>,
    ) -> Core {
        let dir = components.dir.segments();
        let files = FileCache::new(components.disk.clone(), dir.clone(), options.open_files_max);
        Core {
            disk: components.disk,
            dir,
            _data_dir: components.dir,
            random: components.random,
            clock: components.clock,
            options,
            index,
            log,
            files,
            fences,
            damaged,
            suspects: Suspects::default(),
            closing: CancellationToken::new(),
            writes: WriteCount::default(),
            unwritable: OnceLock::new(),
            dead_bytes: Mutex::default(),
            scrub_progress: Progress::default(),
        }
    }

    /// Refuses work that writes, once the disk is retired.
    pub(crate) fn check_writable(&self) -> Result<(), StorageError> {
        match self.unwritable.get() {
            None => Ok(()),
            Some(Unwritable::Closed) => Err(StorageError::Failed("the store is closed".into())),
            Some(Unwritable::Retired(reason)) => Err(StorageError::Failed(reason.clone())),
        }
    }

    /// Whether the disk is retired. A store that is closed says nothing against its disk.
    pub(crate) fn disk_state(&self) -> DiskState {
        match self.unwritable.get() {
            None | Some(Unwritable::Closed) => DiskState::Sound,
            Some(Unwritable::Retired(_)) => DiskState::Retired,
        }
    }

    /// Accepts no more writes, because the store is being closed.
    pub(crate) fn refuse_writes(&self) {
        // If the disk is retired, that is the better reason.
        let _ = self.unwritable.set(Unwritable::Closed);
    }

    /// Accepts no more writes, ever. After a failed fdatasync nobody knows what is on the disk, and another one
    /// that succeeds would prove nothing.
    pub(crate) fn retire(&self, reason: &str) -> StorageError {
        let reason = format!("the disk is retired: {reason}");
        if self.unwritable.set(Unwritable::Retired(reason.clone())).is_ok() {
            tracing::error!(dir = %self.dir.display(), %reason, "no more data is written here");
            metrics::gauge!(telemetry::RETIRED).set(1.0);
        }
        StorageError::Failed(reason)
    }

    /// `fdatasync`, timed. A failure retires the disk.
    pub(crate) fn sync_file(&self, file: &dyn DiskFile) -> Result<(), StorageError> {
        let start = self.clock.monotonic();
        file.sync_data().map_err(|error| self.retire(&error.to_string()))?;
        let taken = self.clock.monotonic().saturating_sub(start);
        metrics::histogram!(telemetry::FSYNC_SECONDS).record(taken.as_secs_f64());
        Ok(())
    }

    /// Gives the data of fragments that are gone for good back to the file system. Failures are only logged:
    /// compaction gets the space back in the end.
    pub(crate) fn punch(&self, fragments: &[(Location, u64)]) {
        for (place, data_bytes) in fragments {
            if let Err(error) = self.punch_one(*place, *data_bytes)
                && !error.is_not_found()
            {
                tracing::warn!(%error, "space is not handed back until compaction");
                return;
            }
        }
    }

    fn punch_one(&self, place: Location, data_bytes: u64) -> DiskResult<()> {
        if data_bytes < PUNCH_BYTES_MIN {
            return Ok(());
        }
        let data = place.offset + HEADER_BYTES as u64 + checksum_bytes(data_bytes);
        let start = data.next_multiple_of(HOLE_ALIGN);
        let end = (data + data_bytes) / HOLE_ALIGN * HOLE_ALIGN;
        if end > start {
            self.files.get(place.segment)?.punch_hole(start, end - start)?;
            metrics::counter!(telemetry::PUNCHED_BYTES).increment(end - start);
        }
        Ok(())
    }

    /// Counts the segments that were started since the last call, so that the bytes of their records are too.
    pub(crate) fn adopt_new_segments(&self) {
        let made = self.log.take_made();
        if !made.is_empty() {
            let mut usages = self.index.usages();
            for (number, salt) in made {
                usages.entry(number).or_insert_with(|| Usage::open(salt));
            }
        }
    }

    /// Whether a part of a blob lies in a segment that is gone, or of which nobody knows what it holds.
    pub(crate) fn is_in_lost_segment(&self, row: &BlobRow) -> bool {
        let usages = self.index.usages();
        row.places.iter().any(|place| !usages.contains_key(&place.segment))
    }

    /// The dead bytes that maintenance counted last, if it ever did.
    pub(crate) fn dead_bytes(&self) -> Option<u64> {
        *self.dead_bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers how many bytes are dead.
    pub(crate) fn set_dead_bytes(&self, bytes: u64) {
        *self.dead_bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
    }

    /// The path of a segment's file.
    pub(crate) fn segment_path(&self, number: u64) -> PathBuf {
        segment_path(&self.dir, number)
    }
}
