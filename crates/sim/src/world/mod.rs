//! The simulated machines, their network, and what runs on them.

pub mod clock;
mod cluster;
pub mod engine;
pub mod gateway;
pub mod link;
pub mod machine;
pub mod net;
pub mod node;
pub mod operator;
pub mod plan;

pub use cluster::{Cluster, End};
