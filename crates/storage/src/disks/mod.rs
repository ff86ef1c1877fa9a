//! The blobs of a node, on all of its disks.
//!
//! The first data directory is on the *system disk*: it has the log, the rows, the fences, the markers, and segments. The
//! others have segments only, and may fail alone. One [`NodeStore`] stands above the stores of the disks and is what the
//! rest of the node sees, so that nothing else knows how many disks there are.
//!
//! * `marker`, `data_disk`: whose directory a data disk is. `roster`: which disks the system disk knows of.
//! * `open`: taking them into use. `unit`: a disk in use, or out of use. `node`: the store above them.
//! * `choose`, `merge`: where a blob goes, and lists of several disks as one; pure. `claims`: puts under way.
//! * `rescue`: what a retired disk has goes to the others. `tracker`: what must come from other nodes.
//!
//! A disk is **sound** (in use, perhaps full), **retired** (it failed while in use: read, not written, until the node is
//! started again) or **out** (it could not be used at the start). The rows of all of them are on the system disk.
//!
//! **Architecture Invariant:** a blob that is on a sound disk has no row on a disk that is not: whoever stores it there
//! takes the other row away. So the rows of a disk that is not sound are what the node may lose with it, or has lost.
//!
//! **Architecture Invariant:** only sound disks' blobs are claimed ([`stat`](esker_rpc::Storage::stat)), so that what was
//! on others is fetched again, here or elsewhere. All that can be read is listed.
//!
//! **Architecture Invariant:** a node that starts without a disk that it had does not say of a blob that it is not there,
//! nor counts its lists as whole, before it has compared itself with every node that may have it. The mark of that is
//! durable before the node serves.

mod choose;
mod claims;
mod data_disk;
mod marker;
mod merge;
mod node;
mod open;
mod rescue;
mod roster;
mod storage;
mod tracker;
mod unit;
mod usage;

pub(crate) use data_disk::DataDisk;
pub use data_disk::{DiskId, Unusable};
pub use node::NodeStore;
pub use open::{NodeOpenError, Opened, Opening};
pub use rescue::Rescue;
pub use roster::RosterError;
