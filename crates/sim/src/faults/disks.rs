//! Disks that fail, and disks that are full.

use super::kinds::below;
use crate::world::End;
use crate::world::machine::DIR;
use esker_env::{DiskOperation, Random as _, SeededRandom, SimDisk};
use std::io;
use std::path::Path;

/// What is wrong with a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illness {
    kind: Kind,
    /// How the process ends that had the disk.
    pub end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Operations in this directory fail.
    Errors(&'static str, esker_env::Fault),
    /// So many bytes are left.
    Full(u64),
}

/// The log, the segments, and all, where the fences are, too.
const WHERE: [&str; 4] = ["wal", "segments", "segments", ""];
const OPERATIONS: [DiskOperation; 7] = [
    DiskOperation::Sync,
    DiskOperation::Sync,
    DiskOperation::Write,
    DiskOperation::Write,
    DiskOperation::Read,
    DiskOperation::SyncDir,
    DiskOperation::Allocate,
];
/// Nothing, less than commands may leave, and less than data may leave.
const LEFT: [u64; 4] = [0, 64 << 10, 512 << 10, 4 << 20];

impl Illness {
    /// Any.
    pub fn draw(random: &SeededRandom) -> Illness {
        use esker_env::FaultDuration::{Forever, Once};
        let end = if random.chance(1, 2) { End::PowerLoss } else { End::Kill };
        if random.chance(1, 4) {
            return Illness { kind: Kind::Full(LEFT[below(random, LEFT.len())]), end };
        }
        let fault = esker_env::Fault {
            operation: OPERATIONS[below(random, OPERATIONS.len())],
            after: random.below(20),
            kind: io::ErrorKind::Other,
            duration: if random.chance(1, 2) { Once } else { Forever },
        };
        Illness { kind: Kind::Errors(WHERE[below(random, WHERE.len())], fault), end }
    }

    /// It begins.
    pub fn strike(&self, disk: &SimDisk) {
        match &self.kind {
            Kind::Errors(place, fault) => disk.inject_under(&Path::new(DIR).join(place), *fault),
            Kind::Full(left) => disk.limit_free_space(*left),
        }
    }
}
