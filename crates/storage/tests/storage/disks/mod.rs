//! Nodes with several disks.

mod contract;
mod failing;
mod model;
mod moving;
mod starting;
