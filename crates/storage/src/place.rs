//! Where one store is: its segments, its rows in the engine, and what it holds on to.
//!
//! A node has one store on each of its disks. They share the engine, which is on the system disk, so each has keyspaces of
//! its own there.

use crate::datadir::{DataDir, Identity};
use crate::disks::DataDisk;
use crate::fence::FenceFile;
use crate::options::Components;
use esker_env::{Clock, Disk, DiskResult, Random};
use esker_kv::Engine;
use std::path::PathBuf;
use std::sync::Arc;

/// The keyspaces of one index, which all begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyspaces(String);

impl Keyspaces {
    /// Those of the system disk: what they were called when a node had one disk.
    pub(crate) fn system() -> Keyspaces {
        Keyspaces("storage".to_owned())
    }

    /// Those of another disk.
    pub(crate) fn of(disk: u64) -> Keyspaces {
        Keyspaces(format!("storage.{disk:016x}"))
    }

    /// The full name of one of them.
    pub(crate) fn name(&self, part: &str) -> String {
        format!("{}.{part}", self.0)
    }
}

/// What keeps other processes from the directory. Whatever still writes through a store keeps them out.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "they are held, not looked at")]
pub(crate) enum Held {
    /// The system disk's data directory.
    System(Arc<DataDir>),
    /// That, since the fences and the rows are there, and the disk's own.
    Data(Arc<DataDir>, Arc<DataDisk>),
}

/// The place of one store.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Whose segments they are.
    pub(crate) identity: Identity,
    /// The directory of the segment files.
    pub(crate) segments: PathBuf,
    pub(crate) keyspaces: Keyspaces,
    /// The data directory as people know it, for logs and metrics.
    pub(crate) label: String,
    pub(crate) held: Held,
}

/// What one store is built from.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) place: Place,
    pub(crate) fences: Arc<FenceFile>,
}

impl Parts {
    /// The store on the system disk.
    pub(crate) fn system(components: Components, fences: Arc<FenceFile>) -> Parts {
        let Components { disk, engine, dir, random, clock } = components;
        let place = Place {
            identity: dir.identity(),
            segments: dir.segments(),
            keyspaces: Keyspaces::system(),
            label: dir.path().display().to_string(),
            held: Held::System(dir),
        };
        Parts { disk, engine, random, clock, place, fences }
    }

    /// The store on another disk of the node whose system disk has `components`.
    pub(crate) fn data(components: &Components, disk: Arc<DataDisk>, fences: Arc<FenceFile>) -> Parts {
        let Components { disk: files, engine, dir, random, clock } = components.clone();
        let place = Place {
            identity: dir.identity(),
            segments: disk.segments(),
            keyspaces: Keyspaces::of(disk.id().0),
            label: disk.path().display().to_string(),
            held: Held::Data(dir, disk),
        };
        Parts { disk: files, engine, random, clock, place, fences }
    }

    /// The entries of the segments' directory that are to be there after a crash.
    pub(crate) fn sync_segments_dir(&self) -> DiskResult<()> {
        self.disk.sync_dir(&self.place.segments)
    }
}
