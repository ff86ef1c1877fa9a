//! A node with several disks: directories of one simulated disk, each of which can be made to fail alone.

use super::World;
use esker_env::{DiskOperation, Fault, FaultDuration, SimDisk};
use esker_rpc::{Storage, StorageError};
use esker_storage::contract::{FENCE, blob, body, content};
use esker_storage::{IndexStart, NodeOpenError, NodeStore, Opened, Opening};
use std::io;
use std::path::{Path, PathBuf};

/// What survives the node's process.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) world: World,
    pub(crate) disk: SimDisk,
    /// The directories of the disks after the first.
    pub(crate) data_dirs: Vec<PathBuf>,
    /// Those that an operator calls replaced.
    pub(crate) replaced: Vec<PathBuf>,
}

impl Node {
    /// A node with this many disks.
    pub(crate) fn with_disks(count: usize) -> Node {
        let (world, disk) = World::simulated();
        let data_dirs = (1..count).map(|number| PathBuf::from(format!("/disk-{number}"))).collect();
        Node { world, disk, data_dirs, replaced: Vec::new() }
    }

    pub(crate) fn try_open(&self) -> Result<Opened, NodeOpenError> {
        NodeStore::open(Opening {
            components: self.world.components(),
            options: self.world.options.clone(),
            start: IndexStart::Recover,
            data_dirs: self.data_dirs.clone(),
            replaced: self.replaced.clone(),
        })
    }

    pub(crate) fn open(&self) -> NodeStore {
        self.try_open().unwrap().store
    }

    /// The data directory of a disk; 0 is the system disk.
    pub(crate) fn dir(&self, disk: usize) -> &Path {
        disk.checked_sub(1).map_or(&*self.world.root, |at| &*self.data_dirs[at])
    }

    /// From now on nothing can be looked at on a disk, as if it were pulled out.
    pub(crate) fn pull_out(&self, disk: usize) {
        for operation in [DiskOperation::Stat, DiskOperation::Open, DiskOperation::List] {
            self.fail(disk, operation, FaultDuration::Forever);
        }
    }

    /// Operations on a disk fail.
    pub(crate) fn fail(&self, disk: usize, operation: DiskOperation, duration: FaultDuration) {
        let fault = Fault { operation, after: 0, kind: io::ErrorKind::Other, duration };
        let dir = self.dir(disk);
        // The fences, and whatever else is on the system disk, are not its segments.
        let dir = if disk == 0 { dir.join("segments") } else { dir.to_owned() };
        self.disk.inject_under(&dir, fault);
    }
}

/// Puts blob `number`.
pub(crate) async fn put(store: &NodeStore, number: u64, length: u64) -> Result<u64, StorageError> {
    store.put(blob(number), FENCE, body(content(number, length), 90_000)).await
}

/// The disk that a blob would have to be read from: where its row is.
pub(crate) async fn blobs_on(store: &NodeStore, disk: usize) -> u64 {
    store.usage().await.unwrap().disks[disk].blobs
}

/// Retires a disk: its next fdatasync fails. Puts blobs, with numbers from `first` on, until one meets it.
pub(crate) async fn retire(node: &Node, store: &NodeStore, disk: usize, first: u64) {
    node.fail(disk, DiskOperation::Sync, FaultDuration::Once);
    for number in first..first + 1000 {
        if put(store, number, 10).await.is_err() {
            return;
        }
    }
    panic!("no blob comes to disk {disk}");
}
