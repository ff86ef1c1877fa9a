//! What a disk operation reports when it fails: what was tried, on which path, and why not.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of a disk operation.
pub type DiskResult<T> = Result<T, DiskError>;

/// A failed disk operation. Cheap to clone, because one failed sync fails every write that waited for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("can't {operation} {}: {source}", path.display())]
pub struct DiskError {
    operation: DiskOperation,
    path: PathBuf,
    source: Arc<io::Error>,
}

impl DiskError {
    /// The failure of `operation` on `path`.
    pub fn new(operation: DiskOperation, path: &Path, source: io::Error) -> DiskError {
        DiskError { operation, path: path.to_owned(), source: Arc::new(source) }
    }

    /// What was tried.
    pub fn operation(&self) -> DiskOperation {
        self.operation
    }

    /// The file or directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The operating system's reason.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// Whether the disk or the quota is full.
    pub fn is_full(&self) -> bool {
        matches!(self.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether the file or directory doesn't exist.
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiskOperation {
    /// Create a directory.
    CreateDir,
    /// List a directory.
    List,
    /// Open or create a file.
    Open,
    /// Ask for a file's kind and length.
    Stat,
    /// Remove a file or directory.
    Remove,
    /// Rename a file or directory.
    Rename,
    /// Make a directory's entries durable.
    SyncDir,
    /// Ask for the free space.
    Space,
    /// Lock a file.
    Lock,
    /// Read from a file.
    Read,
    /// Write to a file.
    Write,
    /// Change a file's length.
    Truncate,
    /// Reserve space for a file.
    Allocate,
    /// Free a range of a file.
    PunchHole,
    /// Make a file's bytes durable.
    Sync,
}

impl fmt::Display for DiskOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiskOperation::CreateDir => "create directory",
            DiskOperation::List => "list directory",
            DiskOperation::Open => "open",
            DiskOperation::Stat => "look at",
            DiskOperation::Remove => "remove",
            DiskOperation::Rename => "rename",
            DiskOperation::SyncDir => "sync directory",
            DiskOperation::Space => "ask for the free space of",
            DiskOperation::Lock => "lock",
            DiskOperation::Read => "read",
            DiskOperation::Write => "write",
            DiskOperation::Truncate => "truncate",
            DiskOperation::Allocate => "allocate space for",
            DiskOperation::PunchHole => "punch a hole in",
            DiskOperation::Sync => "sync",
        })
    }
}
