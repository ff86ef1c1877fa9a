//! The directory of a data disk: a marker that says whose it is, and a lock that keeps a second process out.
//!
//! ```text
//! esker.disk     whose disk this is, as text
//! lock           held by the process that uses the disk
//! segments/
//! ```

use super::marker::{self, DiskMarker};
use crate::datadir::Identity;
use crate::marker::MarkerError;
use crate::recover::OpenError;
use esker_env::{Disk, DiskError, DiskLock, Permissions, Random, read_file, write_atomically};
use esker_types::{ClusterId, NodeId};
use std::fmt;
use std::path::{Path, PathBuf};

const MARKER: &str = "esker.disk";
const MARKER_BYTES_MAX: u64 = 4096;
const LOCK: &str = "lock";
const SEGMENTS: &str = "segments";
/// What may lie in a directory that counts as empty: what this module leaves when a start is cut short, and what `mkfs`
/// makes.
const IGNORED: [&str; 4] = [LOCK, SEGMENTS, ".esker.disk.tmp", "lost+found"];

/// One disk of a node, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskId(pub u64);

impl fmt::Display for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl DiskId {
    pub(super) fn parse(text: &str) -> Option<DiskId> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(DiskId)).flatten()
    }
}

/// Why a data disk is out of use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It was there at an earlier start.
    #[error("the directory is not there")]
    Missing,
    /// It was there at an earlier start. Whoever filled it now might fill a directory on which a disk is to be mounted.
    #[error("the directory is empty: its disk is not mounted, or was replaced")]
    Empty,
    /// It is not ours to fill.
    #[error("the directory has no marker but holds {0:?}")]
    Foreign(String),
    /// Another process holds the lock.
    #[error("another process uses it")]
    Locked,
    /// It has another node's marker.
    #[error("it belongs to node {node} of cluster {}", cluster.0.simple())]
    OtherNode {
        /// The node of its marker.
        node: NodeId,
        /// The cluster of its marker.
        cluster: ClusterId,
    },
    /// The marker can't be read.
    #[error("its marker can't be used: {0}")]
    Marker(MarkerError),
    /// It is in use under another path.
    #[error("it is the same disk as {}", .0.display())]
    Twice(PathBuf),
    /// It was used at an earlier start, and is at none of the paths that the node was given.
    #[error("it is not among the data directories any more")]
    NotGiven,
    /// What it holds can't be used.
    #[error("{0}")]
    Segments(OpenError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What is at a path, looked at without changing anything.
#[derive(Debug)]
pub(super) enum Look {
    Missing,
    Empty,
    Marked(DiskMarker),
}

/// Looks at a directory.
pub(super) fn look(disk: &dyn Disk, path: &Path) -> Result<Look, Unusable> {
    if disk.metadata(path)?.is_none() {
        return Ok(Look::Missing);
    }
    if let Some(bytes) = read_file(disk, &path.join(MARKER), MARKER_BYTES_MAX)? {
        return Ok(Look::Marked(marker::decode(&bytes).map_err(Unusable::Marker)?));
    }
    let entries = disk.list(path)?;
    let foreign = entries.iter().find(|entry| IGNORED.iter().all(|name| entry.name != *name));
    match foreign {
        Some(entry) => Err(Unusable::Foreign(entry.name.to_string_lossy().into_owned())),
        None if has_segments(disk, path)? => Err(Unusable::Foreign(SEGMENTS.to_owned())),
        None => Ok(Look::Empty),
    }
}

fn has_segments(disk: &dyn Disk, path: &Path) -> Result<bool, DiskError> {
    let dir = path.join(SEGMENTS);
    Ok(disk.metadata(&dir)?.is_some() && !disk.list(&dir)?.is_empty())
}

/// An open data disk. The lock is held until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDisk {
    path: PathBuf,
    id: DiskId,
    _lock: DiskLock,
}

impl DataDisk {
    /// Takes a disk into use whose marker was read.
    pub(super) fn open(disk: &dyn Disk, path: &Path, id: DiskId) -> Result<DataDisk, Unusable> {
        let lock = disk.try_lock(&path.join(LOCK))?.ok_or(Unusable::Locked)?;
        // Never made here: a disk without the segments that its rows speak of lost them.
        disk.list(&path.join(SEGMENTS))?;
        Ok(DataDisk { path: path.to_owned(), id, _lock: lock })
    }

    /// Makes an empty or missing directory a disk of the node, durably.
    pub(super) fn form(
        disk: &dyn Disk,
        path: &Path,
        identity: Identity,
        random: &dyn Random,
    ) -> Result<DataDisk, Unusable> {
        disk.create_dir_all(path)?;
        let lock = disk.try_lock(&path.join(LOCK))?.ok_or(Unusable::Locked)?;
        disk.create_dir_all(&path.join(SEGMENTS))?;
        let id = DiskId(random.u64());
        let text = marker::encode(DiskMarker { identity, disk: id });
        write_atomically(disk, &path.join(MARKER), text.as_bytes(), Permissions::Default)?;
        tracing::info!(path = %path.display(), disk = %id, "took a new data disk into use");
        Ok(DataDisk { path: path.to_owned(), id, _lock: lock })
    }

    pub(crate) fn id(&self) -> DiskId {
        self.id
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the segment files go.
    pub(crate) fn segments(&self) -> PathBuf {
        self.path.join(SEGMENTS)
    }
}
