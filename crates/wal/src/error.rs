//! Why the log refuses.

use crate::bounds::Refusal;
use esker_env::DiskError;
use std::path::PathBuf;
use std::sync::Arc;

/// A failure of the log. Cheap to clone: one failed batch fails everything that waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WalError {
    /// The disk failed. If it failed under an append, the log is poisoned.
    #[error("the log's disk failed: {0}")]
    Disk(#[from] DiskError),
    /// Synced bytes are damaged or gone. Records that were promised to survive did not.
    #[error(
        "the log is damaged: {what}, in {} at offset {offset}. It was written and synced before, so this is not a \
         crash's torn tail, and starting without it could undo votes and acknowledged writes. Keep the directory, \
         check the disk, and restore it from a backup, or remove this node from the cluster and let it join \
         again with an empty directory.",
        path.display()
    )]
    Corrupt {
        /// The segment file.
        path: PathBuf,
        /// The segment's number.
        segment: u64,
        /// The first damaged byte's offset, or that of the frame or record that holds it.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The log was written by another node, or by this one in another life.
    #[error("{} belongs to another node or cluster: this is not this node's data directory", path.display())]
    Foreign {
        /// The segment file.
        path: PathBuf,
    },
    /// The log was written by a version of Esker that this one can't read.
    #[error("{} has log format {version}, and this version reads only format 1", path.display())]
    UnsupportedFormat {
        /// The segment file.
        path: PathBuf,
        /// The format that it states.
        version: u32,
    },
    /// The records don't continue the log. Nothing was written.
    #[error("the log refuses the records: {0}")]
    Refused(#[from] Refusal),
    /// An option is out of its range.
    #[error("invalid log option: {0}")]
    InvalidOptions(&'static str),
    /// The active segment is full and there is no space for another. Admission should have refused the write:
    /// see [`Wal::is_low`](crate::Wal::is_low).
    #[error("the log's disk is full")]
    Full,
    /// An earlier write or sync failed, so nothing can be acknowledged any more. The process must exit and
    /// recover from what the disk really holds.
    #[error("the log failed earlier and takes no more records: {0}")]
    Poisoned(Arc<WalError>),
    /// The writer thread could not be started, or panicked.
    #[error("the log's writer thread is gone")]
    WriterLost,
    /// The log is being closed.
    #[error("the log is closed")]
    Closed,
}

impl WalError {
    /// The error that everything after `self` gets.
    pub(crate) fn poison(&self) -> WalError {
        match self {
            WalError::Poisoned(_) => self.clone(),
            first => WalError::Poisoned(Arc::new(first.clone())),
        }
    }
}
