//! Fences: the states of placement groups that this node has acknowledged, and holds every put to.
//!
//! A fence that is forgotten loses data: a put of an earlier state would succeed after the blobs of that state were
//! copied away. So they are kept in a file of their own, beside the marker of the data directory, which no rebuild of
//! the index touches. A fence is durable first and enforced then. Between the two the node refuses less than it would
//! after a restart, and nobody was told otherwise.
//!
//! **A retired disk** acknowledges fences all the same, or a move away from it could wait for ever where too few others are
//! left. This promises no less than on a sound disk:
//!
//! - *Durable.* The file is a new one each time, so that its fdatasync answers for bytes that were part of no failed one.
//!   Memory alone would not do: a node that is started again takes blobs again, and must not have forgotten. Once
//!   the file itself, or its directory, could not be synced, this is not tried again: then no fence is acknowledged.
//! - *Nothing slips through.* It still goes through the committer. What that has committed before is listed; everything
//!   else fails, since the disk is retired.
//!
//! **Architecture Invariant:** only the committer raises what is enforced, and it checks each put in the same order as
//! it commits them. So when a fence is acknowledged, every put of an earlier state is listed or will fail.

use crate::core::Core;
use crate::datadir::DataDir;
use crate::format::FormatError;
use crate::format::fences::{FENCE_FILE_BYTES_MAX, FenceTable, decode_fences, encode_fences};
use crate::recover::OpenError;
use esker_env::{Disk, DiskError, DiskOperation, DiskResult, Permissions, read_file, write_atomically};
use esker_rpc::StorageError;
use esker_types::Fence;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

const FILE: &str = "fences";

/// The acknowledged states of one node.
#[derive(Debug)]
pub(crate) struct Fences {
    path: PathBuf,
    /// What the file holds. Locked while the file is written, so that there is one writer.
    durable: Mutex<FenceTable>,
    enforced: Mutex<FenceTable>,
    /// Why the file could not be synced, if that has failed.
    failed: OnceLock<String>,
}

fn lock(table: &Mutex<FenceTable>) -> MutexGuard<'_, FenceTable> {
    // No holder leaves a table half changed: it is replaced, or raised entry by entry.
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Raises the table; an earlier epoch than the one that is there changes nothing.
fn raise(table: &mut FenceTable, fences: &[Fence]) {
    for fence in fences {
        let epoch = table.entry(fence.group).or_insert(fence.epoch);
        *epoch = fence.epoch.max(*epoch);
    }
}

impl Fences {
    /// Where the file is.
    pub(crate) fn path(dir: &DataDir) -> PathBuf {
        dir.path().join(FILE)
    }

    /// Reads the file; without one, nothing was acknowledged yet. A damaged one is refused, because what it said
    /// can't be made up for.
    pub(crate) fn load(disk: &dyn Disk, path: PathBuf) -> Result<Fences, OpenError> {
        let table = match read_file(disk, &path, FENCE_FILE_BYTES_MAX)? {
            None => FenceTable::new(),
            Some(bytes) => match decode_fences(&bytes) {
                Ok(table) => table,
                Err(FormatError::Version(version)) => {
                    return Err(OpenError::UnknownVersion { path, version });
                }
                Err(reason) => return Err(OpenError::Fences { path, reason }),
            },
        };
        let (durable, enforced) = (Mutex::new(table.clone()), Mutex::new(table));
        Ok(Fences { path, durable, enforced, failed: OnceLock::new() })
    }

    /// Refuses a put of an earlier state than the acknowledged one.
    pub(crate) fn check(&self, fence: Fence) -> Result<(), StorageError> {
        match lock(&self.enforced).get(&fence.group) {
            Some(known) if *known > fence.epoch => Err(StorageError::Stale(*known)),
            _ => Ok(()),
        }
    }

    /// Holds puts to these states from now on. For the committer.
    pub(crate) fn enforce(&self, fences: &[Fence]) {
        raise(&mut lock(&self.enforced), fences);
    }

    /// Makes states durable. Blocks on the disk. After an error they may be durable or not.
    fn persist(&self, disk: &dyn Disk, fences: &[Fence]) -> DiskResult<()> {
        let mut durable = lock(&self.durable);
        let mut raised = durable.clone();
        raise(&mut raised, fences);
        if raised != *durable {
            write_atomically(disk, &self.path, &encode_fences(&raised), Permissions::Default)?;
            *durable = raised;
        }
        Ok(())
    }
}

/// Makes states durable, before the committer enforces them. Blocks on the disk.
pub(crate) fn persist(core: &Core, fences: &[Fence]) -> Result<(), StorageError> {
    if core.closing.is_cancelled() {
        return Err(StorageError::Failed("the store is closed".into()));
    }
    if let Some(reason) = core.fences.failed.get() {
        return Err(StorageError::Failed(reason.clone()));
    }
    let failed = |error: DiskError| match error.operation() {
        DiskOperation::Sync | DiskOperation::SyncDir => {
            // Set once: whoever failed at the same time says the same.
            let _ = core.fences.failed.set(format!("fences can't be made durable: {error}"));
            core.retire(&error.to_string())
        }
        _ => crate::log::storage_error(&error),
    };
    core.fences.persist(&*core.disk, fences).map_err(failed)
}
