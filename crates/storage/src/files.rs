//! Open files of segments that are read, a bounded number of them.

use crate::log::segment_path;
use esker_env::{Disk, DiskFile, DiskResult, OpenMode};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files that were used last stay open. Whoever holds a file may go on reading it after it left the cache,
/// and even after it was removed.
#[derive(Debug)]
pub(crate) struct FileCache {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    files_max: usize,
    open: Mutex<OpenFiles>,
}

#[derive(Debug, Default)]
struct OpenFiles {
    /// Each file with the time of its last use.
    files: HashMap<u64, (Arc<dyn DiskFile>, u64)>,
    uses: u64,
}

impl FileCache {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, files_max: usize) -> FileCache {
        FileCache { disk, dir, files_max: files_max.max(1), open: Mutex::default() }
    }

    /// The file of a segment. Writable, because holes are punched through it.
    pub(crate) fn get(&self, segment: u64) -> DiskResult<Arc<dyn DiskFile>> {
        {
            let mut open = self.lock();
            open.uses += 1;
            let now = open.uses;
            if let Some((file, used)) = open.files.get_mut(&segment) {
                *used = now;
                return Ok(file.clone());
            }
        }
        // Opened outside the lock; two threads may open the same file, and one handle is dropped.
        let file = self.disk.open(&segment_path(&self.dir, segment), OpenMode::ReadWrite)?;
        let mut open = self.lock();
        let now = open.uses;
        open.files.insert(segment, (file.clone(), now));
        if open.files.len() > self.files_max {
            let oldest = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number);
            oldest.and_then(|number| open.files.remove(&number));
        }
        Ok(file)
    }

    /// Closes a file that is removed.
    pub(crate) fn forget(&self, segment: u64) {
        self.lock().files.remove(&segment);
    }

    fn lock(&self) -> MutexGuard<'_, OpenFiles> {
        // No holder can leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
