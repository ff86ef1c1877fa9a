//! Brings sled's writes to stable storage, which its own `flush` does not do on Linux.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use sled::Tree;

use super::error::sled_error;
use crate::{KvError, files};

/// Knows sled's files: `db` holds the log, `blobs/<number>` each value that is too large for it.
#[derive(Debug)]
pub(super) struct Flusher {
    log: PathBuf,
    blobs: PathBuf,
    /// The newest blob that was synced. sled numbers blobs by log position and never rewrites one.
    newest_blob: AtomicI64,
}

impl Flusher {
    pub(super) fn new(path: &Path) -> Self {
        // Blobs of an earlier process may never have been synced, so the first flush syncs all of them.
        Self { log: path.join("db"), blobs: path.join("blobs"), newest_blob: AtomicI64::new(i64::MIN) }
    }

    /// Returns once everything applied to the tree before the call is on stable storage.
    pub(super) fn flush(&self, tree: &Tree) -> Result<(), KvError> {
        const DOING: &str = "sync";
        tree.flush().map_err(|e| sled_error(DOING, e))?;
        self.sync_blobs().and_then(|()| files::sync(&self.log)).map_err(|e| KvError::io(DOING, e))
    }

    fn sync_blobs(&self) -> std::io::Result<()> {
        let before = self.newest_blob.load(Ordering::Acquire);
        let numbers = files::entries(&self.blobs)?.into_iter().filter_map(|name| name.parse::<i64>().ok());
        let mut fresh: Vec<i64> = numbers.filter(|number| *number > before).collect();
        fresh.sort_unstable();
        let Some(newest) = fresh.last().copied() else { return Ok(()) };
        for number in fresh {
            match files::sync(&self.blobs.join(number.to_string())) {
                // Its value was overwritten meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        files::sync(&self.blobs)?;
        self.newest_blob.store(newest, Ordering::Release);
        Ok(())
    }
}
