//! The one seam between Esker and what it can't control: time, randomness and disks.
//!
//! Everything that runs takes a [`Clock`], a [`Random`] or a [`Disk`] from its caller. Production hands in
//! [`SystemClock`], [`OsRandom`] and [`OsDisk`]; tests hand in [`ManualClock`], [`SeededRandom`] and
//! [`SimDisk`], and so decide what time it is, which numbers come, and when the power fails.
//!
//! **Architecture Invariant:** this crate alone calls the operating system's clock, random number generator
//! and file functions. `clippy.toml` bans them elsewhere.

pub mod clock;
#[cfg(test)]
mod contract_tests;
pub mod disk;
pub mod error;
pub mod files;
pub mod os_disk;
pub mod random;
pub mod sim;
pub mod threads;

pub use clock::{Clock, ManualClock, SystemClock, process_cpu_time};
pub use disk::{
    Allocation, DirEntry, Disk, DiskFile, DiskLock, DiskSpace, EntryKind, Metadata, OpenMode, Permissions,
};
pub use error::{DiskError, DiskOperation, DiskResult};
pub use files::{read_file, write_atomically};
pub use os_disk::OsDisk;
pub use random::{OsRandom, Random, SeededRandom};
pub use sim::{Fault, FaultDuration, SimCounters, SimDisk};
pub use threads::{OneThread, disk_delay, spawn_blocking};
