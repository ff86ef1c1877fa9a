//! A narrow ordered key-value store: what Esker needs from a storage engine, and nothing an engine could not promise.
//!
//! The trait [`Engine`] has three adapters: [fjall](FjallEngine) (the default), [sled](SledEngine) and
//! [memory](MemoryEngine). One contract suite (`contract`, behind the feature `testing`) defines what every engine owes;
//! an adapter is finished when it passes the suite, and a caller may rely on nothing that the suite does not check.
//!
//! **Architecture Invariant:** no type of an engine's own crate appears in this crate's interface.
//!
//! **Architecture Invariant:** after a crash an engine holds exactly the first *n* commits, over all keyspaces together,
//! where *n* covers at least every commit that was acknowledged as [`Durability::Synced`].

mod batch;
#[cfg(feature = "testing")]
pub mod contract;
mod engine;
mod error;
mod files;
mod fjall;
mod group;
mod keyspace;
mod memory;
mod open;
mod owner;
mod pairs;
mod range;
mod sled;
mod wait;

pub use self::fjall::FjallEngine;
pub use self::sled::SledEngine;
pub use batch::{Batch, Op};
pub use engine::{Durability, Engine, Pairs, View};
pub use error::KvError;
pub use keyspace::Keyspace;
pub use memory::{MemoryEngine, Tombstones};
pub use open::{EngineKind, Options, UnknownEngine, open};
pub use range::{Direction, KeyRange};
