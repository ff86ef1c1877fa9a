//! Nodes in memory, and a cluster of them.

mod node;
mod world;

pub use node::Fault;
pub use world::{FakeTopology, World, blob, body, content, record, state};
