//! A simulated file: what programs read, what the platter holds, and the changes in between.

use super::bytes::SparseBytes;
use super::power::Temper;
use crate::random::Random;

/// A file without its name.
#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    /// What reads return: the page cache.
    pub(super) current: SparseBytes,
    /// What is certain to survive a power cut.
    pub(super) durable: SparseBytes,
    /// What was done to `current` since it was last the same as `durable`, in order.
    pending: Vec<Change>,
    /// How many handles are open; a file without a name lives as long as it has some.
    pub(super) handles: u64,
}

/// A change to a file's bytes.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    SetLen(u64),
    Reserve { offset: u64, len: u64 },
    Punch { offset: u64, len: u64 },
}

impl Change {
    /// Does it, and returns how many bytes of blocks it freed by punching.
    pub(super) fn apply(&self, bytes: &mut SparseBytes) -> u64 {
        match *self {
            Change::Write { offset, bytes: ref new } => bytes.write(new, offset),
            Change::SetLen(len) => bytes.set_len(len),
            Change::Reserve { offset, len } => bytes.reserve(offset, len),
            Change::Punch { offset, len } => return bytes.punch(offset, len),
        }
        0
    }
}

impl Inode {
    /// A file that was on disk before the machine started.
    pub(super) fn settled(bytes: SparseBytes) -> Inode {
        Inode { current: bytes.clone(), durable: bytes, ..Inode::default() }
    }

    /// Changes the page cache. Returns how many bytes of blocks were freed by punching.
    pub(super) fn change(&mut self, change: Change) -> u64 {
        let freed = change.apply(&mut self.current);
        self.pending.push(change);
        freed
    }

    /// A sync that succeeds. It writes what is pending, not what is current: what a failed sync lost stays lost.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync that fails: any part of what was pending reaches the disk, and the rest is forgotten, because
    /// Linux marks the pages clean. Reads still see all of it until the power fails.
    pub(super) fn fail_sync(&mut self, random: &dyn Random) {
        for change in std::mem::take(&mut self.pending) {
            Temper::Mixed.settle(&change, &mut self.durable, random);
        }
    }

    /// The file as the next process finds it when all that had it open are killed.
    pub(super) fn after_kill(&self) -> Inode {
        Inode { handles: 0, ..self.clone() }
    }

    /// What a power cut leaves.
    pub(super) fn after_power_cut(&self, temper: Temper, random: &dyn Random) -> SparseBytes {
        let mut left = self.durable.clone();
        for change in &self.pending {
            temper.settle(change, &mut left, random);
        }
        left
    }

    /// Damages one byte, in the page cache and on the platter.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        self.current.flip(offset, mask);
        self.durable.flip(offset, mask);
    }
}
