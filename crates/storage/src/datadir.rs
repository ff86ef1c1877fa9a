//! The data directory of a node: a marker that says whose it is, and a lock that keeps a second process out.
//!
//! ```text
//! esker.marker   whose directory this is, as text
//! formed         there once the node's log has begun: from then on, an empty log is a lost one
//! lock           held by the process that uses the directory
//! wal/ kv/ segments/
//! ```

use esker_env::{Disk, DiskError, DiskLock, Permissions, Random, read_file, write_atomically};
use esker_types::{ClusterId, NodeId};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::marker::{self, Marker, MarkerError, MarkerFormat};

const MARKER: &str = "esker.marker";
const MARKER_BYTES_MAX: u64 = 4096;
const LOCK: &str = "lock";
const FORMED: &str = "formed";
/// What may lie in a directory that counts as empty: what this module leaves when a start is cut short, and
/// what `mkfs` makes.
const IGNORED: [&str; 3] = [LOCK, ".esker.marker.tmp", "lost+found"];

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

/// What a data directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// To no cluster yet.
    Empty,
    /// To a cluster, for good, but it is not certain that the cluster knows the node.
    Adopted(ClusterId),
    /// To a cluster that was formed and knows the node.
    Member(ClusterId),
}

impl Standing {
    /// The cluster, if there is one.
    pub fn cluster(self) -> Option<ClusterId> {
        match self {
            Standing::Empty => None,
            Standing::Adopted(cluster) | Standing::Member(cluster) => Some(cluster),
        }
    }
}

/// An open data directory. The lock is held until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    node: NodeId,
    standing: Mutex<Standing>,
    origin: Origin,
    format: MarkerFormat,
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
    /// Locks the directory and reads its marker. An empty or missing directory is made one of a new node, which
    /// belongs to no cluster.
    pub fn open(disk: &dyn Disk, path: &Path, random: &dyn Random) -> Result<DataDir, DataDirError> {
        disk.create_dir_all(path)?;
        let lock = disk.try_lock(&path.join(LOCK))?.ok_or_else(|| DataDirError::Locked(path.to_owned()))?;
        let marker_path = path.join(MARKER);
        let (marker, origin) = match read_file(disk, &marker_path, MARKER_BYTES_MAX)? {
            Some(bytes) => {
                let found = marker::decode(&bytes)
                    .map_err(|reason| DataDirError::Marker { path: marker_path, reason })?;
                (found, Origin::Found)
            }
            None => {
                refuse_foreign_files(disk, path)?;
                let node = NodeId(random.u64());
                let marker = Marker { node, standing: Standing::Empty, format: MarkerFormat::Current };
                write_marker(disk, path, &marker)?;
                (marker, Origin::Created)
            }
        };
        let standing = match marker.standing {
            // What markers of format 1 don't say; a log begins only in a node that takes part.
            Standing::Adopted(cluster) if disk.metadata(&path.join(FORMED))?.is_some() => {
                Standing::Member(cluster)
            }
            standing => standing,
        };
        let dir = DataDir {
            path: path.to_owned(),
            node: marker.node,
            standing: Mutex::new(standing),
            origin,
            format: marker.format,
            _lock: lock,
        };
        for sub in [dir.wal(), dir.kv(), dir.segments()] {
            disk.create_dir_all(&sub)?;
        }
        Ok(dir)
    }

    /// [Opens](Self::open) a directory that is to belong to a cluster at once.
    pub fn open_or_create(
        disk: &dyn Disk,
        path: &Path,
        cluster: ClusterChoice,
        random: &dyn Random,
    ) -> Result<DataDir, DataDirError> {
        let dir = DataDir::open(disk, path, random)?;
        match cluster {
            ClusterChoice::Exactly(wanted) => dir.adopt(disk, wanted)?,
            ClusterChoice::FoundOrNew if dir.standing() == Standing::Empty => {
                dir.adopt(disk, new_cluster(random))?;
            }
            ClusterChoice::FoundOrNew => {}
        }
        Ok(dir)
    }

    /// The node, never reused: a directory that was deleted comes back as a new node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// What the directory belongs to.
    pub fn standing(&self) -> Standing {
        *self.lock_standing()
    }

    /// Whose directory this is.
    ///
    /// # Panics
    /// If it belongs to no cluster yet: what is kept in it names one.
    pub fn identity(&self) -> Identity {
        let cluster = self.standing().cluster().expect("the directory belongs to a cluster");
        Identity { cluster, node: self.node }
    }

    /// Makes the directory belong to a cluster, durably. It can't be undone.
    ///
    /// # Errors
    /// It belongs to another one, or the disk failed.
    pub fn adopt(&self, disk: &dyn Disk, cluster: ClusterId) -> Result<(), DataDirError> {
        let mut standing = self.lock_standing();
        match standing.cluster() {
            None => self.stand(disk, &mut standing, Standing::Adopted(cluster)),
            Some(found) if found == cluster => Ok(()),
            Some(found) => {
                Err(DataDirError::OtherCluster { path: self.path.clone(), found, wanted: cluster })
            }
        }
    }

    /// Remembers, durably, that the cluster knows the node.
    ///
    /// # Panics
    /// If the directory belongs to no cluster.
    pub fn mark_member(&self, disk: &dyn Disk) -> Result<(), DataDirError> {
        let mut standing = self.lock_standing();
        match *standing {
            Standing::Empty => panic!("a node without a cluster is no member"),
            Standing::Adopted(cluster) => self.stand(disk, &mut standing, Standing::Member(cluster)),
            Standing::Member(_) => Ok(()),
        }
    }

    fn stand(&self, disk: &dyn Disk, standing: &mut Standing, next: Standing) -> Result<(), DataDirError> {
        let marker = Marker { node: self.node, standing: next, format: MarkerFormat::Current };
        write_marker(disk, &self.path, &marker)?;
        *standing = next;
        Ok(())
    }

    fn lock_standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this start made the marker.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether the first release made it, whose nodes were all alone.
    pub fn predates_clusters(&self) -> bool {
        self.format == MarkerFormat::First
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

fn write_marker(disk: &dyn Disk, path: &Path, marker: &Marker) -> Result<(), DataDirError> {
    let text = marker::encode(marker);
    Ok(write_atomically(disk, &path.join(MARKER), text.as_bytes(), Permissions::Default)?)
}

fn new_cluster(random: &dyn Random) -> ClusterId {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    ClusterId::from_bytes(bytes)
}
