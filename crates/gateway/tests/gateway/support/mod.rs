//! A gateway on real sockets, with the other roles in memory.

pub mod client;
pub mod metadata;
pub mod storage;
pub mod world;

pub use client::Reply;
pub use metadata::{FakeMetadata, Fault};
pub use storage::FakeStorage;
pub use world::World;
