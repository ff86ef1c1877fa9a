//! The simulated disk's names and space, as the [`Disk`] trait sees them.

use super::file::SimFile;
use super::inode::Inode;
use super::names::{NameChange, parent};
use super::{SimDisk, State};
use crate::disk::{DirEntry, Disk, DiskFile, DiskLock, DiskSpace, EntryKind, LockGuard, Metadata, OpenMode};
use crate::error::{DiskError, DiskOperation, DiskResult};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn refuse<T>(operation: DiskOperation, path: &Path, kind: io::ErrorKind) -> DiskResult<T> {
    Err(DiskError::new(operation, path, kind.into()))
}

impl SimDisk {
    /// Locks the state and lets an armed fault strike.
    fn begin(&self, operation: DiskOperation, path: &Path) -> DiskResult<std::sync::MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.faults.check(operation, path).map_err(|error| DiskError::new(operation, path, error))?;
        Ok(state)
    }
}

impl State {
    /// Makes an empty file.
    fn create(&mut self, path: &Path) -> DiskResult<u64> {
        if !self.names.has_directory(&parent(path)) {
            return refuse(DiskOperation::Open, path, io::ErrorKind::NotFound);
        }
        if self.names.has_directory(path) {
            return refuse(DiskOperation::Open, path, io::ErrorKind::IsADirectory);
        }
        let inode = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(inode, Inode::default());
        self.names.change(NameChange::Link { path: path.to_owned(), inode });
        Ok(inode)
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, dir: &Path) -> DiskResult<()> {
        let mut state = self.begin(DiskOperation::CreateDir, dir)?;
        if dir.ancestors().any(|path| state.names.find(path).is_some()) {
            return refuse(DiskOperation::CreateDir, dir, io::ErrorKind::NotADirectory);
        }
        state.names.add_directories(dir);
        Ok(())
    }

    fn list(&self, dir: &Path) -> DiskResult<Vec<DirEntry>> {
        let state = self.begin(DiskOperation::List, dir)?;
        if !state.names.has_directory(dir) {
            return refuse(DiskOperation::List, dir, io::ErrorKind::NotFound);
        }
        let files = state.names.files_in(dir).map(|path| (path, EntryKind::File));
        let directories = state.names.directories_in(dir).map(|path| (path, EntryKind::Directory));
        let mut entries: Vec<DirEntry> = files
            .chain(directories)
            .filter_map(|(path, kind)| Some(DirEntry { name: path.file_name()?.to_owned(), kind }))
            .collect();
        entries.sort();
        Ok(entries)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> DiskResult<Arc<dyn DiskFile>> {
        let mut state = self.begin(DiskOperation::Open, path)?;
        let inode = match (state.names.find(path), mode) {
            (Some(_), OpenMode::CreateNew(_)) => {
                return refuse(DiskOperation::Open, path, io::ErrorKind::AlreadyExists);
            }
            (Some(inode), _) => inode,
            (None, OpenMode::CreateNew(_) | OpenMode::OpenOrCreate(_)) => state.create(path)?,
            (None, OpenMode::Read | OpenMode::ReadWrite) => {
                return refuse(DiskOperation::Open, path, io::ErrorKind::NotFound);
            }
        };
        if let Some(found) = state.inodes.get_mut(&inode) {
            found.handles += 1;
        }
        drop(state);
        Ok(Arc::new(SimFile::new(self.clone(), inode, path.to_owned(), mode)))
    }

    fn metadata(&self, path: &Path) -> DiskResult<Option<Metadata>> {
        let state = self.begin(DiskOperation::Stat, path)?;
        if let Some(inode) = state.names.find(path).and_then(|id| state.inodes.get(&id)) {
            return Ok(Some(Metadata { kind: EntryKind::File, len: inode.current.len() }));
        }
        let directory = Metadata { kind: EntryKind::Directory, len: 0 };
        Ok(state.names.has_directory(path).then_some(directory))
    }

    fn remove_file(&self, path: &Path) -> DiskResult<()> {
        let mut state = self.begin(DiskOperation::Remove, path)?;
        let Some(inode) = state.names.find(path) else {
            return refuse(DiskOperation::Remove, path, io::ErrorKind::NotFound);
        };
        state.names.change(NameChange::Unlink { path: path.to_owned(), inode });
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> DiskResult<()> {
        let mut state = self.begin(DiskOperation::Remove, dir)?;
        state.names.remove_directory(dir);
        state.collect();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        let mut state = self.begin(DiskOperation::Rename, from)?;
        let Some(inode) = state.names.find(from) else {
            return refuse(DiskOperation::Rename, from, io::ErrorKind::NotFound);
        };
        if !state.names.has_directory(&parent(to)) {
            return refuse(DiskOperation::Rename, from, io::ErrorKind::NotFound);
        }
        if state.names.has_directory(to) {
            return refuse(DiskOperation::Rename, from, io::ErrorKind::IsADirectory);
        }
        state.names.change(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> DiskResult<()> {
        let mut state = self.begin(DiskOperation::SyncDir, dir)?;
        if !state.names.has_directory(dir) {
            return refuse(DiskOperation::SyncDir, dir, io::ErrorKind::NotFound);
        }
        state.names.sync(dir);
        state.counters.dir_syncs += 1;
        state.collect();
        Ok(())
    }

    fn space(&self, path: &Path) -> DiskResult<DiskSpace> {
        let state = self.begin(DiskOperation::Space, path)?;
        Ok(DiskSpace { total_bytes: state.capacity_bytes, available_bytes: state.free_bytes() })
    }

    fn try_lock(&self, path: &Path) -> DiskResult<Option<DiskLock>> {
        let mut state = self.begin(DiskOperation::Lock, path)?;
        if state.names.find(path).is_none() {
            state.create(path)?;
        }
        if !state.locked.insert(path.to_owned()) {
            return Ok(None);
        }
        drop(state);
        Ok(Some(DiskLock::new(SimLock { disk: self.clone(), path: path.to_owned() })))
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.lock().locked.remove(&self.path);
    }
}
