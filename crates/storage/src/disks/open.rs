//! Taking a node's disks into use.
//!
//! The system disk must be there. Any other that was there before and can't be used now is out, and the node starts without
//! it; a directory that was never used and can't be is a mistake of whoever named it, and the node does not start.
//!
//! A directory in which there was a disk, and which is empty now, is not filled again by itself: it may be the place where a
//! disk is to be mounted, and what is written there would be on the wrong disk, and hidden as soon as the right one is back.
//! So it takes an operator's word that the disk was replaced.

use super::DiskId;
use super::data_disk::{DataDisk, Look, Unusable, look};
use super::node::NodeStore;
use super::roster::{Entry, Roster, RosterError, RosterFile, Use};
use super::tracker::Tracker;
use super::unit::{OutDisk, Unit, UnitState};
use crate::fence::FenceFile;
use crate::index::Index;
use crate::maintain::Throttle;
use crate::options::{Components, IndexStart, StorageOptions};
use crate::place::{Keyspaces, Parts};
use crate::recover::{OpenError, OpenReport};
use crate::store::SegmentStore;
use esker_kv::KvError;
use esker_rpc::Wholeness;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What a node's store is opened from.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The system disk, and what all disks share.
    pub components: Components,
    /// The settings of each disk; the memory is shared among them.
    pub options: StorageOptions,
    /// What to do with the indexes.
    pub start: IndexStart,
    /// The directories of the other disks.
    pub data_dirs: Vec<PathBuf>,
    /// Those of them whose disks were replaced: the empty directory is taken into use.
    pub replaced: Vec<PathBuf>,
}

/// A node's store, and what opening it found on each disk in use.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: NodeStore,
    /// The data directories with their reports.
    pub reports: Vec<(PathBuf, OpenReport)>,
}

/// Why a node's store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum NodeOpenError {
    /// The system disk, or what all disks share.
    #[error(transparent)]
    System(#[from] OpenError),
    /// A directory that was never used can't be.
    #[error("the data directory {} can't be taken into use: {why}", path.display())]
    Refused {
        /// The directory.
        path: PathBuf,
        /// Why not.
        why: Unusable,
    },
    /// A directory was called replaced that is none of the others'.
    #[error("{} is not among the data directories after the first, so nothing was replaced there", .0.display())]
    NotGiven(PathBuf),
    /// What is remembered of the disks.
    #[error(transparent)]
    Roster(#[from] RosterError),
}

impl From<KvError> for NodeOpenError {
    fn from(error: KvError) -> NodeOpenError {
        NodeOpenError::System(error.into())
    }
}

/// A disk at a given path.
struct Slot {
    path: PathBuf,
    id: DiskId,
    found: Result<DataDisk, Unusable>,
}

impl NodeStore {
    /// Opens the stores of a node's disks. Blocks, and reads every segment that the indexes don't cover: run it on a
    /// blocking thread.
    pub fn open(opening: Opening) -> Result<Opened, NodeOpenError> {
        if let Some(path) = opening.replaced.iter().find(|path| !opening.data_dirs.contains(path)) {
            return Err(NodeOpenError::NotGiven(path.clone()));
        }
        let Components { disk, dir, engine, .. } = &opening.components;
        let roster = Arc::new(RosterFile::load(Arc::clone(disk), dir.disks())?);
        let fences = Arc::new(FenceFile::load(&**disk, FenceFile::path(dir))?);
        let old = roster.get();
        let slots = find(&opening, &old)?;
        let options = shared(&opening.options, 1 + slots.len());

        let parts = Parts::system(opening.components.clone(), Arc::clone(&fences));
        let (system, report) = SegmentStore::open_at(parts, options.clone(), opening.start)?;
        let mut new = Roster { wholeness: old.wholeness, disks: Vec::new() };
        // What a disk that is there lost is lost like what is on one that is not.
        let mut lost = !report.missing_segments.is_empty();
        let mut reports = vec![(dir.path().to_owned(), report)];
        let system = UnitState::In(Box::new(system));
        let mut units = vec![Unit::new(dir.path().display().to_string(), system)];
        for Slot { path, id, found } in slots {
            let opened = match found {
                Ok(found) => {
                    let parts = Parts::data(&opening.components, Arc::new(found), Arc::clone(&fences));
                    open_data(parts, &options, opening.start)?
                }
                Err(why) => Err(why),
            };
            let (state, used) = match opened {
                Ok((store, report)) => {
                    lost |= !report.missing_segments.is_empty();
                    reports.push((path.clone(), report));
                    (UnitState::In(Box::new(store)), Use::In)
                }
                Err(why) => (out(&opening.components, id, &why)?, Use::Out),
            };
            lost |= used == Use::Out && old.get(id).is_some_and(|entry| entry.used == Use::In);
            units.push(Unit::new(path.display().to_string(), state));
            new.disks.push(Entry { id, used, path });
        }
        for entry in &old.disks {
            if new.get(entry.id).is_some() {
                continue;
            }
            if entry.used == Use::Out && old.wholeness == Wholeness::Whole {
                tracing::info!(disk = %entry.id, path = %entry.path.display(), "forgot a disk that the node has no more");
                Index::open(Arc::clone(engine), Keyspaces::of(entry.id.0))?.destroy()?;
                continue;
            }
            lost |= entry.used == Use::In;
            let state = out(&opening.components, entry.id, &Unusable::NotGiven)?;
            units.push(Unit::new(entry.path.display().to_string(), state));
            new.disks.push(Entry { used: Use::Out, ..entry.clone() });
        }
        if lost {
            new.wholeness = Wholeness::Lacking;
        }
        // Before anything is served: what lists lack now proves nothing.
        roster.set(new).map_err(RosterError::Disk)?;
        let rescue = Throttle::BytesPerSecond(opening.options.rescue_bytes_per_second);
        Ok(Opened { store: NodeStore::new(units, Tracker::new(roster), rescue), reports })
    }
}

/// The options of each of so many disks.
fn shared(options: &StorageOptions, disks: usize) -> StorageOptions {
    let buffer_bytes = options.buffer_bytes / u64::try_from(disks).unwrap_or(u64::MAX);
    StorageOptions { buffer_bytes, ..options.clone() }
}

/// Finds the disks at the given paths. A disk is known by its marker, so it may be mounted elsewhere than it was.
fn find(opening: &Opening, roster: &Roster) -> Result<Vec<Slot>, NodeOpenError> {
    let Components { disk, dir, random, .. } = &opening.components;
    let identity = dir.identity();
    let looks: Vec<_> = opening.data_dirs.iter().map(|path| (path, look(&**disk, path))).collect();
    let present: BTreeSet<DiskId> = looks
        .iter()
        .filter_map(|(_, look)| match look {
            Ok(Look::Marked(marker)) if marker.identity == identity => Some(marker.disk),
            _ => None,
        })
        .collect();
    let mut slots: Vec<Slot> = Vec::new();
    for (path, look) in looks {
        let known = roster.disks.iter().find(|entry| entry.path == *path && !present.contains(&entry.id));
        let known = known.map(|entry| entry.id);
        let missed = known.filter(|_| !opening.replaced.contains(path));
        let (id, found) = match look {
            Ok(Look::Marked(marker)) if marker.identity != identity => {
                let (cluster, node) = (marker.identity.cluster, marker.identity.node);
                (known, Err(Unusable::OtherNode { node, cluster }))
            }
            Ok(Look::Marked(marker)) => match slots.iter().find(|slot| slot.id == marker.disk) {
                Some(other) => (None, Err(Unusable::Twice(other.path.clone()))),
                None => (Some(marker.disk), DataDisk::open(&**disk, path, marker.disk)),
            },
            Ok(Look::Missing) if missed.is_some() => (missed, Err(Unusable::Missing)),
            Ok(Look::Empty) if missed.is_some() => (missed, Err(Unusable::Empty)),
            Ok(Look::Missing | Look::Empty) => {
                let formed = DataDisk::form(&**disk, path, identity, &**random);
                (formed.as_ref().ok().map(DataDisk::id), formed)
            }
            Err(why) => (known, Err(why)),
        };
        match (id, found) {
            (Some(id), found) => slots.push(Slot { path: path.clone(), id, found }),
            (None, Err(why)) => return Err(NodeOpenError::Refused { path: path.clone(), why }),
            (None, Ok(_)) => unreachable!("a disk that was taken into use has an id"),
        }
    }
    Ok(slots)
}

/// Opens the store of a data disk. The inner error says why the disk is out; the outer one is not the disk's.
fn open_data(
    parts: Parts,
    options: &StorageOptions,
    start: IndexStart,
) -> Result<Result<(SegmentStore, OpenReport), Unusable>, NodeOpenError> {
    match SegmentStore::open_at(parts, options.clone(), start) {
        Ok(opened) => Ok(Ok(opened)),
        Err(error @ (OpenError::Index(_) | OpenError::Thread(_))) => Err(error.into()),
        Err(error) => Ok(Err(Unusable::Segments(error))),
    }
}

/// A disk that is out of use.
fn out(components: &Components, id: DiskId, why: &Unusable) -> Result<UnitState, KvError> {
    let index = Index::open(Arc::clone(&components.engine), Keyspaces::of(id.0))?;
    let totals = index.totals();
    tracing::error!(disk = %id, %why, blobs = totals.blobs, bytes = totals.bytes, "a data disk is out of use");
    Ok(UnitState::Out(OutDisk { index, why: why.to_string(), changing: Mutex::default() }))
}
