//! A disk in memory that loses what wasn't synced, fails when told to, and counts what it is asked.

mod bytes;
mod disk;
mod fault;
mod file;
mod inode;
mod length;
mod names;
mod power;
#[cfg(test)]
mod tests;

pub use fault::{Fault, FaultDuration};
pub use length::rounds;

use crate::error::{DiskError, DiskOperation, DiskResult};
use crate::random::{Random, SeededRandom};
use fault::Faults;
use inode::Inode;
use names::{InodeId, Names};
use power::Temper;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How large a disk is that was not limited.
const CAPACITY_BYTES: u64 = 1 << 50;

/// A simulated disk. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    names: Names,
    inodes: BTreeMap<InodeId, Inode>,
    next_inode: InodeId,
    locked: BTreeSet<PathBuf>,
    faults: Faults,
    capacity_bytes: u64,
    counters: SimCounters,
    /// Decides what a failed write or sync leaves behind.
    random: SeededRandom,
}

impl Default for State {
    fn default() -> State {
        State {
            names: Names::default(),
            inodes: BTreeMap::new(),
            next_inode: 0,
            locked: BTreeSet::new(),
            faults: Faults::default(),
            capacity_bytes: CAPACITY_BYTES,
            counters: SimCounters::default(),
            random: SeededRandom::new(0),
        }
    }
}

/// What a simulated disk was asked to do so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimCounters {
    /// Reads.
    pub reads: u64,
    /// Writes, a vectored one counting as one.
    pub writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Syncs of files that succeeded.
    pub syncs: u64,
    /// Syncs of directories that succeeded.
    pub dir_syncs: u64,
    /// Bytes of whole blocks that hole punching freed.
    pub punched_bytes: u64,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// An empty disk on which failed writes and syncs leave what `seed` decides.
    pub fn seeded(seed: u64) -> SimDisk {
        let state = State { random: SeededRandom::new(seed), ..State::default() };
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// What the disk would hold if the power failed now, as a disk of its own, without faults or locks. Each
    /// unsynced write is lost, kept, or torn at 512-byte sectors; each unsynced create, rename and remove
    /// happened or didn't; all independently of the others and of their order. This disk goes on as it is.
    pub fn power_cut(&self, random: &dyn Random) -> SimDisk {
        let state = self.lock();
        let temper = Temper::draw(random);
        let names = state.names.after_power_cut(temper, random);
        let mut inodes = BTreeMap::new();
        for (&id, inode) in &state.inodes {
            if names.is_named(id) {
                inodes.insert(id, Inode::settled(inode.after_power_cut(temper, random)));
            }
        }
        let left = State {
            names,
            inodes,
            next_inode: state.next_inode,
            capacity_bytes: state.capacity_bytes,
            random: SeededRandom::new(random.u64()),
            ..State::default()
        };
        SimDisk { state: Arc::new(Mutex::new(left)) }
    }

    /// The disk as the next process finds it that runs on the machine after one was killed: what was not synced is there,
    /// and still not durable. It has no locks and no faults. What happens to one of both doesn't show on the other.
    pub fn after_kill(&self) -> SimDisk {
        let state = self.lock();
        // A file whose removal was not synced may come back.
        let reachable = state.names.reachable();
        let inodes = state.inodes.iter().filter(|(id, _)| reachable.contains(id));
        let inodes = inodes.map(|(&id, inode)| (id, inode.after_kill())).collect();
        let left = State {
            names: state.names.clone(),
            inodes,
            next_inode: state.next_inode,
            capacity_bytes: state.capacity_bytes,
            random: SeededRandom::new(state.random.u64()),
            ..State::default()
        };
        SimDisk { state: Arc::new(Mutex::new(left)) }
    }

    /// A disk with the same bytes and names, all of them durable: what a machine finds that was shut down in
    /// good order. What happens to one doesn't show on the other.
    pub fn copy(&self) -> SimDisk {
        let state = self.lock();
        let keep = Temper::KeepAll;
        let names = state.names.after_power_cut(keep, &state.random);
        let inodes = state.inodes.iter().filter(|(id, _)| names.is_named(**id));
        let inodes = inodes.map(|(&id, inode)| (id, Inode::settled(inode.current.clone()))).collect();
        let copy = State { names, inodes, next_inode: state.next_inode, ..State::default() };
        SimDisk { state: Arc::new(Mutex::new(copy)) }
    }

    /// Arms a fault. A failed write leaves a part of its bytes written; a failed sync may lose what was
    /// unsynced, and no later sync brings it back.
    pub fn inject(&self, fault: Fault) {
        self.inject_under(Path::new(""), fault);
    }

    /// Arms a fault that only strikes what is in a directory.
    pub fn inject_under(&self, dir: &Path, fault: Fault) {
        self.lock().faults.arm(dir, fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.lock().faults.disarm();
    }

    /// Limits the disk to what it holds now and `bytes` more, in blocks of 4 KiB.
    pub fn limit_free_space(&self, bytes: u64) {
        let mut state = self.lock();
        state.capacity_bytes = state.used_bytes() + bytes;
    }

    /// The disk is as large as it was when it was new.
    pub fn lift_limit(&self) {
        self.lock().capacity_bytes = CAPACITY_BYTES;
    }

    /// Inverts the bits of `mask` in the byte at `offset`, in the page cache and on the platter. A file that
    /// doesn't exist is an error; an offset beyond its end changes nothing.
    pub fn flip_bits(&self, path: &Path, offset: u64, mask: u8) -> DiskResult<()> {
        let mut state = self.lock();
        match state.names.find(path).and_then(|id| state.inodes.get_mut(&id)) {
            Some(inode) => {
                inode.flip(offset, mask);
                Ok(())
            }
            None => Err(DiskError::new(DiskOperation::Write, path, io::ErrorKind::NotFound.into())),
        }
    }

    /// What the disk was asked to do so far.
    pub fn counters(&self) -> SimCounters {
        self.lock().counters
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The bytes of all blocks that are in use: files with a name, and those still open without one.
    fn used_bytes(&self) -> u64 {
        self.inodes
            .iter()
            .filter(|(id, inode)| inode.handles > 0 || self.names.is_named(**id))
            .map(|(_, inode)| inode.current.allocated_bytes())
            .sum()
    }

    fn free_bytes(&self) -> u64 {
        self.capacity_bytes.saturating_sub(self.used_bytes())
    }

    /// Forgets the files that nothing can reach any more.
    fn collect(&mut self) {
        let reachable = self.names.reachable();
        self.inodes.retain(|id, inode| inode.handles > 0 || reachable.contains(id));
    }
}
