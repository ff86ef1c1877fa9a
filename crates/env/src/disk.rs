//! What Esker asks of a disk. Synchronous: callers that mustn't block run it on a thread of their own.

use crate::error::{DiskError, DiskOperation, DiskResult};
use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

/// A file system.
///
/// Durability: a created, renamed or removed file is certain to stay so after a power loss only when
/// [`sync_dir`](Disk::sync_dir) of its directory has returned; a file's bytes only when
/// [`sync_data`](DiskFile::sync_data) has. Directories are durable when the call that makes or removes them
/// returns.
pub trait Disk: Send + Sync + Debug {
    /// Makes `dir` and its missing ancestors, durably. An existing directory is fine.
    fn create_dir_all(&self, dir: &Path) -> DiskResult<()>;

    /// The entries of `dir`, sorted by name.
    fn list(&self, dir: &Path) -> DiskResult<Vec<DirEntry>>;

    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> DiskResult<Arc<dyn DiskFile>>;

    /// The kind and length of what is at `path`, or `None` if nothing is.
    fn metadata(&self, path: &Path) -> DiskResult<Option<Metadata>>;

    /// Removes a file. Handles that are open still work, and its space is freed when the last is dropped.
    fn remove_file(&self, path: &Path) -> DiskResult<()>;

    /// Removes `dir` and all that is in it, durably. A directory that doesn't exist is fine.
    fn remove_dir_all(&self, dir: &Path) -> DiskResult<()>;

    /// Renames a file, atomically replacing a file at `to`.
    fn rename(&self, from: &Path, to: &Path) -> DiskResult<()>;

    /// Makes the entries of `dir` durable.
    fn sync_dir(&self, dir: &Path) -> DiskResult<()>;

    /// The space of the file system that holds `path`.
    fn space(&self, path: &Path) -> DiskResult<DiskSpace>;

    /// Takes the exclusive lock of the file at `path`, which is made if missing and never removed. `None` if
    /// another process, or another lock of this one, holds it. The lock ends when the value is dropped, or with
    /// the process.
    fn try_lock(&self, path: &Path) -> DiskResult<Option<DiskLock>>;
}

/// An open file. Reads and writes name their offset, so one handle serves any number of threads.
pub trait DiskFile: Send + Sync + Debug {
    /// The path that the file was opened by.
    fn path(&self) -> &Path;

    /// Reads until `buffer` is full or the file ends, and returns how many bytes it read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize>;

    /// Reads until `buffer` is full; an end of the file before that is `UnexpectedEof`.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<()> {
        if self.read_at(buffer, offset)? == buffer.len() {
            return Ok(());
        }
        let error = io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("the file ends within the {} bytes at offset {offset}", buffer.len()),
        );
        Err(DiskError::new(DiskOperation::Read, self.path(), error))
    }

    /// Writes all of `bytes`, growing the file if they end beyond it. After an error, any part may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> DiskResult<()>;

    /// Writes all of `parts`, one after the other, in as few system calls as the system allows.
    fn write_vectored_at(&self, parts: &[IoSlice<'_>], offset: u64) -> DiskResult<()>;

    /// The file's length in bytes.
    fn len(&self) -> DiskResult<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> DiskResult<bool> {
        Ok(self.len()? == 0)
    }

    /// The bytes of disk space that the file holds: holes don't count, reserved space does.
    fn allocated_bytes(&self) -> DiskResult<u64>;

    /// Sets the file's length, cutting it or growing it with zeros.
    fn truncate(&self, len: u64) -> DiskResult<()>;

    /// Reserves disk space for a range, so that writes to it can't fail for want of space. Bytes that exist are
    /// kept; the rest of the range reads as zeros.
    fn allocate(&self, offset: u64, len: u64, allocation: Allocation) -> DiskResult<()>;

    /// Makes a range read as zeros, and gives its whole blocks back to the file system. The length stays.
    fn punch_hole(&self, offset: u64, len: u64) -> DiskResult<()>;

    /// Makes the file's bytes, and the length needed to read them, durable: `fdatasync`. After an error nothing
    /// that was written since the last success may be trusted, and no later success changes that: Linux marks
    /// the pages clean.
    fn sync_data(&self) -> DiskResult<()>;
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    ReadWrite,
    /// A new file, to read and write; `AlreadyExists` if there is one.
    CreateNew(Permissions),
    /// The file that is there, or else a new one, to read and write.
    OpenOrCreate(Permissions),
}

/// Who may read a file that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permissions {
    /// What the umask leaves of 0666.
    Default,
    /// Only the owner: 0600. For secrets.
    OwnerOnly,
}

/// What a reservation does to the file's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// The length stays as it is.
    KeepLength,
    /// The file grows to the end of the range, so that later writes within it needn't change its length and
    /// their sync is cheaper.
    GrowLength,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The last component of the path.
    pub name: OsString,
    /// What it is.
    pub kind: EntryKind,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// Something that Esker never makes: a link, a device, a socket.
    Other,
}

/// What is known of a file or directory without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: EntryKind,
    /// A file's length in bytes.
    pub len: u64,
}

/// The space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// All of it, in bytes.
    pub total_bytes: u64,
    /// What this process may still use, in bytes.
    pub available_bytes: u64,
}

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct DiskLock {
    _guard: Box<dyn LockGuard>,
}

impl DiskLock {
    /// A lock that is released by dropping `guard`.
    pub fn new(guard: impl LockGuard + 'static) -> DiskLock {
        DiskLock { _guard: Box::new(guard) }
    }
}

/// What a [`DiskLock`] holds on to.
pub trait LockGuard: Send + Sync + Debug {}
