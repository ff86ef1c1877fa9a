//! The data directory of a node: a marker that says whose it is, and a lock that keeps a second process out.
//!
//! ```text
//! esker.marker   whose directory this is, as text
//! formed         there once the node's log has begun: from then on, an empty log is a lost one
//! lock           held by the process that uses the directory
//! wal/ kv/ segments/
//! ```

use esker_env::{Disk, DiskError, DiskLock, Permissions, Random, read_file, write_atomically};
use esker_types::NodeId;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::marker::{self, MarkerError};

const MARKER: &str = "esker.marker";
const MARKER_BYTES_MAX: u64 = 4096;
const LOCK: &str = "lock";
const FORMED: &str = "formed";
/// What may lie in a directory that counts as empty: what this module leaves when a start is cut short, and
/// what `mkfs` makes.
const IGNORED: [&str; 3] = [LOCK, ".esker.marker.tmp", "lost+found"];

/// A cluster: 16 random bytes, chosen when it is formed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClusterId(pub [u8; 16]);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A node and its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The cluster.
    pub cluster: ClusterId,
    /// The node, never reused: a directory that was deleted comes back as a new node.
    pub node: NodeId,
}

/// The cluster that a directory is to belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterChoice {
    /// The one that the marker names, or a new one if there is no marker.
    FoundOrNew,
    /// This one.
    Exactly(ClusterId),
}

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another process holds the lock.
    #[error("the data directory {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// There is no marker, but there are other files: it is not ours to fill.
    #[error("the directory {} has no marker but holds {found:?}; use an empty directory, or restore {MARKER}", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// A file in it.
        found: String,
    },
    /// The directory belongs to another cluster.
    #[error("the data directory {} belongs to cluster {found}, not {wanted}", path.display())]
    OtherCluster {
        /// The directory.
        path: PathBuf,
        /// The cluster of its marker.
        found: ClusterId,
        /// The cluster that was asked for.
        wanted: ClusterId,
    },
    /// The marker can't be read.
    #[error("the marker {} can't be used: {reason}", path.display())]
    Marker {
        /// The marker.
        path: PathBuf,
        /// What is wrong with it.
        reason: MarkerError,
    },
}

/// An open data directory. The lock is held until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    identity: Identity,
    origin: Origin,
    _lock: DiskLock,
}

/// Whether this start made the marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The directory was empty: the node is new.
    Created,
    /// The marker was there.
    Found,
}

impl DataDir {
    /// Locks the directory and reads its marker. An empty or missing directory is made one of a new node.
    pub fn open_or_create(
        disk: &dyn Disk,
        path: &Path,
        cluster: ClusterChoice,
        random: &dyn Random,
    ) -> Result<DataDir, DataDirError> {
        disk.create_dir_all(path)?;
        let lock = disk.try_lock(&path.join(LOCK))?.ok_or_else(|| DataDirError::Locked(path.to_owned()))?;
        let marker_path = path.join(MARKER);
        let (identity, origin) = match read_file(disk, &marker_path, MARKER_BYTES_MAX)? {
            Some(bytes) => {
                let found = marker::decode(&bytes)
                    .map_err(|reason| DataDirError::Marker { path: marker_path, reason })?;
                (found, Origin::Found)
            }
            None => {
                refuse_foreign_files(disk, path)?;
                let identity = new_identity(cluster, random);
                let text = marker::encode(&identity);
                write_atomically(disk, &marker_path, text.as_bytes(), Permissions::Default)?;
                (identity, Origin::Created)
            }
        };
        if let ClusterChoice::Exactly(wanted) = cluster
            && identity.cluster != wanted
        {
            return Err(DataDirError::OtherCluster {
                path: path.to_owned(),
                found: identity.cluster,
                wanted,
            });
        }
        let dir = DataDir { path: path.to_owned(), identity, origin, _lock: lock };
        for sub in [dir.wal(), dir.kv(), dir.segments()] {
            disk.create_dir_all(&sub)?;
        }
        Ok(dir)
    }

    /// Whose directory this is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether this start made the marker.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the node's log has begun, in this process or an earlier one.
    pub fn is_formed(&self, disk: &dyn Disk) -> Result<bool, DataDirError> {
        Ok(disk.metadata(&self.path.join(FORMED))?.is_some())
    }

    /// Remembers, durably, that the node's log has begun.
    pub fn mark_formed(&self, disk: &dyn Disk) -> Result<(), DataDirError> {
        if !self.is_formed(disk)? {
            write_atomically(disk, &self.path.join(FORMED), b"", Permissions::Default)?;
        }
        Ok(())
    }

    /// Where the log goes.
    pub fn wal(&self) -> PathBuf {
        self.path.join("wal")
    }

    /// Where the key-value engine goes.
    pub fn kv(&self) -> PathBuf {
        self.path.join("kv")
    }

    /// Where the segment files go.
    pub fn segments(&self) -> PathBuf {
        self.path.join("segments")
    }
}

fn refuse_foreign_files(disk: &dyn Disk, path: &Path) -> Result<(), DataDirError> {
    let entries = disk.list(path)?;
    match entries.iter().find(|entry| IGNORED.iter().all(|name| entry.name != *name)) {
        None => Ok(()),
        Some(entry) => {
            let found = entry.name.to_string_lossy().into_owned();
            Err(DataDirError::NotEmpty { path: path.to_owned(), found })
        }
    }
}

fn new_identity(cluster: ClusterChoice, random: &dyn Random) -> Identity {
    let cluster = match cluster {
        ClusterChoice::Exactly(cluster) => cluster,
        ClusterChoice::FoundOrNew => {
            let mut bytes = [0; 16];
            random.fill(&mut bytes);
            ClusterId(bytes)
        }
    };
    Identity { cluster, node: NodeId(random.u64()) }
}
