//! For the tests of this crate and of those that implement or use its traits: nodes on real sockets.

mod control;
mod delegate;
mod memory;
mod metadata;
mod node;
pub mod storage_contract;

pub use control::{Asked, ScriptedControl};
pub use delegate::Delegate;
pub use memory::MemoryStorage;
pub use metadata::MemoryMetadata;
pub use node::{TestNode, identity, network};
