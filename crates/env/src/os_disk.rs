//! The real disk: `std::fs`, and the Linux calls that it lacks.
#![expect(clippy::disallowed_methods, reason = "this is the seam that the bans point to")]

use crate::disk::{
    Allocation, DirEntry, Disk, DiskFile, DiskLock, DiskSpace, EntryKind, LockGuard, Metadata, OpenMode,
    Permissions,
};
use crate::error::{DiskError, DiskOperation, DiskResult};
use rustix::fs::{FallocateFlags, FlockOperation};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The operating system's file systems.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsDisk;

/// Names the operation and the path in an error.
fn at<T>(operation: DiskOperation, path: &Path, result: io::Result<T>) -> DiskResult<T> {
    result.map_err(|error| DiskError::new(operation, path, error))
}

fn sync_directory(dir: &Path) -> io::Result<()> {
    // The parent of a bare relative name is the empty path, which can't be opened.
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir)?.sync_all()
}

fn create_durably(dir: &Path) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().unwrap_or(Path::new(""));
    create_durably(parent)?;
    match fs::create_dir(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
        Err(error) => return Err(error),
    }
    sync_directory(parent)
}

fn kind_of(kind: fs::FileType) -> EntryKind {
    if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other
    }
}

fn options(mode: OpenMode) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    let permissions = match mode {
        OpenMode::Read => return options,
        OpenMode::ReadWrite => Permissions::Default,
        OpenMode::CreateNew(permissions) => {
            options.create_new(true);
            permissions
        }
        OpenMode::OpenOrCreate(permissions) => {
            options.create(true);
            permissions
        }
    };
    options.write(true);
    if permissions == Permissions::OwnerOnly {
        options.mode(0o600);
    }
    options
}

impl Disk for OsDisk {
    fn create_dir_all(&self, dir: &Path) -> DiskResult<()> {
        at(DiskOperation::CreateDir, dir, create_durably(dir))
    }

    fn list(&self, dir: &Path) -> DiskResult<Vec<DirEntry>> {
        let read = || {
            let mut entries = Vec::new();
            for entry in fs::read_dir(dir)? {
                let entry = entry?;
                entries.push(DirEntry { name: entry.file_name(), kind: kind_of(entry.file_type()?) });
            }
            entries.sort();
            Ok(entries)
        };
        at(DiskOperation::List, dir, read())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> DiskResult<Arc<dyn DiskFile>> {
        let file = at(DiskOperation::Open, path, options(mode).open(path))?;
        Ok(Arc::new(OsFile { file, path: path.to_owned() }))
    }

    fn metadata(&self, path: &Path) -> DiskResult<Option<Metadata>> {
        match fs::symlink_metadata(path) {
            Ok(found) => Ok(Some(Metadata { kind: kind_of(found.file_type()), len: found.len() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DiskError::new(DiskOperation::Stat, path, error)),
        }
    }

    fn remove_file(&self, path: &Path) -> DiskResult<()> {
        at(DiskOperation::Remove, path, fs::remove_file(path))
    }

    fn remove_dir_all(&self, dir: &Path) -> DiskResult<()> {
        match fs::remove_dir_all(dir) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(DiskError::new(DiskOperation::Remove, dir, error)),
        }
        at(DiskOperation::SyncDir, dir, sync_directory(dir.parent().unwrap_or(Path::new(""))))
    }

    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()> {
        at(DiskOperation::Rename, from, fs::rename(from, to))
    }

    fn sync_dir(&self, dir: &Path) -> DiskResult<()> {
        at(DiskOperation::SyncDir, dir, sync_directory(dir))
    }

    fn space(&self, path: &Path) -> DiskResult<DiskSpace> {
        let found = at(DiskOperation::Space, path, rustix::fs::statvfs(path).map_err(io::Error::from))?;
        Ok(DiskSpace {
            total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
            available_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        })
    }

    fn try_lock(&self, path: &Path) -> DiskResult<Option<DiskLock>> {
        let mode = OpenMode::OpenOrCreate(Permissions::Default);
        let file = at(DiskOperation::Lock, path, options(mode).open(path))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(DiskLock::new(OsLock { _file: file }))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(DiskError::new(DiskOperation::Lock, path, error.into())),
        }
    }
}

/// The system releases the lock when the file is closed.
#[derive(Debug)]
struct OsLock {
    _file: File,
}

impl LockGuard for OsLock {}

#[derive(Debug)]
struct OsFile {
    file: File,
    path: PathBuf,
}

impl OsFile {
    fn at<T>(&self, operation: DiskOperation, result: io::Result<T>) -> DiskResult<T> {
        at(operation, &self.path, result)
    }
}

impl DiskFile for OsFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DiskError::new(DiskOperation::Read, &self.path, error)),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> DiskResult<()> {
        self.at(DiskOperation::Write, self.file.write_all_at(bytes, offset))
    }

    fn write_vectored_at(&self, parts: &[IoSlice<'_>], offset: u64) -> DiskResult<()> {
        self.at(DiskOperation::Write, write_all_vectored(&self.file, parts, offset))
    }

    fn len(&self) -> DiskResult<u64> {
        Ok(self.at(DiskOperation::Stat, self.file.metadata())?.len())
    }

    fn allocated_bytes(&self) -> DiskResult<u64> {
        // stat(2): st_blocks counts units of 512 bytes, whatever the file system's block size is.
        Ok(self.at(DiskOperation::Stat, self.file.metadata())?.blocks().saturating_mul(512))
    }

    fn truncate(&self, len: u64) -> DiskResult<()> {
        self.at(DiskOperation::Truncate, self.file.set_len(len))
    }

    fn allocate(&self, offset: u64, len: u64, allocation: Allocation) -> DiskResult<()> {
        let flags = match allocation {
            Allocation::KeepLength => FallocateFlags::KEEP_SIZE,
            Allocation::GrowLength => FallocateFlags::empty(),
        };
        self.at(DiskOperation::Allocate, fallocate(&self.file, flags, offset, len))
    }

    fn punch_hole(&self, offset: u64, len: u64) -> DiskResult<()> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        self.at(DiskOperation::PunchHole, fallocate(&self.file, flags, offset, len))
    }

    fn sync_data(&self) -> DiskResult<()> {
        self.at(DiskOperation::Sync, self.file.sync_data())
    }
}

/// A file system without reservations or holes (NFS before 4.2, some overlays) is refused with a clear error:
/// the promises made on a full disk depend on them.
fn fallocate(file: &File, flags: FallocateFlags, offset: u64, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    loop {
        match rustix::fs::fallocate(file, flags, offset, len) {
            Err(Errno::INTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}

fn write_all_vectored(file: &File, parts: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
    // Linux takes at most IOV_MAX = 1024 parts a call.
    const PARTS_MAX: usize = 1024;
    let mut parts: Vec<IoSlice<'_>> = parts.to_vec();
    let mut rest = &mut parts[..];
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        let count = rest.len().min(PARTS_MAX);
        match rustix::io::pwritev(file, &rest[..count], offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                IoSlice::advance_slices(&mut rest, written);
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
