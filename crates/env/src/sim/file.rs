//! An open file of the simulated disk.

use super::inode::{Change, Inode};
use super::names::InodeId;
use super::{SimDisk, State};
use crate::disk::{Allocation, DiskFile, OpenMode};
use crate::error::{DiskError, DiskOperation, DiskResult};
use crate::random::Random as _;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct SimFile {
    disk: SimDisk,
    inode: InodeId,
    path: PathBuf,
    mode: OpenMode,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, inode: InodeId, path: PathBuf, mode: OpenMode) -> SimFile {
        SimFile { disk, inode, path, mode }
    }

    /// Runs one operation, after the faults that are armed for it.
    fn with<T>(
        &self,
        operation: DiskOperation,
        act: impl FnOnce(&mut State, InodeId) -> io::Result<T>,
    ) -> DiskResult<T> {
        let mut state = self.disk.lock();
        let changes = !matches!(operation, DiskOperation::Read | DiskOperation::Stat | DiskOperation::Sync);
        let result = if changes && self.mode == OpenMode::Read {
            Err(io::ErrorKind::PermissionDenied.into())
        } else {
            act(&mut state, self.inode)
        };
        result.map_err(|error| DiskError::new(operation, &self.path, error))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.disk.lock();
        if let Some(inode) = state.inodes.get_mut(&self.inode) {
            inode.handles -= 1;
        }
        state.collect();
    }
}

impl State {
    fn inode(&mut self, id: InodeId) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The longest prefix of a write for which there is space.
    fn fitting(&mut self, id: InodeId, offset: u64, len: usize) -> io::Result<usize> {
        let free = self.free_bytes();
        let bytes = &self.inode(id)?.current;
        let fits = |len: usize| bytes.missing_bytes(offset, len as u64) <= free;
        if fits(len) {
            return Ok(len);
        }
        let (mut fitting, mut too_long) = (0, len);
        while too_long - fitting > 1 {
            let middle = fitting.midpoint(too_long);
            if fits(middle) {
                fitting = middle;
            } else {
                too_long = middle;
            }
        }
        Ok(fitting)
    }

    fn write(&mut self, path: &Path, id: InodeId, offset: u64, bytes: Vec<u8>) -> io::Result<()> {
        if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > i64::MAX as u64) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let fault = self.faults.check(DiskOperation::Write, path);
        let fitting = self.fitting(id, offset, bytes.len())?;
        let written = match fault {
            Ok(()) => fitting,
            // What an interrupted write leaves is anyone's guess.
            Err(_) => usize::try_from(self.random.below(fitting as u64 + 1)).unwrap_or(fitting),
        };
        let wanted = bytes.len();
        if written > 0 {
            let mut bytes = bytes;
            bytes.truncate(written);
            self.inode(id)?.change(Change::Write { offset, bytes });
        }
        self.counters.writes += 1;
        self.counters.written_bytes += written as u64;
        fault?;
        if fitting < wanted {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.with(DiskOperation::Read, |state, id| {
            state.faults.check(DiskOperation::Read, &self.path)?;
            state.counters.reads += 1;
            Ok(state.inode(id)?.current.read(buffer, offset))
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> DiskResult<()> {
        self.with(DiskOperation::Write, |state, id| state.write(&self.path, id, offset, bytes.to_vec()))
    }

    fn write_vectored_at(&self, parts: &[IoSlice<'_>], offset: u64) -> DiskResult<()> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.with(DiskOperation::Write, |state, id| state.write(&self.path, id, offset, bytes))
    }

    fn len(&self) -> DiskResult<u64> {
        self.with(DiskOperation::Stat, |state, id| Ok(state.inode(id)?.current.len()))
    }

    fn allocated_bytes(&self) -> DiskResult<u64> {
        self.with(DiskOperation::Stat, |state, id| Ok(state.inode(id)?.current.allocated_bytes()))
    }

    fn truncate(&self, len: u64) -> DiskResult<()> {
        self.with(DiskOperation::Truncate, |state, id| {
            state.faults.check(DiskOperation::Truncate, &self.path)?;
            state.inode(id)?.change(Change::SetLen(len));
            Ok(())
        })
    }

    fn allocate(&self, offset: u64, len: u64, allocation: Allocation) -> DiskResult<()> {
        self.with(DiskOperation::Allocate, |state, id| {
            state.faults.check(DiskOperation::Allocate, &self.path)?;
            let free = state.free_bytes();
            let inode = state.inode(id)?;
            if inode.current.missing_bytes(offset, len) > free {
                return Err(io::ErrorKind::StorageFull.into());
            }
            inode.change(Change::Reserve { offset, len });
            if allocation == Allocation::GrowLength && offset + len > inode.current.len() {
                inode.change(Change::SetLen(offset + len));
            }
            Ok(())
        })
    }

    fn punch_hole(&self, offset: u64, len: u64) -> DiskResult<()> {
        self.with(DiskOperation::PunchHole, |state, id| {
            state.faults.check(DiskOperation::PunchHole, &self.path)?;
            let freed = state.inode(id)?.change(Change::Punch { offset, len });
            state.counters.punched_bytes += freed;
            Ok(())
        })
    }

    fn sync_data(&self) -> DiskResult<()> {
        self.with(DiskOperation::Sync, |state, id| {
            if let Err(error) = state.faults.check(DiskOperation::Sync, &self.path) {
                let random = &state.random;
                if let Some(inode) = state.inodes.get_mut(&id) {
                    inode.fail_sync(random);
                }
                return Err(error);
            }
            state.inode(id)?.sync();
            state.counters.syncs += 1;
            Ok(())
        })
    }
}
