//! What the nodes of a cluster do together with data: where it is, writing and reading its replicas, and keeping
//! them complete.
//!
//! **Architecture Invariant:** everything here is decided from the topology and the rows of the index, and from what
//! storage nodes answer. A node that lost its memory loses time, never data.

pub mod background;
mod damage;
mod delete;
mod health;
mod keeper;
mod nodes;
mod pace;
mod patience;
mod put;
mod read;
mod reading;
mod rewind;
mod store;
mod tee;
mod telemetry;
pub mod topology;
mod view;
mod write;

pub use damage::{Damage, DamageSink};
pub use health::{Health, HealthOptions};
pub use keeper::{KeeperOptions, ViewError, ViewHandle, ViewKeeper};
pub use nodes::{Dial, OwnStorage, StorageNodes};
pub use read::ReadOptions;
pub use store::{ReplicatedStore, StoreOptions};
pub use telemetry::METRICS;
pub use view::ClusterView;
pub use write::WriteOptions;
