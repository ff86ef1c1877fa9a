//! A disk of the node, in use or out of use.

use super::choose::Candidate;
use crate::index::Index;
use crate::log::storage_error;
use crate::put::blocking;
use crate::store::SegmentStore;
use esker_rpc::StorageError;
use esker_types::{BlobId, CHUNK_BYTES};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A disk on which so many puts failed in a row is retired: one that became read-only never gets as far as the fdatasync
/// whose failure would retire it.
const FAILURES_MAX: u32 = 3;

/// One disk.
#[derive(Debug)]
pub(super) struct Unit {
    /// Its data directory.
    pub(super) path: String,
    pub(super) state: UnitState,
    /// Puts that failed since the last one that did not.
    failures: AtomicU32,
}

#[derive(Debug)]
pub(super) enum UnitState {
    /// In use: sound, or retired since.
    In(Box<SegmentStore>),
    Out(OutDisk),
}

/// A disk that could not be used. Its rows tell what was on it.
#[derive(Debug)]
pub(super) struct OutDisk {
    pub(super) index: Index,
    pub(super) why: String,
    /// Held while rows are changed: one thread at a time.
    pub(super) changing: Mutex<()>,
}

impl Unit {
    pub(super) fn new(path: String, state: UnitState) -> Unit {
        Unit { path, state, failures: AtomicU32::new(0) }
    }

    /// Its store, if it is in use.
    pub(super) fn store(&self) -> Option<&SegmentStore> {
        match &self.state {
            UnitState::In(store) => Some(store),
            UnitState::Out(_) => None,
        }
    }

    /// Its store, if it takes blobs.
    pub(super) fn sound(&self) -> Option<&SegmentStore> {
        self.store().filter(|store| store.health().is_ok())
    }

    /// Its store, if it was retired.
    pub(super) fn retired(&self) -> Option<&SegmentStore> {
        self.store().filter(|store| store.core().retired.is_cancelled())
    }

    /// The rows of what is on it.
    pub(super) fn index(&self) -> &Index {
        match &self.state {
            UnitState::In(store) => &store.core().index,
            UnitState::Out(out) => &out.index,
        }
    }

    /// What it could take. None if it takes nothing, or does not say what is free.
    pub(super) fn candidate(&self, disk: usize) -> Option<Candidate> {
        let core = self.sound()?.core();
        let space = core.disk.space(&core.dir).ok()?;
        let options = &core.options;
        let reserved = options.free_space.bytes(space).saturating_add(options.allocate_bytes);
        let promised = core.writes.get().saturating_mul(CHUNK_BYTES);
        let room_bytes = space.available_bytes.saturating_sub(reserved).saturating_sub(promised);
        Some(Candidate { disk, free_bytes: space.available_bytes, room_bytes })
    }

    /// Takes note of what came of a put.
    pub(super) fn note(&self, result: &Result<u64, StorageError>) {
        let Some(core) = self.sound().map(SegmentStore::core).filter(|core| !core.closing.is_cancelled())
        else {
            return;
        };
        match result {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(StorageError::Failed(reason)) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if failures >= FAILURES_MAX {
                    drop(core.retire(&format!("{failures} writes failed in a row, the last one: {reason}")));
                }
            }
            // The sender's doing, or the cluster's, or a lack of space.
            Err(_) => {}
        }
    }
}

/// The disks of a node, the system disk first.
#[derive(Debug)]
pub(super) struct Units(pub(super) Vec<Unit>);

/// Where a blob has rows.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Disks that can be read, the sound ones first.
    pub(super) readable: Vec<usize>,
    /// The first disk that is out.
    pub(super) out: Option<usize>,
}

impl Units {
    /// Whether a disk takes blobs.
    pub(super) fn any_sound(&self) -> bool {
        self.0.iter().any(|unit| unit.sound().is_some())
    }

    /// Looks a blob up on all disks.
    pub(super) fn holders(&self, blob: BlobId) -> Result<Holders, StorageError> {
        let mut holders = Holders::default();
        let mut retired = Vec::new();
        for (at, unit) in self.0.iter().enumerate() {
            if unit.index().row(blob)?.is_none() {
                continue;
            }
            match (&unit.state, unit.retired()) {
                (UnitState::Out(_), _) => holders.out = holders.out.or(Some(at)),
                (UnitState::In(_), None) => holders.readable.push(at),
                (UnitState::In(_), Some(_)) => retired.push(at),
            }
        }
        holders.readable.extend(retired);
        Ok(holders)
    }

    /// The sound disk that has a row of a blob.
    pub(super) fn sound_holder(&self, blob: BlobId) -> Result<Option<usize>, StorageError> {
        for (at, unit) in self.0.iter().enumerate() {
            if unit.sound().is_some() && unit.index().row(blob)?.is_some() {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// The disks that are not sound and have a row of a blob.
    pub(super) fn holders_not_sound(&self, blob: BlobId) -> Result<Vec<usize>, StorageError> {
        let mut holders = Vec::new();
        for (at, unit) in self.0.iter().enumerate().filter(|(_, unit)| unit.sound().is_none()) {
            if unit.index().row(blob)?.is_some() {
                holders.push(at);
            }
        }
        Ok(holders)
    }

    /// The length of a blob that a sound disk has whole. Only then may another disk's row of it go.
    pub(super) fn claimed(&self, blob: BlobId) -> Result<Option<u64>, StorageError> {
        first_of(self.0.iter().filter_map(Unit::sound), blob)
    }

    /// The length of a blob that the node has whole. Where no disk takes anything, nothing could be fetched again: what
    /// can be read is all there is, and others are told of it.
    pub(super) fn stat(&self, blob: BlobId) -> Result<Option<u64>, StorageError> {
        match self.any_sound() {
            true => self.claimed(blob),
            false => first_of(self.0.iter().filter_map(Unit::store), blob),
        }
    }

    /// Takes the rows of blobs away from a disk that is not sound.
    pub(super) async fn disown(self: &Arc<Self>, at: usize, blobs: &[BlobId]) -> Result<(), StorageError> {
        match &self.0[at].state {
            UnitState::In(store) => store.disown(blobs).await,
            UnitState::Out(_) => {
                let (units, blobs) = (Arc::clone(self), blobs.to_vec());
                blocking(move || units.disown_out(at, &blobs)).await?
            }
        }
    }

    fn disown_out(&self, at: usize, blobs: &[BlobId]) -> Result<(), StorageError> {
        let UnitState::Out(out) = &self.0[at].state else { return Ok(()) };
        let _alone = out.changing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(out.index.disown(blobs)?)
    }

    /// What is in all disks together, in bytes.
    pub(super) fn capacity_bytes(&self) -> Result<u64, StorageError> {
        let mut all = 0;
        let any_sound = self.any_sound();
        for unit in &self.0 {
            let counted = if any_sound { unit.sound() } else { unit.store() };
            if let Some(core) = counted.map(SegmentStore::core) {
                all += core.disk.space(&core.dir).map_err(|error| storage_error(&error))?.total_bytes;
            }
        }
        Ok(all)
    }
}

fn first_of<'a>(
    stores: impl Iterator<Item = &'a SegmentStore>,
    blob: BlobId,
) -> Result<Option<u64>, StorageError> {
    for store in stores {
        if let Some(length) = store.core().stat(blob)? {
            return Ok(Some(length));
        }
    }
    Ok(None)
}
