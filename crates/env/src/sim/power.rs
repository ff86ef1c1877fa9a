//! What becomes of unsynced changes when the power fails.

use super::bytes::SparseBytes;
use super::inode::Change;
use crate::random::Random;

/// What a disk writes in one piece; a power cut tears larger writes at these boundaries.
const SECTOR_BYTES: u64 = 512;

/// How a power cut treats the changes that weren't synced. The extremes are the likeliest in real life and the
/// least likely from independent coins, so they get a share of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// Nothing that wasn't synced survives.
    LoseAll,
    /// All of it had been written back in time.
    KeepAll,
    /// Each change meets its own fate, so later ones survive where earlier ones don't.
    Mixed,
}

impl Temper {
    pub(super) fn draw(random: &dyn Random) -> Temper {
        match random.below(8) {
            0 => Temper::LoseAll,
            1 => Temper::KeepAll,
            _ => Temper::Mixed,
        }
    }

    /// Whether a change that is atomic survives.
    pub(super) fn keeps(self, random: &dyn Random) -> bool {
        match self {
            Temper::LoseAll => false,
            Temper::KeepAll => true,
            Temper::Mixed => random.chance(1, 2),
        }
    }

    /// Applies to `bytes` what survives of `change`.
    pub(super) fn settle(self, change: &Change, bytes: &mut SparseBytes, random: &dyn Random) {
        match (self, change) {
            (Temper::LoseAll, _) => {}
            (Temper::Mixed, Change::Write { offset, bytes: new }) => tear(*offset, new, bytes, random),
            (Temper::KeepAll | Temper::Mixed, change) => {
                if self.keeps(random) {
                    change.apply(bytes);
                }
            }
        }
    }
}

/// Writes none, all, the first sectors, or any sectors of `new`.
fn tear(offset: u64, new: &[u8], bytes: &mut SparseBytes, random: &dyn Random) {
    let end = offset + new.len() as u64;
    let sectors = end.div_ceil(SECTOR_BYTES) - offset / SECTOR_BYTES;
    let first_lost = match random.below(4) {
        0 => return,
        1 => sectors,
        2 => random.below(sectors + 1),
        _ => {
            write_sectors(offset, new, bytes, random, |_| random.chance(1, 2));
            return;
        }
    };
    write_sectors(offset, new, bytes, random, |sector| sector < first_lost);
}

fn write_sectors(
    offset: u64,
    new: &[u8],
    bytes: &mut SparseBytes,
    random: &dyn Random,
    survives: impl Fn(u64) -> bool,
) {
    let end = offset + new.len() as u64;
    // The file's length is the file system's to write: it survives without the bytes, or they without it.
    if end > bytes.len() && random.chance(1, 2) {
        bytes.set_len(end);
    }
    let end = end.min(bytes.len());
    let mut start = offset;
    let mut sector = 0;
    while start < end {
        let next = ((start / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
        if survives(sector) {
            let range = within(start - offset)..within(next - offset);
            bytes.write(&new[range], start);
        }
        start = next;
        sector += 1;
    }
}

/// An offset within a buffer, as an index.
fn within(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
